import { posix } from "node:path";
import type { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Pack, pack } from "tar-stream";
import { readContext } from "./read-context.ts";
import { readSmallFile } from "./read-small-file.ts";

/** The build context as a tar stream, files read as they are needed; links stay links. Owners become root, as with Docker's own client. */
export async function packContext(contextDir: string, dockerfile: string): Promise<Readable> {
  const archive = pack();
  addAll(archive, contextDir, dockerfile).catch((error: Error) => archive.destroy(error));
  return archive as unknown as Readable;
}

async function addAll(archive: Pack, contextDir: string, dockerfile: string): Promise<void> {
  const sent = new Set<string>();
  for await (const { path: name, stats, target: linkname, content } of readContext(contextDir, dockerfile)) {
    sent.add(name);
    const header = { name, mode: stats.mode & 0o7777, mtime: stats.mtime, uid: 0, gid: 0 };
    if (stats.isDirectory()) archive.entry({ ...header, type: "directory" });
    else if (linkname !== undefined) archive.entry({ ...header, type: "symlink", linkname });
    else if (content) {
      const sink = archive.entry({ ...header, type: "file", size: stats.size });
      await pipeline(content.createReadStream({ autoClose: false }), sink as unknown as Writable);
    }
  }
  // The daemon needs these two even when they are ignored; it leaves them out of the context itself then.
  for (const name of [posix.normalize(dockerfile), ".dockerignore"]) {
    const text = sent.has(name) ? undefined : await readSmallFile(contextDir, name);
    if (text !== undefined) archive.entry({ name, mode: 0o644, uid: 0, gid: 0 }, text);
  }
  archive.finalize();
}
