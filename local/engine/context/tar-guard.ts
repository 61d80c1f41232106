import { Transform, type TransformCallback } from "node:stream";
import { ArchiveError } from "./archive-error.ts";

const block = 512;
const longestName = 64 * 1024;
/** Empty blocks: two end an archive, and programs round it up. */
const mostPadding = 16 * 1024 * 1024;
/** Types of entries that only say something about the next one; readers keep them in memory whole. */
const aboutOthers = new Set(["x", "g", "L", "K"]);

/**
 * Passes a tar on block by block, and stops one that is too large: by what its entries say they hold, by their number, by
 * headers that a reader would keep in memory, and by the empty blocks between. Nothing else is checked.
 */
export class TarGuard extends Transform {
  readonly #limits: { readonly bytes: number; readonly entries: number };
  #left = 0;
  #header = Buffer.alloc(0);
  #note: Buffer[] | undefined;
  #bytes = 0;
  #entries = 0;
  #padding = 0;

  constructor(limits: { readonly bytes: number; readonly entries: number }) {
    super();
    this.#limits = limits;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    try {
      this.#read(chunk);
      done(null, chunk);
    } catch (error) {
      done(error as Error);
    }
  }

  #read(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#left > 0) {
        const part = chunk.subarray(at, at + this.#left);
        this.#note?.push(part);
        this.#left -= part.length;
        at += part.length;
        if (this.#left === 0) this.#endNote();
        continue;
      }
      const part = chunk.subarray(at, at + block - this.#header.length);
      this.#header = Buffer.concat([this.#header, part]);
      at += part.length;
      if (this.#header.length < block) continue;
      this.#startEntry(this.#header);
      this.#header = Buffer.alloc(0);
    }
  }

  #startEntry(header: Buffer): void {
    if (header[0] === 0) {
      this.#padding += block;
      if (this.#padding > mostPadding) throw new ArchiveError(`more than ${mostPadding} bytes that say nothing`);
      return;
    }
    const size = sizeOf(header);
    const notes = aboutOthers.has(String.fromCharCode(header[156]!));
    this.#entries += 1;
    this.#bytes += size;
    if (this.#entries > this.#limits.entries) throw new ArchiveError(`more than ${this.#limits.entries} entries`);
    if (this.#bytes > this.#limits.bytes) throw new ArchiveError(`more than ${this.#limits.bytes} bytes unpacked`);
    if (notes && size > longestName) throw new ArchiveError(`a header of ${size} bytes`);
    this.#left = Math.ceil(size / block) * block;
    this.#note = notes ? [] : undefined;
  }

  /** A second opinion about the size of the next entry would make us and the reader see different archives. */
  #endNote(): void {
    if (this.#note && /(?:^|\n)\d+ size=/.test(Buffer.concat(this.#note).toString("latin1"))) {
      throw new ArchiveError("an entry too large for its own header");
    }
    this.#note = undefined;
  }
}

/** Octal digits, or for what they cannot say, a binary number behind a first byte of 0x80. */
function sizeOf(header: Buffer): number {
  const field = header.subarray(124, 136);
  if (field[0]! & 0x80) return Number(BigInt(`0x${field.subarray(1).toString("hex")}`));
  return Number.parseInt(
    field
      .toString("latin1")
      .replaceAll(/[^0-7]+/g, " ")
      .trim() || "0",
    8,
  );
}
