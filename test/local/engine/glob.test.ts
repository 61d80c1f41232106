import fc from "fast-check";
import { expect, test } from "vitest";
import { Effort } from "../../../local/engine/context/effort.ts";
import { Glob } from "../../../local/engine/context/glob.ts";

const matches = (pattern: string, path: string) => new Glob(pattern).matches(path, new Effort("it"));

test.each([
  ["[z-a]*", "zz", false],
  ["[^z-a]z", "zz", true],
  ["[a-cx]", "b", true],
  ["[a-cx]", "x", true],
  ["[^a-c]", "b", false],
  ["[\\]\\-]", "-", true],
  ["[[]", "[", true],
  ["?", "é", true],
  ["[😀-😂]", "😁", true],
  ["a\\*", "a*", true],
  ["a\\*", "ab", false],
  ["***/x", "x", false],
  ["**/**/x", "x", true],
  ["a/**", "a", false],
  ["a/**/b", "a/b", true],
])("%s and the path %s: %s, as in Go", (pattern, path, expected) => {
  expect(matches(pattern, path)).toBe(expected);
});

test.each(["[", "a[", "[]", "[]a]", "[^]", "[a-]", "[-a]", "[a", "\\", "x\\", `${"x".repeat(20_000)}`])(
  "%s is malformed, and matches nothing",
  (pattern) => {
    expect(new Glob(pattern).isMalformed).toBe(true);
    expect(matches(pattern, pattern)).toBe(false);
  },
);

/** Read slowly and simply: what is left of the pattern against what is left of the path. */
function reads(pattern: readonly string[], path: string): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return path === "";
  const ends = Array.from({ length: path.length + 1 }, (_, end) => end);
  const stars = ends.filter((end) => first === "**" || !path.slice(0, end).includes("/"));
  if (first === "**/")
    return reads(rest, path) || ends.some((end) => path[end] === "/" && reads(rest, path.slice(end + 1)));
  if (first.startsWith("*")) return stars.some((end) => reads(rest, path.slice(end)));
  const takes = { "?": /[^/]/, "[ab]": /[ab]/, "[^a]": /[^a]/s }[first] ?? new RegExp(`[${first}]`);
  return path !== "" && takes.test(path[0]!) && reads(rest, path.slice(1));
}

/** A star of some kind or none, then something else: two stars side by side would be another. */
const part = fc
  .tuple(fc.constantFrom("", "*", "**", "**/"), fc.constantFrom("a", "b", "/", "?", "[ab]", "[^a]"))
  .map(([star, other]) => (star === "**" && other === "/" ? ["**/"] : [star, other]).filter((one) => one !== ""));
const path = fc.string({ unit: fc.constantFrom("a", "b", "/"), maxLength: 8 });

test("a path matches, or a folder above it does, as a reader would find", () => {
  fc.assert(
    fc.property(fc.array(part, { maxLength: 4 }), path, (parts, path) => {
      const pattern = parts.flat();
      const folders = [...path.matchAll(/\//g)].map(({ index }) => path.slice(0, index));
      const expected = [path, ...folders].some((one) => reads(pattern, one));
      expect(matches(pattern.join(""), path)).toBe(expected);
    }),
    { numRuns: 2000 },
  );
});

class Counted extends Effort {
  steps = 0;

  override spend(steps: number): void {
    this.steps += steps;
  }
}

test("each character of a path costs a step for each of the pattern at most", () => {
  const parts = fc.array(part, { maxLength: 30 }).map((some) => some.flat().join(""));
  const long = fc.string({ unit: fc.constantFrom("a", "b", "/"), maxLength: 200 });
  const hostile: [string, string][] = [
    [`${"a*".repeat(100)}c`, "a".repeat(255)],
    ["**/".repeat(100), "a/".repeat(200)],
  ];
  fc.assert(
    fc.property(parts, long, (pattern, path) => {
      const effort = new Counted("it");
      new Glob(pattern).matches(path, effort);
      expect(effort.steps).toBeLessThanOrEqual(path.length * (pattern.length + 1));
    }),
    { examples: hostile },
  );
});
