import { constants, createWriteStream } from "node:fs";
import { chmod, copyFile, mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { usualLimits } from "../built-in/limits.ts";
import { EngineError } from "../engine.ts";
import { readContext } from "./read-context.ts";

/**
 * Copies a build context, without what .dockerignore names, into a new folder: what a build reads is one state of it,
 * and nobody who can write to the context meanwhile changes what was checked.
 */
export async function saveContext(contextDir: string, dockerfile: string, into: string): Promise<void> {
  await mkdir(into, { recursive: true });
  let left = usualLimits.disk;
  const folderModes: [path: string, mode: number][] = [[into, 0o755]];
  for await (const { path, stats, target, content } of readContext(contextDir, dockerfile)) {
    const copy = join(into, path);
    if (stats.isDirectory()) {
      await mkdir(copy);
      folderModes.push([copy, stats.mode & 0o7777]);
    } else if (target !== undefined) {
      await symlink(target, copy);
    } else if (content) {
      // By what files say: a hole in one is no hole in its copy.
      left -= stats.size;
      if (left < 0) throw new EngineError(`the build context is larger than ${usualLimits.disk} bytes`);
      if (process.platform === "linux") await copyFile(`/proc/self/fd/${content.fd}`, copy, constants.COPYFILE_FICLONE);
      else await pipeline(content.createReadStream({ autoClose: false }), createWriteStream(copy));
      await chmod(copy, stats.mode & 0o7777);
    }
  }
  // Last, and inner ones first: a folder may be closed to its owner.
  for (const [path, mode] of folderModes.reverse()) await chmod(path, mode);
}
