import { execFile } from "node:child_process";
import { chmod, copyFile, mkdtemp } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { tool } from "./tool.ts";

const run = promisify(execFile);

/** Where the sandbox has the folder of `startTool`. */
const startFolder = "/dev/start";

export interface StartTool {
  /** What the sandbox mounts at `startFolder`. */
  readonly folder: string;
  /** Beginnings of commands in the sandbox. */
  readonly env: readonly string[];
  readonly setpriv: readonly string[];
}

/**
 * This machine's `env` and `setpriv` with all they need, to start a command inside the image's root: a program that is started with the
 * variables of an image runs code of the image (LD_PRELOAD, GCONV_PATH and more), so none outside may be.
 */
export async function startTool(scratchDir: string): Promise<StartTool> {
  const folder = await mkdtemp(join(scratchDir, "start-"));
  const env = await bring("env", folder);
  const setpriv = await bring("setpriv", folder);
  // Other users than root start commands too.
  await chmod(folder, 0o755);
  return { folder, env, setpriv };
}

/** Copies a program and its libraries to a folder that will be seen at `startFolder`; returns how it is called there. */
export async function bring(name: string, folder: string): Promise<string[]> {
  const program = tool(name);
  // Fails for a static program, which needs nothing.
  const listed = await run("ldd", [program], { env: { PATH: process.env.PATH } }).catch(() => ({ stdout: "" }));
  const libraries = [...listed.stdout.matchAll(/^\s*(?:\S+ => )?(\/\S+) \(0x/gm)].map(([, path]) => path!);
  for (const path of [program, ...libraries]) {
    await copyFile(path, join(folder, basename(path)));
    await chmod(join(folder, basename(path)), 0o755);
  }
  const inside = (path: string) => join(startFolder, basename(path));
  const loader = /^\s*(\/\S+) \(0x/m.exec(listed.stdout)?.[1];
  return [...(loader === undefined ? [] : [inside(loader), "--library-path", startFolder]), inside(program)];
}
