import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { maskBytes, maskLines } from "../../src/handlers/mask-lines.ts";

const token = `ghp_${"A1b2C3d4E5".repeat(4)}`;
const log = [
  "Step 1/2 : FROM node:20 — größer",
  `fatal: could not read from https://x-access-token:${token}@github.com/acme/app`,
  `curl 'https://a.blob.core.windows.net/x?sv=1&sig=abcDEF%2B123&se=2' ok`,
  `header: Authorization: Bearer ${"eyJhbGciOi".repeat(3)}`,
  "done",
].join("\n");

async function maskedIn(pieces: readonly Uint8Array[]): Promise<Buffer> {
  const out: Uint8Array[] = [];
  for await (const chunk of maskLines(chunksOf(pieces))) out.push(chunk);
  return Buffer.concat(out);
}
async function* chunksOf(pieces: readonly Uint8Array[]) {
  yield* pieces;
}
/** The bytes, cut at any places. */
function cutAt(bytes: Buffer, cuts: readonly number[]): readonly Uint8Array[] {
  const places = [0, ...cuts.map((c) => c % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, i) => bytes.subarray(places[i], end));
}

describe("a log on its way through us", () => {
  it("shows no secret, wherever it is cut into chunks, and is the same as in one piece", async () => {
    const bytes = Buffer.from(log);
    const whole = Buffer.from(maskBytes(bytes));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: 10_000 }), { maxLength: 12 }), async (cuts) => {
        const masked = await maskedIn(cutAt(bytes, cuts));
        expect(masked.equals(whole)).toBe(true);
      }),
    );
    expect(whole.toString()).not.toMatch(/ghp_|abcDEF|eyJh/);
    expect(whole.toString()).toContain("größer");
  });

  it("keeps its length, so that offsets stay true, whatever bytes it has", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 6 }), async (pieces) => {
        expect(await maskedIn(pieces)).toHaveLength(pieces.reduce((n, p) => n + p.length, 0));
      }),
    );
  });

  it("without secrets comes out byte for byte", async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    expect(await maskedIn([bytes])).toEqual(Buffer.from(bytes));
  });

  it("whose line never ends is not held for ever", async () => {
    const out: number[] = [];
    let given = 0;
    async function* endless() {
      for (; given < 200 * 1024; given += 1024) yield new Uint8Array(1024).fill(0x61);
    }
    for await (const chunk of maskLines(endless())) out.push(chunk.byteLength);
    expect(Math.max(...out)).toBeLessThanOrEqual(66 * 1024);
    expect(out.reduce((a, b) => a + b, 0)).toBe(given);
  });
});
