import { createWriteStream } from "node:fs";
import { chmod, lchown, link, lutimes, mkdir, readdir, rm, symlink } from "node:fs/promises";
import { join, posix } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Header } from "tar-stream";
import { lstatIfAny, pathInRoot } from "../context/path-in-root.ts";
import type { TarEntry } from "./read-layer.ts";

const isRoot = process.getuid?.() === 0;

/**
 * Unpacks entries into `root`, which they cannot leave: the folder an entry goes to is found by following symlinks
 * inside the root only. Ownership is set when we are root; device nodes are left out, as the sandbox has its own /dev.
 */
export async function applyEntries(
  root: string,
  entries: AsyncIterable<TarEntry>,
  options = { whiteouts: true },
): Promise<void> {
  const written = new Set<string>();
  for await (const { path, header, content } of entries) {
    if (path === "") continue;
    const folder = await makeFolder(root, posix.dirname(path));
    const name = posix.basename(path);
    const inside = posix.join(folder, name);
    if (options.whiteouts && name.startsWith(".wh.")) await erase(root, folder, name, written);
    else await place(root, inside, header, content);
    for (let parent = inside; parent !== "/"; parent = posix.dirname(parent)) written.add(parent);
  }
}

async function makeFolder(root: string, path: string): Promise<string> {
  const inside = await pathInRoot(root, path);
  const stats = await lstatIfAny(join(root, inside));
  if (stats && !stats.isDirectory()) await rm(join(root, inside));
  if (!stats?.isDirectory()) await mkdir(join(root, inside), { recursive: true, mode: 0o755 });
  return inside;
}

/** A whiteout takes away what lower layers put there, not what this layer did. */
async function erase(root: string, folder: string, marker: string, written: ReadonlySet<string>): Promise<void> {
  const names = marker === ".wh..wh..opq" ? await readdir(join(root, folder)) : [marker.slice(".wh.".length)];
  for (const name of names) {
    const inside = posix.join(folder, name);
    const stays = name === "" || name === "." || name === ".." || written.has(inside);
    if (!stays) await rm(join(root, inside), { recursive: true, force: true });
  }
}

async function place(root: string, inside: string, header: Header, content: TarEntry["content"]): Promise<void> {
  const path = join(root, inside);
  const present = await lstatIfAny(path);
  if (present && !(present.isDirectory() && header.type === "directory")) await rm(path, { recursive: true });
  switch (header.type) {
    case "directory":
      if (!present?.isDirectory()) await mkdir(path);
      break;
    case "symlink":
      await symlink(header.linkname ?? "", path);
      break;
    case "link":
      await link(join(root, await pathInRoot(root, header.linkname ?? "", { followLast: false })), path);
      return;
    case "file":
    case "contiguous-file":
      await pipeline(content, createWriteStream(path, { flags: "wx" }));
      break;
    default:
      return;
  }
  if (isRoot) await lchown(path, header.uid ?? 0, header.gid ?? 0);
  if (header.type !== "symlink" && header.mode !== undefined) await chmod(path, header.mode & 0o7777);
  if (header.type !== "directory" && header.mtime) await lutimes(path, header.mtime, header.mtime);
}
