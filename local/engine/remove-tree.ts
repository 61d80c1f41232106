import { execFile } from "node:child_process";
import { rm } from "node:fs/promises";
import { promisify } from "node:util";
import { tool } from "./built-in/tool.ts";

const run = promisify(execFile);

/**
 * Removes a folder, whatever commands of an image left in it: folders closed to their owner, paths too long for a call,
 * names that are not UTF-8. Nothing may run in it any more. What stays all the same, such as files of root's, is an error.
 */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
  } catch (error) {
    // Neither follows links it finds. They may have a word to say about each file.
    const options = { maxBuffer: Number.POSITIVE_INFINITY };
    await run(tool("chmod"), ["-R", "u+rwX", "--", path], options).catch(() => undefined);
    await run(tool("rm"), ["-rf", "--", path], options).catch(() => {
      throw error;
    });
  }
}
