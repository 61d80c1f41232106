import { isUtf8 } from "node:buffer";
import { posix } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { type Extract, extract, type Pack, pack } from "tar-stream";
import { PermanentError, TransientError } from "../errors.ts";
import { safeCause } from "../redact.ts";
import { normaliseFolder } from "./entry-path.ts";
import { type KeptHeader, keptEntry } from "./kept-entry.ts";

export interface ContextLimits {
  /** Of the files kept, unpacked. */
  readonly maxBytes: number;
  /** Files, folders and links kept. */
  readonly maxEntries: number;
}

export const defaultContextLimits: ContextLimits = { maxBytes: 512 * 1024 * 1024, maxEntries: 100_000 };

/** A context may be a small part of a large repository: this many times the limits may be passed over. */
const passedOverFactor = 16;
/** Bytes of headers and files that may wait for the reader. */
const queueLimit = 1024 * 1024;
const tarBlock = 512;

type Entry = Extract extends AsyncIterable<infer Source> ? Source : never;

export interface ContextStream {
  /** The build context as tar.gz, made while it is read. Fails with the same error as `done`, so that nobody uploads half a context. */
  readonly stream: Readable;
  /** Settles when everything was read. TransientError: the download broke off. PermanentError: unsafe-path, context-too-large, context-missing, dockerfile-missing. */
  readonly done: Promise<ContextSize>;
}

export interface ContextSize {
  readonly files: number;
  /** Unpacked. */
  readonly bytes: number;
}

export interface ContextRequest {
  /** A provider's tar.gz of one commit, everything under one top folder. */
  readonly tarball: Readable;
  /** The context folder, from the repository's root; "" or "." is the root. */
  readonly contextPrefix: string;
  /** From the context folder. */
  readonly dockerfile: string;
  /** Gives the Dockerfile that is sent instead of the one in the archive; `done` fails with what it throws. */
  readonly rewrite?: (text: string) => string;
  readonly limits?: ContextLimits;
}

/**
 * Turns the archive of a commit into the build context alone: top folder dropped, the context folder made the root, `.git` left out,
 * owners and modes normalised. Nothing touches the disk and about a megabyte is held. The archive's author is not trusted: limits, paths, links.
 */
export function streamContext(request: ContextRequest): ContextStream {
  const packed = pack();
  const queue = { offered: 0, taken: 0, wake: () => {} };
  // What went wrong is said by `copying`; this only must not go unhandled.
  packed.on("error", () => {});
  packed.on("close", () => queue.wake());
  const stream = createGzip();

  const copying = copyEntries(request, packed, queue).then(
    (size) => {
      packed.finalize();
      return size;
    },
    (error) => {
      const classified = classify(error);
      packed.destroy(classified);
      throw classified;
    },
  );
  const sending = pipeline(Readable.from(counted(packed, queue, copying)), stream).catch((error) => {
    // The reader went away: stop the download too.
    request.tarball.destroy();
    throw error;
  });
  const done = Promise.all([copying, sending]).then(([size]) => size);
  // Whoever only pipes the stream sees the error there.
  done.catch(() => {});
  sending.catch(() => {});
  return { stream, done };
}

/** Pack takes entries without bodies as fast as they come; counting what leaves it lets the copier wait. */
interface Queue {
  offered: number;
  taken: number;
  wake(): void;
}

async function* counted(packed: Pack, queue: Queue, copying: Promise<unknown>): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of packed as AsyncIterable<Buffer>) {
      queue.taken += chunk.length;
      queue.wake();
      yield chunk;
    }
  } catch (error) {
    // The copier's error is the classified one; the pack's is only its echo.
    await copying;
    throw error;
  }
}

async function copyEntries(request: ContextRequest, packed: Pack, queue: Queue): Promise<ContextSize> {
  const { tarball, contextPrefix, dockerfile, rewrite, limits = defaultContextLimits } = request;
  const folder = normaliseFolder(contextPrefix);
  const wanted = posix.normalize(dockerfile);
  const unpacked = extract();
  const unpacking = pipeline(tarball, createGunzip(), unpacked);
  // Its failure also ends the loop below; this one only must not go unhandled.
  unpacking.catch(() => {});

  const kept = { entries: 0, bytes: 0, files: 0 };
  const seen = { entries: 0, bytes: 0 };
  let found = false;
  for await (const entry of unpacked) {
    seen.entries += 1;
    seen.bytes += entry.header.size ?? 0;
    check(seen, limits, passedOverFactor, "the repository is");
    const header = keptEntry(entry.header, folder);
    if (header === undefined) {
      entry.resume();
      continue;
    }
    kept.entries += 1;
    kept.bytes += header.size;
    if (header.type === "file") kept.files += 1;
    check(kept, limits, 1, "the build context is");
    const isDockerfile = header.name === wanted && header.type !== "directory";
    found ||= isDockerfile;
    await room(packed, queue);
    if (isDockerfile && rewrite) {
      const body = await rewritten(entry, header, rewrite);
      kept.bytes += body.length - header.size;
      queue.offered += tarBlock + body.length;
      packed.entry({ ...header, size: body.length }, body);
      continue;
    }
    queue.offered += tarBlock + header.size;
    await copyEntry(entry, header, packed);
  }
  await unpacking;
  const where = folder === "" ? "the repository" : folder;
  if (kept.entries === 0) throw new PermanentError("context-missing", `there is no folder ${where} at that commit`);
  if (!found)
    throw new PermanentError("dockerfile-missing", `there is no Dockerfile ${dockerfile} in ${where} at that commit`);
  return { files: kept.files, bytes: kept.bytes };
}

function check(count: { entries: number; bytes: number }, limits: ContextLimits, factor: number, what: string): void {
  const { maxBytes, maxEntries } = limits;
  if (count.bytes > maxBytes * factor)
    throw new PermanentError("context-too-large", `${what} over ${Math.floor((maxBytes * factor) / 1048576)} MiB`);
  if (count.entries > maxEntries * factor)
    throw new PermanentError("context-too-large", `${what} over ${maxEntries * factor} entries`);
}

async function room(packed: Pack, queue: Queue): Promise<void> {
  while (queue.offered - queue.taken > queueLimit && !packed.destroyed) {
    await new Promise<void>((resolve) => {
      queue.wake = resolve;
    });
  }
}

async function copyEntry(entry: Entry, header: KeptHeader, packed: Pack): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const sink = packed.entry(header, (error) => (error ? reject(error) : resolve()));
    sink.on("error", reject);
    if (header.type !== "file") {
      entry.resume();
      return;
    }
    entry.on("error", (error) => sink.destroy(error));
    entry.pipe(sink);
  });
}

const dockerfileMost = 4 * 1024 * 1024;

async function rewritten(entry: Entry, header: KeptHeader, rewrite: (text: string) => string): Promise<Buffer> {
  const refuse = (why: string) =>
    new PermanentError("dockerfile-invalid", `${header.name} ${why}, so compat cannot rewrite it`);
  if (header.type !== "file") throw refuse("is a link");
  if (header.size > dockerfileMost) throw refuse("is too large");
  const chunks: Buffer[] = [];
  for await (const chunk of entry as AsyncIterable<Buffer>) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  if (!isUtf8(bytes)) throw refuse("is not UTF-8 text");
  return Buffer.from(rewrite(bytes.toString("utf8")));
}

function classify(error: unknown): Error {
  if (error instanceof PermanentError || error instanceof TransientError) return error;
  return new TransientError("the archive broke off or cannot be read", { cause: safeCause(error) });
}
