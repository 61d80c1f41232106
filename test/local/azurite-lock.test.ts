import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lockLocation } from "../../local/azurite-lock.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "slipway-lock-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

test("refuses a folder whose holder and its parent both live", async () => {
  const unlock = await lockLocation(dir);
  await expect(lockLocation(dir)).rejects.toThrow(`${dir} is in use by Azurite with process id ${process.pid}`);
  unlock();
  expect(await readdir(dir)).toEqual([]);
});

test("waits for a holder that is on its way out", async () => {
  const path = join(dir, "azurite.pid");
  const holder = JSON.parse(await heldText()) as { pid: number; parent: number; startedAt: string };
  // A parent that cannot exist: process ids end far below.
  await writeFile(path, JSON.stringify({ ...holder, parent: 2 ** 30 }));
  let taken = false;
  const waiting = lockLocation(dir).then((unlock) => {
    taken = true;
    return unlock;
  });
  await delay(200);
  expect(taken).toBe(false);
  await rm(path);
  (await waiting)();
});

test.skipIf(process.platform !== "linux")(
  "takes over from a dead holder whose pid went to another process (needs /proc)",
  async () => {
    await writeFile(
      join(dir, "azurite.pid"),
      JSON.stringify({ pid: process.pid, parent: process.ppid, startedAt: "1" }),
    );
    const unlock = await lockLocation(dir);
    expect(await readdir(dir)).toEqual(["azurite.pid"]);
    unlock();
  },
);

test("takes over from a holder that no longer runs, and from an unreadable file", async () => {
  for (const text of [JSON.stringify({ pid: 2 ** 30, parent: 1, startedAt: "" }), "", "{"]) {
    await writeFile(join(dir, "azurite.pid"), text);
    const unlock = await lockLocation(dir);
    unlock();
  }
  expect(await readdir(dir)).toEqual([]);
});

async function heldText(): Promise<string> {
  const unlock = await lockLocation(dir);
  const text = await readFile(join(dir, "azurite.pid"), "utf8");
  unlock();
  return text;
}
