import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compilePatterns, matchesAny, matchesPattern, parsePattern } from "../../../src/core/config/pattern.ts";

function matches(pattern: string, text: string): boolean {
  const parsed = parsePattern(pattern);
  if (!parsed.ok) throw new Error(parsed.problem);
  return matchesPattern(parsed.pattern, text);
}

describe("what a pattern matches (the examples of GitHub's cheat sheet among them)", () => {
  it.each([
    ["main", ["main"], ["Main", "main2", "mai", ""]],
    ["*", ["main", "releases", ""], ["all/the/branches"]],
    ["**", ["main", "all/the/branches", "every/tag", ""], []],
    ["feature/*", ["feature/my-branch", "feature/"], ["feature", "feature/beta-a/my-branch"]],
    ["feature/**", ["feature/beta-a/my-branch", "feature/your-branch"], ["features/x"]],
    ["releases/mona-the-octocat", ["releases/mona-the-octocat"], ["releases/mona"]],
    ["*feature", ["mona-feature", "feature", "ver-10-feature"], ["a/feature", "feature-1"]],
    ["v2*", ["v2", "v2.0", "v2.9"], ["v1", "v2/a"]],
    ["v[12].[0-9]+.[0-9]+", ["v1.10.1", "v2.0.0"], ["v3.0.0", "v1.0", "v1..0", "v1.a.0"]],
    ["*.jsx?", ["page.js", "page.jsx"], ["page.jsxx", "page.j"]],
    ["**.js", ["index.js", "js/index.js", "src/js/app.js"], ["index.ts"]],
    ["docs/*", ["docs/README.md", "docs/file.txt"], ["docs/a/file.txt"]],
    ["**/docs/**", ["docs/hello.md", "dir/docs/my-file.txt", "space/docs/plan/space.doc"], ["mydocs/a"]],
    ["**/README.md", ["README.md", "js/README.md", "a/b/README.md"], ["OTHER-README.md", "a/xREADME.md"]],
    ["**/*src/**", ["a/src/app.js", "my-src/code/js/app.js"], ["source/a"]],
    ["**/*-post.md", ["my-post.md", "path/their-post.md"], ["post.md"]],
    ["a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["ab", "a/xb", "axb"]],
    ["a**/b", ["a/b", "ax/y/b"], ["b"]],
    ["***", ["a/b", ""], []],
    ["ab?c", ["abc", "ac"], ["abbc", "bc"]],
    ["ab+c", ["abc", "abbbc"], ["ac"]],
    ["[ab]?c", ["ac", "bc", "c"], ["abc"]],
    ["v[a-cX-Z9]", ["va", "vc", "vX", "v9"], ["vd", "v-", "v"]],
    ["[.-]x", [".x", "-x"], ["x", "ax"]],
    ["\\*\\?", ["*?"], ["a?", "*"]],
    ["\\!x", ["!x"], ["x"]],
    ["a.b", ["a.b"], ["axb"]],
    ["(a|b)$", ["(a|b)$"], ["a"]],
    ["🚀*", ["🚀", "🚀-1"], ["-1"]],
    ["x?🚀", ["🚀", "x🚀"], ["xx🚀"]],
  ])("%s", (pattern, fitting, others) => {
    for (const text of fitting) expect([text, matches(pattern, text)]).toEqual([text, true]);
    for (const text of others) expect([text, matches(pattern, text)]).toEqual([text, false]);
  });

  it.each([
    ["", "the pattern is empty"],
    ["!", "the pattern is empty"],
    ["?", '"?" needs a plain character or [] before it'],
    ["*+", '"+" needs a plain character or [] before it'],
    ["a?+", '"+" needs a plain character or [] before it'],
    ["a[bc", '"[" has no matching "]"'],
    ["a[]", '"[]" lists no character'],
    ["[!a]", '"[" cannot be followed by "!" or "^"'],
    ["[z-a]", '"z-a" is not a range within a-z, A-Z or 0-9'],
    ["[a-Z]", '"a-Z" is not a range within a-z, A-Z or 0-9'],
    ["a\\", 'a "\\" at the end escapes nothing'],
  ])("refuses %s", (pattern, problem) => {
    expect(parsePattern(pattern)).toEqual({ ok: false, problem });
  });
});

describe("a list of patterns", () => {
  it.each([
    [["main", "release/*"], "release/1", true],
    [["main"], "dev", false],
    [[], "main", false],
    [["!main"], "main", false],
    [["!main"], "dev", false],
    [["releases/**", "!releases/**-alpha"], "releases/beta/3-alpha", false],
    [["releases/**", "!releases/**-alpha"], "releases/10", true],
    [["!a", "*"], "a", true],
    [["*", "!a*", "ab"], "ab", true],
    [["*", "!a*", "ab"], "ac", false],
    [["[", "x"], "x", true],
  ])("%j over %s: the last fitting pattern decides", (patterns, text, expected) => {
    expect(matchesAny(patterns, text)).toBe(expected);
  });

  it("leaves to its default what no pattern fits", () => {
    const fits = compilePatterns(["!docs/**"], (path) => path.startsWith("d"));
    expect(["docs/a", "data/a", "src/a"].map(fits)).toEqual([false, true, false]);
  });
});

/** The obvious matcher: tries everything, takes exponential time, hard to get wrong. */
function naive(pattern: string, text: string): boolean {
  if (pattern === "") return text === "";
  if (pattern.startsWith("**/") && naive(pattern.slice(3), text)) return true;
  if (pattern.startsWith("**/"))
    return Array.from(text).some((character, at) => character === "/" && naive(pattern.slice(3), text.slice(at + 1)));
  return naiveInside(pattern, text);
}

function naiveInside(pattern: string, text: string): boolean {
  if (pattern === "") return text === "";
  if (pattern.startsWith("**"))
    return naiveRest(pattern, 2, text) || (text !== "" && naiveInside(pattern, text.slice(1)));
  if (pattern.startsWith("*"))
    return naiveRest(pattern, 1, text) || (text !== "" && text[0] !== "/" && naiveInside(pattern, text.slice(1)));
  const same = text !== "" && text[0] === pattern[0];
  if (pattern[1] === "?") return naiveRest(pattern, 2, text) || (same && naiveRest(pattern, 2, text.slice(1)));
  if (pattern[1] === "+") return same && (naiveRest(pattern, 2, text.slice(1)) || naiveInside(pattern, text.slice(1)));
  if (!same) return false;
  // A segment starts after a literal slash, and only there do folders-or-nothing begin.
  return pattern[0] === "/" ? naive(pattern.slice(1), text.slice(1)) : naiveRest(pattern, 1, text.slice(1));
}

function naiveRest(pattern: string, taken: number, text: string): boolean {
  return naiveInside(pattern.slice(taken), text);
}

describe("the matcher", () => {
  const piece = fc.constantFrom("a", "b", "/", "*", "**", "**/", "a?", "b+");
  const text = fc.string({ unit: fc.constantFrom("a", "b", "/"), maxLength: 8 });

  it("agrees with the obvious one", () => {
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 6 }), text, (pieces, candidate) => {
        const pattern = pieces.join("");
        expect(matches(pattern, candidate)).toBe(naive(pattern, candidate));
      }),
      { numRuns: 3000 },
    );
  });

  it("never throws", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary" })), fc.string({ unit: "binary" }), (patterns, candidate) => {
        expect(typeof matchesAny(patterns, candidate)).toBe("boolean");
      }),
      { numRuns: 50 },
    );
  });

  it("takes no more than text times pattern, where a backtracking one would not end", () => {
    const parsed = parsePattern(`${"**/a*".repeat(20)}b`);
    if (!parsed.ok) throw new Error(parsed.problem);
    let steps = 0;
    const counted = {
      negated: false,
      states: parsed.pattern.states.map((state) => ({
        ...state,
        accepts: (character: string) => {
          steps++;
          return state.accepts(character);
        },
      })),
    };
    const candidate = "a/".repeat(200);
    expect(matchesPattern(counted, candidate)).toBe(false);
    expect(steps).toBeLessThanOrEqual(candidate.length * counted.states.length);
  });
});
