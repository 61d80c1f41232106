import type { BigIntStats } from "node:fs";
import { lstat, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import { EngineError } from "../engine.ts";
import { whileOpen } from "./closed-to-owner.ts";
import type { LayerEntry, Ownership } from "./layer-entry.ts";

/** What every path of a file system looked like at one moment. Paths have no leading slash. */
type Snapshot = ReadonlyMap<string, BigIntStats>;

export async function takeSnapshot(root: string): Promise<Snapshot> {
  const found = new Map<string, BigIntStats>();
  const visit = async (folder: string): Promise<void> => {
    const names = (await readdir(join(root, folder))).sort();
    const paths = names.map((name) => (folder === "" ? name : `${folder}/${name}`));
    // Node shows bytes that are not UTF-8 as this character, and cannot find the file again.
    const unreadable = names.find((name) => name.includes("\uFFFD"));
    if (unreadable !== undefined)
      throw new EngineError(`the name of a file is not UTF-8: ${JSON.stringify(unreadable)}`);
    const stats = await Promise.all(paths.map((path) => lstat(join(root, path), { bigint: true })));
    for (const [index, path] of paths.entries()) {
      found.set(path, stats[index]!);
      if (stats[index]!.isDirectory()) await whileOpen(join(root, path), () => visit(path));
    }
  };
  await visit("");
  return found;
}

/** The entries that turn `before` into what is in `root` now. Sockets, pipes and devices are left out. */
export async function diffSnapshots(root: string, before: Snapshot, after: Snapshot): Promise<LayerEntry[]> {
  const entries: LayerEntry[] = [];
  const firstByInode = new Map<bigint, string>();
  for (const [path, stats] of after) {
    const old = before.get(path);
    if (old && !hasChanged(old, stats)) continue;
    const first = stats.nlink > 1n && stats.isFile() ? firstByInode.get(stats.ino) : undefined;
    if (first !== undefined) entries.push({ type: "link", path, target: first });
    else entries.push(...(await entryOf(root, path, stats)));
    if (stats.isFile() && first === undefined) firstByInode.set(stats.ino, path);
  }
  for (const path of before.keys())
    if (!after.has(path) && !isCovered(path, after)) entries.push({ type: "whiteout", path });
  return entries;
}

/**
 * For files the change time decides: nothing can set it back, so an edit that keeps size and modification time shows.
 * A directory's times change with its children, which have entries of their own.
 */
function hasChanged(old: BigIntStats, now: BigIntStats): boolean {
  if (old.mode !== now.mode || old.uid !== now.uid || old.gid !== now.gid) return true;
  if (now.isDirectory()) return false;
  return old.ino !== now.ino || old.size !== now.size || old.mtimeNs !== now.mtimeNs || old.ctimeNs !== now.ctimeNs;
}

/** A path need no whiteout when a folder above it is gone, or has become something else, which says as much. */
function isCovered(path: string, after: Snapshot): boolean {
  for (let slash = path.lastIndexOf("/"); slash > 0; slash = path.lastIndexOf("/", slash - 1)) {
    if (!after.get(path.slice(0, slash))?.isDirectory()) return true;
  }
  return false;
}

async function entryOf(root: string, path: string, stats: BigIntStats): Promise<LayerEntry[]> {
  const owner = ownerOf(stats);
  if (stats.isDirectory()) return [{ type: "directory", path, ...owner }];
  if (stats.isSymbolicLink()) return [{ type: "symlink", path, target: await readlink(join(root, path)), ...owner }];
  if (!stats.isFile()) return [];
  return [{ type: "file", path, content: { file: join(root, path), size: Number(stats.size) }, ...owner }];
}

/** Files of an unprivileged user's sandbox belong to that user outside and to root inside. */
export function ownerOf(stats: { mode: bigint | number; uid: bigint | number; gid: bigint | number }): Ownership {
  const mode = Number(stats.mode) & 0o7777;
  if (process.getuid?.() !== 0) return { mode, uid: 0, gid: 0 };
  return { mode, uid: Number(stats.uid), gid: Number(stats.gid) };
}
