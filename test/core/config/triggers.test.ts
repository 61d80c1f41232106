import { describe, expect, it } from "vitest";
import { isPushTriggered } from "../../../src/core/config/triggers.ts";
import { onPush } from "./definitions.ts";

describe("isPushTriggered", () => {
  it.each([
    ["a branch that is listed", { branches: ["main"] }, "refs/heads/main", true],
    ["a branch that is not", { branches: ["main"] }, "refs/heads/dev", false],
    ["a branch with slashes", { branches: ["release/**"] }, "refs/heads/release/1/2", true],
    ["a branch taken away", { branches: ["*", "!wip"] }, "refs/heads/wip", false],
    ["a Git tag of a branch's name", { branches: ["main"] }, "refs/tags/main", false],
    ["a Git tag that is listed", { branches: [], tags: ["v*"] }, "refs/tags/v1", true],
    ["a branch of a Git tag's name", { branches: [], tags: ["v*"] }, "refs/heads/v1", false],
    ["a ref that is neither", { branches: ["**"], tags: ["**"] }, "refs/pull/1/head", false],
    ["a short name", { branches: ["**"], tags: ["**"] }, "main", false],
    ["any branch when push is off", undefined, "refs/heads/main", false],
  ])("%s", (_, push, ref, expected) => {
    expect(isPushTriggered(onPush(push), ref)).toBe(expected);
  });
});
