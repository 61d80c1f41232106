import { chmod, type FileHandle, lstat, open } from "node:fs/promises";

/** Root may read and write what an image's modes forbid it; an unprivileged owner must change them for a moment. */
const isRoot = process.getuid?.() === 0;

/** Does work in a real folder that may be closed to its owner. */
export async function whileOpen<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const mode = isRoot ? 0o700 : (await lstat(folder)).mode & 0o7777;
  if ((mode & 0o700) === 0o700) return work();
  await chmod(folder, mode | 0o700);
  try {
    return await work();
  } finally {
    await chmod(folder, mode);
  }
}

/** Opens a real file to read, even one without read permission. */
export async function openToRead(path: string): Promise<FileHandle> {
  try {
    return await open(path);
  } catch (error) {
    if (isRoot || (error as NodeJS.ErrnoException).code !== "EACCES") throw error;
    const mode = (await lstat(path)).mode & 0o7777;
    await chmod(path, mode | 0o400);
    try {
      return await open(path);
    } finally {
      await chmod(path, mode);
    }
  }
}

/** Folders that are open while something is put into them, and get their modes afterwards. */
export class FolderModes {
  readonly #modes = new Map<string, number>();

  async set(folder: string, mode: number): Promise<void> {
    await chmod(folder, isRoot ? mode : mode | 0o700);
    if (isRoot || (mode & 0o700) === 0o700) this.#modes.delete(folder);
    else this.#modes.set(folder, mode);
  }

  async open(folder: string, mode: number): Promise<void> {
    if (!isRoot && (mode & 0o700) !== 0o700) await this.set(folder, mode);
  }

  /** What takes the place of a folder may be a link, and must not get its mode. */
  forget(folder: string): void {
    for (const path of this.#modes.keys())
      if (path === folder || path.startsWith(`${folder}/`)) this.#modes.delete(path);
  }

  /** Inner ones first, as long as outer ones can be entered. */
  async settle(): Promise<void> {
    const deepestFirst = [...this.#modes].sort(([a], [b]) => b.length - a.length);
    for (const [folder, mode] of deepestFirst) await chmod(folder, mode).catch(() => undefined);
  }
}
