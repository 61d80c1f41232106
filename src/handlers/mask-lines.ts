import { mask } from "../mask.ts";

const newline = 0x0a;
/** A line longer than this is masked in pieces. */
const longestLine = 64 * 1024;

/** Masks secrets in a byte stream line by line, so that none is missed because it straddles two chunks. Keeps the length. */
export async function* maskLines(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  let held: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    held = Buffer.concat([held, chunk]);
    const end = held.lastIndexOf(newline) + 1;
    const ready = end > 0 ? end : held.length > longestLine ? held.length : 0;
    if (ready > 0) yield maskBytes(held.subarray(0, ready));
    held = held.subarray(ready);
  }
  if (held.length > 0) yield maskBytes(held);
}

/** Bytes as Latin-1, one character each: what is masked is ASCII, and everything else comes out as it went in. */
export function maskBytes(bytes: Uint8Array): Uint8Array {
  return Buffer.from(mask(Buffer.from(bytes).toString("latin1")), "latin1");
}
