import { createHash, randomUUID } from "node:crypto";
import { createReadStream, createWriteStream, mkdirSync, type ReadStream } from "node:fs";
import { mkdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { checkDigest } from "./names.ts";

export type Content = Buffer | Readable | AsyncIterable<Buffer>;
export interface StoredBlob {
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
}

/**
 * Files named by the sha256 of their content, `sha256/<2>/<hex>`. A file appears under its name only when it is
 * complete (written beside, then renamed), so a crash leaves at most a stray temporary file, never a wrong blob.
 */
export class BlobFiles {
  readonly #dir: string;
  readonly #unfinished: string;

  constructor(dir: string) {
    this.#dir = dir;
    this.#unfinished = join(dir, "unfinished");
    mkdirSync(this.#unfinished, { recursive: true });
  }

  path(digest: string): string {
    const hex = checkDigest(digest).slice("sha256:".length);
    return join(this.#dir, "sha256", hex.slice(0, 2), hex);
  }

  async size(digest: string): Promise<number | undefined> {
    try {
      return (await stat(this.path(digest))).size;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }

  /** `end` is the last byte, inclusive, as in a Range header. */
  open(digest: string, range?: { start: number; end: number }): ReadStream {
    return createReadStream(this.path(digest), range);
  }

  async put(content: Content): Promise<StoredBlob> {
    const temporary = join(this.#unfinished, randomUUID());
    try {
      if (Buffer.isBuffer(content)) await writeFile(temporary, content);
      else await pipeline(content instanceof Readable ? content : Readable.from(content), createWriteStream(temporary));
      return await this.adopt(temporary);
    } finally {
      await rm(temporary, { force: true });
    }
  }

  /** Moves a file of the same file system in, under the digest of what it holds; refuses when `expected` differs. */
  async adopt(file: string, expected?: string): Promise<StoredBlob> {
    const digest = await digestOfFile(file);
    if (expected !== undefined && digest !== expected) throw new DigestMismatch(expected, digest);
    const { size } = await stat(file);
    const path = this.path(digest);
    await mkdir(dirname(path), { recursive: true });
    await rename(file, path);
    return { digest, size };
  }

  async remove(digest: string): Promise<void> {
    await rm(this.path(digest), { force: true });
  }
}

export class DigestMismatch extends Error {
  override readonly name = "DigestMismatch";
  readonly expected: string;
  readonly actual: string;

  constructor(expected: string, actual: string) {
    super(`the content has digest ${actual}, not ${expected}`);
    this.expected = expected;
    this.actual = actual;
  }
}

export function digestOf(bytes: Buffer | string): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

async function digestOfFile(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return `sha256:${hash.digest("hex")}`;
}
