import { createHash, randomUUID } from "node:crypto";
import { createReadStream, createWriteStream, mkdirSync, type ReadStream, rmSync } from "node:fs";
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
 * complete (written beside, then renamed), so a kill leaves at most a stray temporary file, never a wrong blob; the next
 * start clears those away.
 */
export class BlobFiles {
  readonly #dir: string;
  readonly #unfinished: string;

  constructor(dir: string) {
    this.#dir = dir;
    this.#unfinished = join(dir, "unfinished");
    rmSync(this.#unfinished, { recursive: true, force: true });
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
    const written = await this.write(content);
    await written.keep();
    return written;
  }

  /** Writes beside and says what it has become; `keep` puts it under its name. */
  async write(content: Content): Promise<StoredBlob & { keep(): Promise<void> }> {
    const temporary = join(this.#unfinished, randomUUID());
    try {
      if (Buffer.isBuffer(content)) await writeFile(temporary, content);
      else await pipeline(content instanceof Readable ? content : Readable.from(content), createWriteStream(temporary));
      const blob = { digest: await digestOfFile(temporary), size: (await stat(temporary)).size };
      return { ...blob, keep: () => this.#rename(temporary, blob.digest) };
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  /** Moves a file of the same file system in, under the digest of what it holds; refuses when `expected` differs. */
  async adopt(file: string, expected: string): Promise<StoredBlob> {
    const digest = await digestOfFile(file);
    if (digest !== expected) throw new DigestMismatch(expected, digest);
    const { size } = await stat(file);
    await this.#rename(file, digest);
    return { digest, size };
  }

  /** At once, so that nobody can begin to use the blob between a look for uses and its end. */
  remove(digest: string): void {
    rmSync(this.path(digest), { force: true });
  }

  async #rename(file: string, digest: string): Promise<void> {
    const path = this.path(digest);
    await mkdir(dirname(path), { recursive: true });
    await rename(file, path);
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
