import { execFile } from "node:child_process";
import { chmod, copyFile, mkdir, rename } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { tool } from "./tool.ts";
import { removeTree } from "./trees.ts";

const run = promisify(execFile);

/** Where the sandbox has the folder of `startTool`. */
export const startFolder = "/dev/start";

export interface StartTool {
  /** What the sandbox mounts at `startFolder`. */
  readonly folder: string;
  /** In the sandbox; takes the arguments of `env`. */
  readonly command: readonly string[];
}

/**
 * This machine's `env` with all it needs, to start a command inside the image's root: a program that is started with the
 * variables of an image runs code of the image (LD_PRELOAD, GCONV_PATH and more), so none outside may be.
 */
export async function startTool(scratchDir: string): Promise<StartTool> {
  const env = tool("env");
  // Fails for a static program, which needs nothing.
  const listed = await run("ldd", [env], { env: { PATH: process.env.PATH } }).catch(() => ({ stdout: "" }));
  const libraries = [...listed.stdout.matchAll(/^\s*(?:\S+ => )?(\/\S+) \(0x/gm)].map(([, path]) => path!);
  const loader = /^\s*(\/\S+) \(0x/m.exec(listed.stdout)?.[1];
  const folder = join(scratchDir, "start");
  const fresh = `${folder}.new`;
  await removeTree(fresh);
  await mkdir(fresh, { mode: 0o755 });
  for (const path of [env, ...libraries]) await copyFile(path, join(fresh, basename(path)));
  // Whatever our umask is: other users than root start commands too.
  for (const path of [".", env, ...libraries]) await chmod(join(fresh, basename(path)), 0o755);
  await removeTree(folder);
  await rename(fresh, folder);
  const inside = (path: string) => join(startFolder, basename(path));
  const command = loader === undefined ? [] : [inside(loader), "--library-path", startFolder];
  return { folder, command: [...command, inside(env)] };
}
