import { randomUUID } from "node:crypto";
import { createWriteStream, mkdirSync } from "node:fs";
import { mkdir, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { RegistryError } from "./registry-error.ts";

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const abandonedAfterMs = 7 * 24 * 3_600_000;

interface Chunk {
  readonly start?: number;
  readonly length?: number;
}

/**
 * Blobs on their way in. An upload is a folder: what has arrived so far and whose it is. The offset is the size of the
 * file, so uploads go on after a restart.
 */
export class Uploads {
  readonly #dir: string;
  readonly #busy = new Set<string>();

  constructor(dir: string) {
    this.#dir = dir;
    mkdirSync(dir, { recursive: true });
  }

  async start(repository: string): Promise<string> {
    const id = randomUUID();
    await mkdir(join(this.#dir, id));
    await writeFile(this.#data(id), "");
    await writeFile(join(this.#dir, id, "repository"), repository);
    return id;
  }

  /** Bytes received so far. */
  async offset(repository: string, id: string): Promise<number> {
    await this.#check(repository, id);
    return (await stat(this.#data(id))).size;
  }

  /**
   * Adds a chunk and returns the new offset. `expected` is where the client says the chunk starts; anything else than
   * the present offset is 416. A chunk that breaks off, or is not as long as announced, leaves nothing behind.
   */
  async append(repository: string, id: string, body: Readable, chunk: Chunk = {}): Promise<number> {
    return this.#alone(repository, id, (offset) => this.#write(id, offset, body, chunk));
  }

  /**
   * Adds the last chunk, if any, and hands over the file, to which nobody adds meanwhile; the upload is over then, however
   * that ends.
   */
  async finish<T>(
    repository: string,
    id: string,
    body: Readable,
    chunk: Chunk,
    adopt: (file: string) => Promise<T>,
  ): Promise<T> {
    return this.#alone(repository, id, async (offset) => {
      await this.#write(id, offset, body, chunk);
      try {
        return await adopt(this.#data(id));
      } finally {
        await this.remove(repository, id);
      }
    });
  }

  async #alone<T>(repository: string, id: string, work: (offset: number) => Promise<T>): Promise<T> {
    if (this.#busy.has(id)) throw outOfOrder(id, await this.offset(repository, id));
    this.#busy.add(id);
    try {
      return await work(await this.offset(repository, id));
    } finally {
      this.#busy.delete(id);
    }
  }

  async #write(id: string, offset: number, body: Readable, chunk: Chunk): Promise<number> {
    if (chunk.start !== undefined && chunk.start !== offset) throw outOfOrder(id, offset);
    const path = this.#data(id);
    try {
      await pipeline(body, createWriteStream(path, { flags: "a" }));
      const size = (await stat(path)).size;
      if (chunk.length !== undefined && size - offset !== chunk.length) {
        throw new RegistryError(400, "SIZE_INVALID", `the chunk has ${size - offset} bytes, not ${chunk.length}`);
      }
      return size;
    } catch (error) {
      await truncate(path, offset);
      if (error instanceof RegistryError) throw error;
      throw new RegistryError(400, "BLOB_UPLOAD_INVALID", "the chunk broke off");
    }
  }

  async remove(repository: string, id: string): Promise<void> {
    await this.#check(repository, id);
    await rm(join(this.#dir, id), { recursive: true, force: true });
  }

  async clear(): Promise<void> {
    for (const id of await readdir(this.#dir)) await rm(join(this.#dir, id), { recursive: true, force: true });
  }

  /** Uploads nobody has come back to for a week. */
  async removeAbandoned(now: number): Promise<void> {
    for (const id of await readdir(this.#dir)) {
      const { mtimeMs } = await stat(join(this.#dir, id, "data")).catch(() => ({ mtimeMs: 0 }));
      if (now - mtimeMs > abandonedAfterMs) await rm(join(this.#dir, id), { recursive: true, force: true });
    }
  }

  #data(id: string): string {
    return join(this.#dir, id, "data");
  }

  async #check(repository: string, id: string): Promise<void> {
    const owner = uuid.test(id) ? await readFile(join(this.#dir, id, "repository"), "utf8").catch(() => "") : "";
    if (owner !== repository) throw new RegistryError(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown");
  }
}

function outOfOrder(id: string, offset: number): RegistryError {
  return new RegistryError(416, "BLOB_UPLOAD_INVALID", `the next chunk must start at byte ${offset}`, {
    headers: { Range: rangeOf(offset), "Docker-Upload-UUID": id },
  });
}

/** How far an upload is, in the form the spec wants: the last byte, inclusive; `0-0` before the first. */
export function rangeOf(offset: number): string {
  return `0-${Math.max(0, offset - 1)}`;
}
