import { stat } from "node:fs/promises";
import { posix } from "node:path";
import { Folder } from "../context/folder.ts";
import { pathInRoot } from "../context/path-in-root.ts";
import { EngineError } from "../engine.ts";

export interface SandboxMount {
  /** In the image; absolute. */
  readonly target: string;
  /** A file or folder of this machine, or a file system in memory of so many bytes. */
  readonly source: string | { readonly size: number };
  readonly readOnly: boolean;
}

interface Placed extends SandboxMount {
  /** Links of the image followed. */
  readonly inside: string;
}

/** Finds or makes, in an image's files, the folders and files that mounts cover. */
export class MountPlaces {
  readonly #root: string;
  readonly #placed: Placed[] = [];
  readonly #made: string[] = [];

  constructor(root: string) {
    this.#root = root;
  }

  /** Outer mounts must come first, as `byDepth` sorts them. Returns where it goes, links followed. */
  async add(mount: SandboxMount): Promise<string> {
    const inside = await pathInRoot(this.#root, mount.target);
    // In /dev lies what starts the command.
    if (inside === "/" || inside === "/dev") throw new EngineError(`nothing can be mounted over ${mount.target}`);
    const isFolder = typeof mount.source !== "string" || (await stat(mount.source)).isDirectory();
    await this.make(inside, isFolder);
    this.#placed.push({ ...mount, inside });
    return inside;
  }

  /** Makes what is missing of a path, in the mount it lies in if it does. Links on the way are an error. */
  async make(inside: string, isFolder = true): Promise<void> {
    const around = this.#placed.findLast((outer) => inside.startsWith(`${outer.inside}/`) || inside === outer.inside);
    const base = around === undefined ? this.#root : around.source;
    if (typeof base !== "string") throw new EngineError(`${inside}: nothing can be mounted inside a tmpfs`);
    const path = around === undefined ? inside : inside.slice(around.inside.length);
    const made = await makePath(base, path, isFolder, around?.readOnly !== true);
    if (around === undefined) this.#made.push(...made);
  }

  /** Takes away again what was made in the image's files, where it is still as it was made. Nothing may run in them. */
  async undo(): Promise<void> {
    for (const path of this.#made.splice(0).reverse()) {
      await Folder.within(this.#root, posix.dirname(path), async (folder) => {
        const stats = await folder.stat(posix.basename(path));
        if (stats.isDirectory() || (stats.isFile() && stats.size === 0)) await folder.remove(posix.basename(path));
      }).catch(() => undefined);
    }
  }
}

export function covers({ target }: SandboxMount, path: string): boolean {
  const folder = posix.normalize(target).replace(/\/$/, "");
  return path === folder || path.startsWith(`${folder}/`);
}

/** Outer ones first. */
export function byDepth(mounts: readonly SandboxMount[]): SandboxMount[] {
  const depth = ({ target }: SandboxMount) => posix.normalize(target).split("/").length;
  return [...mounts].sort((a, b) => depth(a) - depth(b));
}

/** Returns the paths that were missing, outer ones first. */
async function makePath(base: string, path: string, isFolder: boolean, mayMake: boolean): Promise<string[]> {
  const names = path.split("/").filter(Boolean);
  const made: string[] = [];
  let folder = await Folder.open(base);
  try {
    for (const [index, name] of names.entries()) {
      const here = `/${names.slice(0, index + 1).join("/")}`;
      const wantsFolder = isFolder || index < names.length - 1;
      const stats = await folder.stat(name).catch(() => undefined);
      if (!stats) {
        if (!mayMake) throw new EngineError(`${here} is missing in a read-only mount`);
        await (wantsFolder ? folder.make(name) : folder.touch(name));
        made.push(here);
      } else if (wantsFolder !== stats.isDirectory() || stats.isSymbolicLink()) {
        throw new EngineError(`${here} of the image is ${wantsFolder ? "not a folder" : "no file"}`);
      }
      if (!wantsFolder) break;
      const inner = await folder.enter(name);
      await folder.close();
      folder = inner;
    }
  } finally {
    await folder.close();
  }
  return made;
}
