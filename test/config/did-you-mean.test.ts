import { describe, expect, it } from "vitest";
import { didYouMean } from "../../src/config/did-you-mean.ts";

describe("didYouMean", () => {
  const known = ["context", "build-args", "base_update", "tags", "test", "on"];

  it.each([
    ["contxt", "context"],
    ["cnotext", "context"],
    ["contexts", "context"],
    ["buildArgs", "build-args"],
    ["BUILD_ARGS", "build-args"],
    ["base-update", "base_update"],
    ["tag", "tags"],
    ["tests", "test"],
    ["one", "on"],
    ["branches", undefined],
    ["cat", undefined],
    ["", undefined],
    ["context".repeat(10_000), undefined],
  ])("%.20s -> %s", (word, meant) => {
    expect(didYouMean(word, known)).toBe(meant);
  });

  it("prefers the nearest", () => {
    expect(didYouMean("stables", ["tables", "stable", "staples"])).toBe("tables");
    expect(didYouMean("unqiue", ["unite", "unique"])).toBe("unique");
  });
});
