import { readdir, readlink } from "node:fs/promises";
import { join, posix } from "node:path";
import type { Dockerignore } from "../context/dockerignore.ts";
import { lstatIfAny, pathInRoot } from "../context/path-in-root.ts";
import { EngineError } from "../engine.ts";
import { whileOpen } from "./closed-to-owner.ts";
import { type CopySource, isPattern, matchPaths } from "./copy-source.ts";
import type { LayerEntry, Ownership } from "./layer-entry.ts";
import { ownerOf } from "./rootfs-diff.ts";

interface CopyRequest {
  readonly source: CopySource;
  /** As written, variables expanded. */
  readonly paths: readonly string[];
  /** Absolute; a slash at the end says it is a folder. */
  readonly destination: string;
  /** The stage's files. */
  readonly root: string;
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** Permission bits for every file and folder copied. */
  readonly mode?: number;
  /** Keep the folders a source lies in, those after `/./` if it has that; `**` in a pattern is any folders. */
  readonly parents?: boolean;
  /** By the path below a copied folder, or the name of a copied file. */
  readonly excluded?: Dockerignore;
}

interface Source {
  readonly path: string;
  /** The folders above it that are copied too, outer ones first. */
  readonly parents: readonly string[];
}

/**
 * The layer entries of a COPY, by Docker's rules: a folder gives its contents, a file keeps its name in a folder or
 * takes the destination's. Links named by the instruction are followed inside the source, links in the destination's
 * path inside the image; links found on the way are copied as links.
 */
export async function planCopy(request: CopyRequest): Promise<LayerEntry[]> {
  const plan = new CopyPlan(request);
  const paths = await sourcePaths(request);
  if (paths.length > 1 && !request.destination.endsWith("/")) {
    throw new EngineError(`several sources need a destination that ends in "/", not ${request.destination}`);
  }
  for (const source of paths) await plan.addNamed(source);
  return [...plan.entries.values()];
}

async function sourcePaths({ source, paths, parents = false, excluded }: CopyRequest): Promise<Source[]> {
  const found: Source[] = [];
  for (const path of paths) {
    const matches = isPattern(path) ? await matchPaths(source, path, parents) : [path];
    if (matches.length === 0) throw notFound(path, source);
    const wanted = matches.filter((match) => !excluded?.ignores(posix.basename(match)));
    found.push(...wanted.map((match) => ({ path: match, parents: parents ? parentsOf(match, path) : [] })));
  }
  return found;
}

/** `a/b` and `a/b/c` for a/b/c/d; with the pattern `a/./b/*` only what follows a. */
function parentsOf(match: string, pattern: string): string[] {
  const pivot = pattern.indexOf("/./");
  const clean = posix.normalize(`/${match}`);
  const skipped = pivot < 0 ? [] : missingParents(posix.normalize(`/${pattern.slice(0, pivot)}`));
  return missingParents(posix.dirname(clean)).slice(skipped.length);
}

class CopyPlan {
  readonly entries = new Map<string, LayerEntry>();
  readonly #request: CopyRequest;

  constructor(request: CopyRequest) {
    this.#request = request;
  }

  async addNamed({ path, parents }: Source): Promise<void> {
    const { source, root, parents: keepsParents = false } = this.#request;
    const from = await pathInRoot(source.root, path);
    const stats = await lstatIfAny(join(source.root, from));
    if (!stats) throw notFound(path, source);
    const destination = this.#request.destination;
    let to = await pathInRoot(root, destination);
    for (const parent of parents) {
      to = posix.join(to, posix.basename(parent));
      await this.#add(await pathInRoot(source.root, parent), to);
    }
    const present = await lstatIfAny(join(root, to));
    if (stats.isDirectory() && present && !present.isDirectory())
      throw new EngineError(`${to} of the image is not a folder`);
    if (stats.isDirectory()) return this.#addTree(from, keepsParents ? posix.join(to, posix.basename(from)) : to, "");
    const intoFolder = keepsParents || destination.endsWith("/") || present?.isDirectory() || this.#isPlannedFolder(to);
    await this.#add(from, intoFolder ? posix.join(to, posix.basename(path)) : to);
  }

  async #addTree(from: string, to: string, below: string): Promise<void> {
    const { source } = this.#request;
    await this.#add(from, to);
    await whileOpen(join(source.root, from), () => this.#addChildren(from, to, below));
  }

  async #addChildren(from: string, to: string, below: string): Promise<void> {
    const { source, excluded } = this.#request;
    for (const name of (await readdir(join(source.root, from))).sort()) {
      const child = posix.join(from, name);
      const path = posix.join(below, name);
      const stats = await lstatIfAny(join(source.root, child));
      const isFolder = stats?.isDirectory() ?? false;
      if (excluded?.ignores(path) && !(isFolder && excluded.reincludes)) continue;
      if (isFolder) await this.#addTree(child, posix.join(to, name), path);
      else await this.#add(child, posix.join(to, name));
    }
  }

  async #add(from: string, to: string): Promise<void> {
    const { source, root } = this.#request;
    const file = join(source.root, from);
    const stats = await lstatIfAny(file);
    if (!stats) return;
    const path = await this.#place(to);
    const owner = this.#ownership(stats);
    if (stats.isDirectory()) {
      const present = await lstatIfAny(join(root, path));
      // A folder that is there already keeps its owner and mode, and is no change.
      if (path !== "" && !present?.isDirectory() && !this.#isPlannedFolder(`/${path}`)) {
        this.entries.set(path, { type: "directory", path, ...owner });
      }
      return;
    }
    if (path === "") throw new EngineError("a file cannot take the place of the root folder");
    if (stats.isSymbolicLink()) {
      this.entries.set(path, { type: "symlink", path, target: await readlink(file), ...owner });
    } else if (stats.isFile()) {
      this.entries.set(path, { type: "file", path, content: { file, size: stats.size }, ...owner });
    }
  }

  /** The real path of a destination inside the image, with entries for folders that are missing on the way. */
  async #place(to: string): Promise<string> {
    const { root } = this.#request;
    if (to === "/") return "";
    const folder = await pathInRoot(root, posix.dirname(to));
    for (const path of missingParents(folder)) {
      const present = await lstatIfAny(join(root, path));
      if (present?.isDirectory() || this.#isPlannedFolder(path)) continue;
      if (present) throw new EngineError(`${path} of the image is not a folder`);
      this.entries.set(path.slice(1), { type: "directory", path: path.slice(1), mode: 0o755, uid: 0, gid: 0 });
    }
    return posix.join(folder, posix.basename(to)).slice(1);
  }

  #isPlannedFolder(path: string): boolean {
    return this.entries.get(path.slice(1))?.type === "directory";
  }

  #ownership(stats: { mode: number; uid: number; gid: number }): Ownership {
    const { owner, mode, source } = this.#request;
    const kept = source.keepsOwners ? ownerOf(stats) : { mode: stats.mode & 0o7777, uid: 0, gid: 0 };
    return { ...kept, ...owner, ...(mode === undefined ? {} : { mode }) };
  }
}

/** `/a`, `/a/b`, `/a/b/c` for `/a/b/c`. */
function missingParents(folder: string): string[] {
  const parts = folder.split("/").filter((part) => part !== "");
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join("/")}`);
}

function notFound(path: string, source: CopySource): EngineError {
  return new EngineError(`${JSON.stringify(path)} is not in ${source.name}`);
}
