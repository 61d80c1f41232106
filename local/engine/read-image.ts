import { posix } from "node:path";
import type { RegistryStore } from "../registry/registry-store.ts";
import { hostPlatform } from "./built-in/build-arguments.ts";
import type { Image } from "./built-in/image.ts";
import { loadImage } from "./built-in/load-image.ts";
import { readLayer } from "./built-in/read-layer.ts";
import { parseImageReference } from "./image-reference.ts";

interface Found {
  readonly type: string;
  readonly target: string;
  readonly layer: number;
}

/**
 * Reads one file out of a pushed image, links followed; undefined when there is none. Works from the layers alone,
 * independently of how the engines unpack them. `reference` is `repository:tag`, with or without a host.
 */
export async function readFile(store: RegistryStore, reference: string, path: string): Promise<Buffer | undefined> {
  const { repository, tag, digest } = parseImageReference(reference);
  const image = await loadImage(store, repository, digest ?? tag!, hostPlatform);
  if (!image) return undefined;
  const files = await listFiles(image);
  const real = follow(files, path);
  const found = real === undefined ? undefined : files.get(real);
  return found?.type === "file" ? readFromLayer(image, found.layer, real!) : undefined;
}

/** Everything the image's file system has, by path without leading slash, after all layers and whiteouts. */
async function listFiles(image: Image): Promise<Map<string, Found>> {
  const files = new Map<string, Found>();
  for (const [index, layer] of image.layers.entries()) {
    const added = new Map<string, Found>();
    for await (const { header, path } of readLayer(layer)) {
      const name = posix.basename(path);
      const folder = posix.dirname(path);
      if (name === ".wh..wh..opq") removeUnder(files, folder);
      else if (name.startsWith(".wh.")) remove(files, posix.join(folder, name.slice(4)));
      else added.set(path, { type: header.type, target: header.linkname ?? "", layer: index });
    }
    for (const [path, found] of added) {
      if (found.type !== "directory") removeUnder(files, path);
      const linked = found.type === "link" ? posix.normalize(found.target).replace(/^\//, "") : undefined;
      files.set(path, linked === undefined ? found : { ...found, type: "hardlink", target: linked });
    }
  }
  return files;
}

function remove(files: Map<string, Found>, path: string): void {
  files.delete(path);
  removeUnder(files, path);
}

function removeUnder(files: Map<string, Found>, folder: string): void {
  const prefix = folder === "." ? "" : `${folder}/`;
  for (const path of files.keys()) if (path.startsWith(prefix)) files.delete(path);
}

function follow(files: ReadonlyMap<string, Found>, path: string): string | undefined {
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
    if (found?.type !== "symlink" && found?.type !== "hardlink") {
      done.push(part);
      continue;
    }
    if (++links > 100) return undefined;
    if (found.type === "hardlink" || found.target.startsWith("/")) done.length = 0;
    pending.unshift(...found.target.split("/"));
  }
  return done.join("/");
}

async function readFromLayer(image: Image, index: number, path: string): Promise<Buffer | undefined> {
  for await (const entry of readLayer(image.layers[index]!)) {
    if (entry.path !== path) continue;
    const chunks: Buffer[] = [];
    for await (const chunk of entry.content as AsyncIterable<Buffer>) chunks.push(chunk);
    return Buffer.concat(chunks);
  }
  return undefined;
}
