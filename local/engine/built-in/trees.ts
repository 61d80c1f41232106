import { execFile } from "node:child_process";
import { rm } from "node:fs/promises";
import { promisify } from "node:util";
import { tool } from "./tool.ts";

const run = promisify(execFile);

/**
 * Removes a folder, whatever commands of an image left in it: folders closed to their owner, paths too long for a call,
 * names that are not UTF-8. Nothing may run in it any more.
 */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch {
    // Neither follows links it finds.
    await run(tool("chmod"), ["-R", "u+rwX", "--", path]).catch(() => undefined);
    await run(tool("rm"), ["-rf", "--", path]);
  }
}

/** Copies a file or folder with modes, owners and links; `to` must not be there yet. */
export async function copyTree(from: string, to: string): Promise<void> {
  await run(tool("cp"), ["-a", "--", from, to]);
}
