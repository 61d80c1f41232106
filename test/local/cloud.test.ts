import { expect, onTestFinished, test } from "vitest";
import { pushVersion } from "../../local/admin/push-version.ts";
import { type Cloud, startCloud } from "../../local/cloud.ts";
import { temporaryDirectory } from "./registry/support.ts";

test("a start goes on where it was: a version pushed to local/shell:1 is still there, and nobody is told of another", async () => {
  const dir = await temporaryDirectory();
  let running: Cloud | undefined;
  onTestFinished(() => running?.stop());
  const start = async () => {
    const said: string[] = [];
    running = await startCloud({ dir, forgetful: true, engine: "built-in", onProgress: (what) => said.push(what) });
    return { cloud: running, said };
  };
  const first = await start();
  expect(first.said).toContain("a base image made of this machine's shell");
  const wish = { reference: "local/shell:1", text: "two", now: new Date() };
  const digest = await pushVersion(first.cloud.registry, wish);
  const changes = first.cloud.registry.ledger().length;
  await first.cloud.stop();

  const again = await start();
  expect((await again.cloud.registry.store.resolve("local/shell", "1"))?.digest).toBe(digest);
  expect(again.cloud.registry.ledger().length).toBe(changes);
  expect(again.said).not.toContain("a base image made of this machine's shell");
  // A part that is waited for later has been named before.
  for (const { said } of [first, again])
    for (const part of ["storage", "registry", "GitHub", "ACR"])
      expect(said.filter((what) => what.includes(part))).toHaveLength(1);
});
