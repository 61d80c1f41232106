import { constants, type Stats } from "node:fs";
import { chmod, type FileHandle, lstat, mkdir, open, readdir, readlink, rmdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import { EngineError } from "../engine.ts";

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;

/**
 * A folder held open, whose entries are reached through it and never by a path: a folder on the way that somebody swaps
 * for a link meanwhile (a container that shares the folder, say) leads nowhere else. Only Linux has /proc/self/fd; other
 * systems run no containers of the built-in engine's that could do it, and use the path.
 */
export class Folder {
  readonly #handle: FileHandle;
  readonly #path: string;

  private constructor(handle: FileHandle, path: string) {
    this.#handle = handle;
    this.#path = process.platform === "linux" ? `/proc/${process.pid}/fd/${handle.fd}` : path;
  }

  /** Links in `path` are followed: it is the caller's own. */
  static async open(path: string): Promise<Folder> {
    return new Folder(await open(path, O_RDONLY | O_DIRECTORY), path);
  }

  /** Goes down from `base` through real folders only, and hands over the last one. */
  static async within<T>(base: string, path: string, work: (folder: Folder) => Promise<T>): Promise<T> {
    const folder = await Folder.hold(base, path);
    try {
      return await work(folder);
    } finally {
      await folder.close();
    }
  }

  /** The same for longer; the caller closes it. */
  static async hold(base: string, path: string): Promise<Folder> {
    let folder = await Folder.open(base);
    for (const name of path.split("/").filter((part) => part !== "" && part !== ".")) {
      const outer = folder;
      try {
        folder = await outer.enter(name);
      } finally {
        await outer.close();
      }
    }
    return folder;
  }

  /** Leads to this folder, whatever becomes of its name, while it is open. */
  get path(): string {
    return this.#path;
  }

  async names(): Promise<string[]> {
    return (await readdir(this.#path)).sort();
  }

  async stat(name: string): Promise<Stats> {
    try {
      return await lstat(join(this.#path, name));
    } catch (error) {
      // Node shows a byte that is not UTF-8 as this character, and cannot find the file again.
      if (!name.includes("\uFFFD")) throw error;
      throw new EngineError(`the name of a file is not UTF-8: ${JSON.stringify(name)}`, { cause: error });
    }
  }

  target(name: string): Promise<string> {
    return readlink(join(this.#path, name));
  }

  /** Fails for a link. */
  async enter(name: string): Promise<Folder> {
    const path = join(this.#path, name);
    return new Folder(await open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), path);
  }

  /** Fails for a link; does not wait for the other end of a pipe. The caller closes it. */
  file(name: string): Promise<FileHandle> {
    return open(join(this.#path, name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  }

  async make(name: string): Promise<void> {
    await mkdir(join(this.#path, name));
    await chmod(join(this.#path, name), 0o755);
  }

  /** A new, empty file. */
  async touch(name: string): Promise<void> {
    await (await open(join(this.#path, name), "wx", 0o644)).close();
  }

  /** An empty folder, or whatever is no folder. */
  async remove(name: string): Promise<void> {
    const isFolder = (await this.stat(name)).isDirectory();
    await (isFolder ? rmdir : unlink)(join(this.#path, name));
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}
