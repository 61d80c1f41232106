import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { tool } from "./tool.ts";

const run = promisify(execFile);

/** Copies a file or folder with modes, owners and links; `to` must not be there yet. */
export async function copyTree(from: string, to: string): Promise<void> {
  await run(tool("cp"), ["-a", "--", from, to]);
}
