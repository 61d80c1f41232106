import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { extract, type Header } from "tar-stream";
import { TarGuard } from "../context/tar-guard.ts";
import { EngineError } from "../engine.ts";
import { decompressed } from "./decompress.ts";
import type { Layer } from "./image.ts";
import { usualLimits } from "./limits.ts";

export interface TarEntry {
  readonly header: Header;
  /** Cleaned: no leading `/` or `./`, no `..`. Empty for the root itself. */
  readonly path: string;
  readonly content: AsyncIterable<Buffer>;
}

interface TarLimits {
  /** That an archive may unpack to. */
  readonly bytes: number;
  readonly entries: number;
}

/** Far above what an image has in a layer. */
const usualTarLimits: TarLimits = { bytes: usualLimits.disk, entries: 2_000_000 };

/** Reads a tar, compressed or not, up to its limits. Each entry's content must be read or skipped by the next turn; skipping is automatic. */
export async function* readTar(
  stream: Readable,
  signal?: AbortSignal,
  limits = usualTarLimits,
): AsyncGenerator<TarEntry> {
  const archive = extract();
  const guard = new TarGuard(limits);
  const unpacking = pipeline(await decompressed(stream), guard, archive as unknown as NodeJS.WritableStream, {
    signal,
  });
  // A failure shows below, where the entries stop.
  unpacking.catch((error: Error) => archive.destroy(error));
  try {
    for await (const entry of archive) {
      yield { header: entry.header, path: cleanPath(entry.header.name), content: contentOf(entry, signal) };
      entry.resume();
    }
  } catch (error) {
    throw unreadable(error, signal);
  } finally {
    stream.destroy();
  }
}

async function* contentOf(entry: AsyncIterable<unknown>, signal?: AbortSignal): AsyncGenerator<Buffer> {
  try {
    yield* entry as AsyncIterable<Buffer>;
  } catch (error) {
    throw unreadable(error, signal);
  }
}

/** Of what was stopped, only why. */
function unreadable(error: unknown, signal: AbortSignal | undefined): EngineError {
  signal?.throwIfAborted();
  if (error instanceof EngineError) return error;
  return new EngineError(`the archive cannot be read: ${(error as Error).message}`, { cause: error });
}

/** Compression is told by content; media types and names are only what somebody says. */
export async function* readLayer(layer: Layer, signal?: AbortSignal): AsyncGenerator<TarEntry> {
  yield* readTar(await layer.open(), signal);
}

function cleanPath(name: string): string {
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) throw new EngineError(`the archive has an entry that leads outside: ${name}`);
  return parts.join("/");
}
