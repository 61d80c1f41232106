import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { choosePorts } from "../../local/ports.ts";
import { temporaryDirectory } from "./registry/support.ts";

/** Somebody else's. */
async function takenPort(port = 0): Promise<number> {
  const server = createServer().listen(port, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

test("ports are kept, and different ones", async () => {
  const dir = await temporaryDirectory();
  const first = await choosePorts(dir, {});
  expect(new Set(Object.values(first)).size).toBe(8);
  expect(await choosePorts(dir, {})).toEqual(first);
});

test("one that was asked for and is taken is said, and nothing is kept of the start", async () => {
  const dir = await temporaryDirectory();
  const arm = await takenPort();
  await expect(choosePorts(dir, { arm })).rejects.toThrow(`port ${arm} for arm is taken; free it, or name another`);
  expect((await choosePorts(dir, {})).arm).not.toBe(arm);
});

test("a kept one that is taken is replaced, except the registry's", async () => {
  const dir = await temporaryDirectory();
  const { arm, registry } = await choosePorts(dir, {});
  await takenPort(arm);
  const next = await choosePorts(dir, {});
  expect([next.arm === arm, next.registry]).toEqual([false, registry]);
  await takenPort(registry);
  await expect(choosePorts(dir, {})).rejects.toThrow(
    /^port \d+ of the registry, by which its images are called, is taken/,
  );
});
