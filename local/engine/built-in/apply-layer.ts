import { createWriteStream } from "node:fs";
import { chmod, lchown, link, lutimes, mkdir, readdir, rm, symlink } from "node:fs/promises";
import { join, posix } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Header } from "tar-stream";
import { lstatIfAny, pathInRoot } from "../context/path-in-root.ts";
import { FolderModes } from "./closed-to-owner.ts";
import type { TarEntry } from "./read-layer.ts";

const isRoot = process.getuid?.() === 0;

interface UnpackOptions {
  readonly whiteouts: boolean;
  readonly log?: (text: string) => void;
}

/**
 * Unpacks entries into `root`, which they cannot leave: the folder an entry goes to is found by following symlinks
 * inside the root only. Ownership is set when we are root; device nodes are left out, as the sandbox has its own /dev.
 */
export async function applyEntries(
  root: string,
  entries: AsyncIterable<TarEntry>,
  options: UnpackOptions = { whiteouts: true },
): Promise<void> {
  const written = new Set<string>();
  const modes = new FolderModes();
  for await (const { path, header, content } of entries) {
    if (path === "") continue;
    const folder = await makeFolder(root, posix.dirname(path), modes);
    const name = posix.basename(path);
    const inside = posix.join(folder, name);
    if (options.whiteouts && name.startsWith(".wh.")) await erase(root, folder, name, written);
    else await place(root, inside, header, content, modes);
    if ((header.pax as Readonly<Record<string, string>> | null)?.["SCHILY.xattr.security.capability"] !== undefined) {
      options.log?.(`[Warning] /${path} has file capabilities, which do not work in RUN and run here\n`);
    }
    for (let parent = inside; parent !== "/"; parent = posix.dirname(parent)) written.add(parent);
  }
  await modes.settle();
}

async function makeFolder(root: string, path: string, modes: FolderModes): Promise<string> {
  const inside = await pathInRoot(root, path);
  const stats = await lstatIfAny(join(root, inside));
  if (stats && !stats.isDirectory()) await rm(join(root, inside));
  if (stats?.isDirectory()) await modes.open(join(root, inside), stats.mode & 0o7777);
  else await makeFolders(root, inside);
  return inside;
}

/** Whatever our process's umask is. */
async function makeFolders(root: string, inside: string): Promise<void> {
  const first = await mkdir(join(root, inside), { recursive: true });
  if (first === undefined) return;
  for (let path = inside; path !== "/" && join(root, path).startsWith(first); path = posix.dirname(path)) {
    await chmod(join(root, path), 0o755);
  }
}

/** A whiteout takes away what lower layers put there, not what this layer did. */
async function erase(root: string, folder: string, marker: string, written: ReadonlySet<string>): Promise<void> {
  if (marker === ".wh..wh..opq") return eraseUnder(root, folder, written);
  const name = marker.slice(".wh.".length);
  const inside = posix.join(folder, name);
  const stays = name === "" || name === "." || name === ".." || written.has(inside);
  if (!stays) await rm(join(root, inside), { recursive: true, force: true });
}

async function eraseUnder(root: string, folder: string, written: ReadonlySet<string>): Promise<void> {
  for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
    const inside = posix.join(folder, entry.name);
    if (!written.has(inside)) await rm(join(root, inside), { recursive: true, force: true });
    else if (entry.isDirectory()) await eraseUnder(root, inside, written);
  }
}

async function place(
  root: string,
  inside: string,
  header: Header,
  content: TarEntry["content"],
  modes: FolderModes,
): Promise<void> {
  const path = join(root, inside);
  const present = await lstatIfAny(path);
  if (present?.isDirectory() && header.type !== "directory") modes.forget(path);
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
  const mode = header.mode === undefined ? undefined : header.mode & 0o7777;
  if (header.type === "directory") await modes.set(path, mode ?? 0o755);
  else if (header.type !== "symlink" && mode !== undefined) await chmod(path, mode);
  if (header.type !== "directory" && header.mtime) await lutimes(path, header.mtime, header.mtime);
}
