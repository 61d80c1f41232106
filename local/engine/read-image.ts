import { posix } from "node:path";
import type { RegistryStore } from "../registry/registry-store.ts";
import { hostPlatform } from "./built-in/build-arguments.ts";
import type { Image, ImageConfig, Layer } from "./built-in/image.ts";
import { loadImage } from "./built-in/load-image.ts";
import { readLayer } from "./built-in/read-layer.ts";
import { parseImageReference } from "./image-reference.ts";

/** Something in an image's file system. */
export interface ImageFile {
  /** As tar names it: `file`, `directory`, `symlink`, `link` (another name of the same file). */
  readonly type: string;
  /** Of a link. */
  readonly target: string;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes. */
  readonly size: number;
  /** Which layer has it, base first. */
  readonly layer: number;
}

export interface ReadImage {
  readonly config: ImageConfig;
  /** By path without leading slash, after all layers and whiteouts. */
  readonly files: ReadonlyMap<string, ImageFile>;
  /** A file's content, links followed; undefined when there is none. */
  read(path: string): Promise<Buffer | undefined>;
}

/** What a layer has, by digest: images that share layers need not be read twice. */
export type LayerCache = Map<string, Promise<readonly (readonly [path: string, file: Omit<ImageFile, "layer">])[]>>;

/**
 * Reads a pushed image; undefined when there is none. Works from the layers alone, independently of how the engines
 * unpack them. `reference` is `repository:tag`, with or without a host.
 */
export async function readImage(
  store: RegistryStore,
  reference: string,
  cache: LayerCache = new Map(),
): Promise<ReadImage | undefined> {
  const { repository, tag, digest } = parseImageReference(reference);
  const image = await loadImage(store, repository, digest ?? tag!, hostPlatform);
  if (!image) return undefined;
  const files = await listFiles(image, cache);
  const read = async (path: string) => {
    const real = follow(files, path);
    const found = real === undefined ? undefined : files.get(real);
    return found?.type === "file" ? readFromLayer(image.layers[found.layer]!, real!) : undefined;
  };
  return { config: image.config, files, read };
}

/** One file out of a pushed image; undefined when there is no such image or file. */
export async function readFile(store: RegistryStore, reference: string, path: string): Promise<Buffer | undefined> {
  return (await readImage(store, reference))?.read(path);
}

async function listFiles(image: Image, cache: LayerCache): Promise<Map<string, ImageFile>> {
  const files = new Map<string, ImageFile>();
  for (const [layer, { digest }] of image.layers.entries()) {
    const listing = cache.get(digest) ?? listLayer(image.layers[layer]!);
    cache.set(digest, listing);
    const added = new Map<string, ImageFile>();
    for (const [path, file] of await listing) {
      const name = posix.basename(path);
      const folder = posix.dirname(path);
      if (name === ".wh..wh..opq") removeUnder(files, folder);
      else if (name.startsWith(".wh.")) remove(files, posix.join(folder, name.slice(4)));
      else added.set(path, { ...file, layer });
    }
    for (const [path, file] of added) {
      if (file.type !== "directory") removeUnder(files, path);
      files.set(path, file);
    }
  }
  return files;
}

async function listLayer(layer: Layer): Promise<[path: string, file: Omit<ImageFile, "layer">][]> {
  const found: [string, Omit<ImageFile, "layer">][] = [];
  for await (const { header, path } of readLayer(layer)) {
    const { mode = 0, uid = 0, gid = 0, size = 0, linkname = "" } = header;
    const type = header.type ?? "file";
    const target = type === "link" ? posix.normalize(linkname).replace(/^\//, "") : linkname;
    found.push([path, { type, target, mode: mode & 0o7777, uid, gid, size }]);
  }
  return found;
}

function remove(files: Map<string, ImageFile>, path: string): void {
  files.delete(path);
  removeUnder(files, path);
}

function removeUnder(files: Map<string, ImageFile>, folder: string): void {
  const prefix = folder === "." ? "" : `${folder}/`;
  for (const path of files.keys()) if (path.startsWith(prefix)) files.delete(path);
}

function follow(files: ReadonlyMap<string, ImageFile>, path: string): string | undefined {
  const pending = path.split("/");
  const done: string[] = [];
  for (let links = 0; pending.length > 0; ) {
    const part = pending.shift()!;
    if (part === "" || part === ".") continue;
    if (part === "..") {
      done.pop();
      continue;
    }
    const found = files.get([...done, part].join("/"));
    if (found?.type !== "symlink" && found?.type !== "link") {
      done.push(part);
      continue;
    }
    if (++links > 100) return undefined;
    if (found.type === "link" || found.target.startsWith("/")) done.length = 0;
    pending.unshift(...found.target.split("/"));
  }
  return done.join("/");
}

async function readFromLayer(layer: Layer, path: string): Promise<Buffer | undefined> {
  for await (const entry of readLayer(layer)) {
    if (entry.path !== path) continue;
    const chunks: Buffer[] = [];
    for await (const chunk of entry.content) chunks.push(chunk);
    return Buffer.concat(chunks);
  }
  return undefined;
}
