import { describe, expect, it } from "vitest";
import { inputPaths } from "../../../src/core/config/inputs.ts";
import { definition, onPush } from "./definitions.ts";

describe("inputPaths", () => {
  it.each([
    ["files under the context", [], "images/web/src/a.ts", true],
    ["the Dockerfile", [], "images/web/Dockerfile", true],
    ["a neighbour whose name starts the same", [], "images/web2/a.ts", false],
    ["a file elsewhere", [], "README.md", false],
    ["a file elsewhere that paths add", ["shared/**"], "shared/lib/a.ts", true],
    ["a file of the context that paths take away", ["!**/*.md"], "images/web/README.md", false],
    ["a file taken away and brought back", ["!**/*.md", "images/web/LICENSE.md"], "images/web/LICENSE.md", true],
    ["a file taken away by a later pattern", ["shared/**", "!shared/docs/**"], "shared/docs/a", false],
    ["slipway.yaml, even when paths name it", ["slipway.yaml"], "slipway.yaml", false],
  ])("%s", (_, paths, path, expected) => {
    expect(inputPaths(onPush({ paths }))(path)).toBe(expected);
  });

  it("takes every file but slipway.yaml when the context is the root", () => {
    const isInput = inputPaths(definition({ context: "" }));
    expect(["Dockerfile", "a/slipway.yaml", "slipway.yaml"].map(isInput)).toEqual([true, true, false]);
  });

  it("takes the context when push is off: a base update or a person still builds it", () => {
    const isInput = inputPaths(onPush(undefined));
    expect(["images/web/a", "b"].map(isInput)).toEqual([true, false]);
  });
});
