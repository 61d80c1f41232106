import { createReadStream, type Stats } from "node:fs";
import { readlink } from "node:fs/promises";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Pack, pack } from "tar-stream";
import { listContext } from "./list-context.ts";
import { lstatIfAny } from "./path-in-root.ts";

/** The build context as a tar stream, files read as they are needed; links stay links. Owners become root, as with Docker's own client. */
export async function packContext(contextDir: string, dockerfile: string): Promise<Readable> {
  const listing = new Map(await listContext(contextDir, dockerfile));
  // The daemon needs these two even when they are ignored; it leaves them out of the context itself then.
  for (const path of [dockerfile, ".dockerignore"]) {
    const stats = await lstatIfAny(join(contextDir, path));
    if (stats?.isFile()) listing.set(path, stats);
  }
  const archive = pack();
  addAll(archive, contextDir, listing).catch((error: Error) => archive.destroy(error));
  return archive as unknown as Readable;
}

async function addAll(archive: Pack, contextDir: string, listing: ReadonlyMap<string, Stats>): Promise<void> {
  for (const [name, stats] of listing) {
    const header = { name, mode: stats.mode & 0o7777, mtime: stats.mtime, uid: 0, gid: 0 };
    const file = join(contextDir, name);
    if (stats.isDirectory()) archive.entry({ ...header, type: "directory" });
    else if (stats.isSymbolicLink()) archive.entry({ ...header, type: "symlink", linkname: await readlink(file) });
    else if (stats.isFile()) {
      const sink = archive.entry({ ...header, type: "file", size: stats.size });
      await pipeline(createReadStream(file), sink as unknown as Writable);
    }
  }
  archive.finalize();
}
