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
  ])("%j -> %s", (word, meant) => {
    expect(didYouMean(word, known)).toBe(meant);
  });

  it("does not compare what is too long to be a slip", () => {
    expect(didYouMean("-".repeat(100_000) + "context", known)).toBeUndefined();
  });

  it("prefers the nearest", () => {
    expect(didYouMean("stables", ["tables", "stable", "staples"])).toBe("tables");
    expect(didYouMean("unqiue", ["unite", "unique"])).toBe("unique");
  });
});
