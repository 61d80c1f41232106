import { createWriteStream } from "node:fs";
import { chmod, link, lstat, rm, symlink, utimes } from "node:fs/promises";
import { dirname, join, normalize, sep } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { extract, type Header } from "tar-stream";
import { ArchiveError } from "../../engine/context/archive-error.ts";
import { TarGuard } from "../../engine/context/tar-guard.ts";
import { makeFolder } from "./make-folder.ts";

interface ArchiveLimits {
  /** Of everything unpacked. */
  readonly bytes: number;
  readonly entries: number;
}

/**
 * Unpacks a tar, gzipped or not, under `dir`. Nothing is ever written outside: names that leave are refused, and so are names
 * that pass through a symlink. Symlinks are kept as they are, wherever they point; whoever reads them must not follow them out.
 * Modes are the archive's, as with the engine's archive.Untar, set-user-ID and sticky bits too; a folder it does not name is 0755.
 */
export async function extractTar(archive: Readable, dir: string, limits: ArchiveLimits): Promise<void> {
  const tar = extract();
  const { first, whole } = await peek(archive);
  const guard = new TarGuard(limits);
  const unzipped = isGzip(first) ? pipeline(whole, createGunzip(), guard, tar) : pipeline(whole, guard, tar);
  // The loop below sees the same failure; this only keeps the promise from counting as unhandled meanwhile.
  unzipped.catch(() => {});
  const folderModes = new Map<string, number>();
  let entries = 0;
  for await (const entry of tar) {
    entries += 1;
    // A streamx stream: iterable at run time, which its types do not say.
    await writeEntry(entry.header, entry as unknown as AsyncIterable<Uint8Array>, dir, folderModes);
    entry.resume();
  }
  await unzipped;
  // A page of HTML or an empty reply reads as a tar with nothing in it.
  if (entries === 0) throw new ArchiveError("no archive, or an empty one");
  // Last, and inner ones first: a folder may be closed to its owner too.
  for (const [path, mode] of [...folderModes].sort(([a], [b]) => b.length - a.length)) await chmod(path, mode);
}

function isGzip(first: Buffer): boolean {
  return first[0] === 0x1f && first[1] === 0x8b;
}

/** The first bytes of a stream, and a stream that still has them. */
async function peek(stream: Readable): Promise<{ first: Buffer; whole: Readable }> {
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  const began: Uint8Array[] = [];
  let length = 0;
  while (length < 2) {
    const { value, done } = await chunks.next();
    if (done) break;
    began.push(value);
    length += value.length;
  }
  async function* all() {
    yield* began;
    yield* { [Symbol.asyncIterator]: () => chunks };
  }
  return { first: Buffer.concat(began), whole: Readable.from(all(), { objectMode: false }) };
}

async function writeEntry(
  header: Header,
  body: AsyncIterable<Uint8Array>,
  dir: string,
  folderModes: Map<string, number>,
): Promise<void> {
  // The folder itself, by the name that `az acr build` gives it.
  if (header.type === "directory" && header.name === "/") return;
  const path = inside(header.name, dir);
  if (path === dir) return;
  await mkdirWithoutLinks(dirname(path), dir);
  switch (header.type) {
    case "directory":
      await mkdirWithoutLinks(path, dir);
      folderModes.set(path, (header.mode ?? 0o755) & 0o7777);
      return;
    case "file":
    case "contiguous-file":
      await rm(path, { force: true });
      await pipeline(body, createWriteStream(path, { flags: "wx" }));
      // A second call, because the process's umask would take bits away from the first.
      await chmod(path, (header.mode ?? 0o644) & 0o7777);
      if (header.mtime) await utimes(path, header.mtime, header.mtime);
      return;
    case "symlink":
      await rm(path, { force: true });
      await symlink(header.linkname ?? "", path);
      return;
    case "link": {
      const target = inside(header.linkname ?? "", dir);
      await mkdirWithoutLinks(dirname(target), dir);
      if (!(await lstat(target)).isFile()) throw new ArchiveError(`hard link ${header.name} to something not a file`);
      await rm(path, { force: true });
      await link(target, path);
      return;
    }
    default:
    // Devices and pipes have no place in a build context.
  }
}

function inside(name: string, dir: string): string {
  const path = normalize(join(dir, name)).replace(/\/$/, "");
  if (name.startsWith("/") || name.includes("\0") || (path !== dir && !path.startsWith(dir + sep))) {
    throw new ArchiveError(`entry ${JSON.stringify(name)} leaves the archive`);
  }
  return path;
}

/** Like `mkdir -p`, except that a symlink on the way is an error: it could lead anywhere. */
async function mkdirWithoutLinks(path: string, dir: string): Promise<void> {
  let reached = dir;
  for (const part of path.slice(dir.length).split(sep).filter(Boolean)) {
    reached = join(reached, part);
    const found = await lstat(reached).catch(() => undefined);
    if (found?.isDirectory()) continue;
    if (found) throw new ArchiveError(`entry passes through ${JSON.stringify(part)}, which is not a directory`);
    await makeFolder(reached);
  }
}
