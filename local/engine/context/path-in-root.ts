import { lstat, readlink } from "node:fs/promises";
import { join } from "node:path";
import { EngineError } from "../engine.ts";

const mostLinks = 255;

/**
 * Where a path leads when `root` is `/`: symlinks are followed, absolute ones start at the root again, and `..` stops
 * there, so the answer never lies outside. Parts that do not exist are kept as written. Returns a path like `/a/b`.
 */
export async function pathInRoot(root: string, path: string, options = { followLast: true }): Promise<string> {
  const pending = path.split("/").filter((part) => part !== "" && part !== ".");
  const done: string[] = [];
  for (let links = 0; pending.length > 0; ) {
    const part = pending.shift()!;
    if (part === "..") {
      done.pop();
      continue;
    }
    const follow = pending.length > 0 || options.followLast;
    const target = follow ? await linkTarget(join(root, ...done, part)) : undefined;
    if (target === undefined) {
      done.push(part);
      continue;
    }
    if (++links > mostLinks) throw new EngineError(`${path}: too many symbolic links`);
    if (target.startsWith("/")) done.length = 0;
    pending.unshift(...target.split("/").filter((name) => name !== "" && name !== "."));
  }
  return `/${done.join("/")}`;
}

async function linkTarget(path: string): Promise<string | undefined> {
  const stats = await lstatIfAny(path);
  return stats?.isSymbolicLink() ? readlink(path) : undefined;
}

/** Undefined when nothing is there, or when something on the way is no directory. */
export async function lstatIfAny(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}
