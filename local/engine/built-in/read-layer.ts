import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { extract, type Header } from "tar-stream";
import { EngineError } from "../engine.ts";
import type { Layer } from "./image.ts";

export interface TarEntry {
  readonly header: Header;
  /** Cleaned: no leading `/` or `./`, no `..`. Empty for the root itself. */
  readonly path: string;
  readonly content: Readable;
}

/** Reads a tar, gzipped or plain. Each entry's content must be read or skipped by the next turn; skipping is automatic. */
export async function* readTar(stream: Readable, gzipped: boolean): AsyncGenerator<TarEntry> {
  const archive = extract();
  const fail = (error: Error) => archive.destroy(error);
  stream.once("error", fail);
  const plain = gzipped ? stream.pipe(createGunzip()).once("error", fail) : stream;
  plain.pipe(archive as unknown as NodeJS.WritableStream);
  try {
    for await (const entry of archive) {
      yield { header: entry.header, path: cleanPath(entry.header.name), content: entry as unknown as Readable };
      entry.resume();
    }
  } finally {
    stream.destroy();
  }
}

export async function* readLayer(layer: Layer): AsyncGenerator<TarEntry> {
  if (layer.mediaType.includes("zstd")) throw new EngineError(`layer ${layer.digest} is zstd, which is not supported`);
  yield* readTar(await layer.open(), layer.mediaType.endsWith("gzip"));
}

export function cleanPath(name: string): string {
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) throw new EngineError(`the archive has an entry that leads outside: ${name}`);
  return parts.join("/");
}
