import { afterAll, describe, expect, it } from "vitest";
import { files } from "./dockerfile-files.ts";
import { countBlocks } from "./executed-blocks.ts";

const counter = await countBlocks("/src/core/image/");
const { preflight } = await import("../../../src/core/image/preflight.ts");
afterAll(() => counter.stop());

/** Reads it as BuildKit does, rewrites it, and reads that as ACR's scanner does: all our readers one after the other. */
const read = (text: string) => preflight(text, { buildArgs: {} }, true);

describe("preflight takes linear work", () => {
  it.each(files)("when the file is %s", async (_, make) => {
    const blocks = async (size: number) => {
      await counter.take();
      read(make(size));
      return await counter.take();
    };
    const [once, twice, fourTimes] = [await blocks(4_000), await blocks(8_000), await blocks(16_000)];
    expect(once).toBeGreaterThan(20);
    // Twice the work for twice as much more of the file; 4 would be the square.
    expect(fourTimes - twice).toBeLessThanOrEqual(2.1 * (twice - once));
  });
});
