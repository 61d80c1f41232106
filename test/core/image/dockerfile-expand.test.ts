import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Escape,
  ExpansionError,
  expandWord,
  rawWords,
  unquotedWords,
} from "../../../src/core/image/dockerfile-expand.ts";
import { codePoint } from "./code-point.ts";

const values = { V: "v1.2.3", EMPTY: "", PATH: "a/b/c", STAR: "x**", FACE: "🚀x" };

describe("expandWord", () => {
  it.each([
    ["plain", "plain"],
    ["$V", "v1.2.3"],
    ["${V}x", "v1.2.3x"],
    ["$Vx", ""],
    ["a$", "a$"],
    ["$.", "$."],
    ["$$", ""],
    ["$1x", "x"],
    ["\\$V", "$V"],
    ["'$V'", "$V"],
    ['"$V"', "v1.2.3"],
    ['"\\$V \\" \\x"', '$V " \\x'],
    ["'a'\"b\"c", "abc"],
    ["a\\", "a"],
    ["${V:-x}", "v1.2.3"],
    ["${EMPTY:-x}", "x"],
    ["${EMPTY-x}", ""],
    ["${NONE-x}", "x"],
    ["${NONE:-${EMPTY:-${V}}}", "v1.2.3"],
    ["${NONE:-a\\}b}", "a}b"],
    ['${NONE:-"a}b"}', "a}b"],
    ["${V:+x}", "x"],
    ["${V+x}", "x"],
    ["${EMPTY:+x}", ""],
    ["${EMPTY+x}", "x"],
    ["${NONE+x}", ""],
    ["${V?x}", "v1.2.3"],
    ["${EMPTY?x}", ""],
    ["${V#v}", "1.2.3"],
    ["${V#*.}", "2.3"],
    ["${V##*.}", "3"],
    ["${V%.*}", "v1.2"],
    ["${V%%.*}", "v1"],
    ["${V%x}", "v1.2.3"],
    ["${V#}", "v1.2.3"],
    ["${V#???}", "2.3"],
    ["${V#$EMPTY}", "v1.2.3"],
    ["${STAR%\\*}", "x*"],
    ["${FACE#?}", "x"],
    ["${FACE%x}", "🚀"],
    ["${V/./-}", "v1-2.3"],
    ["${V//./-}", "v1-2-3"],
    ["${V/x/-}", "v1.2.3"],
    ["${V//*/-}", "-"],
    ["${PATH//\\//.}", "a.b.c"],
    ["${V//1*2/}", "v.3"],
    ["${EMPTY/*/x}", "x"],
    ["${NONE//a/b}", ""],
    ["a<<b", "a<<b"],
  ])("%s gives %s", (text, expected) => expect(expand(text)).toBe(expected));

  it.each([
    ["${", "missing }"],
    ["${V", "missing }"],
    ["${V:", "missing }"],
    ["${V:-x", "missing }"],
    ["${}", "bad substitution"],
    ["${{V}}", "bad substitution"],
    ["${:-x}", "bad substitution"],
    ["${V=x}", "unsupported modifier (=)"],
    ["${V:0:3}", "unsupported modifier (:0)"],
    ["${V:#x}", "unsupported modifier (:#)"],
    ["${V^^}", "unsupported modifier"],
    ["${NONE?}", "NONE: is not allowed to be unset"],
    ["${EMPTY:?}", "EMPTY: is not allowed to be empty"],
    ["${NONE:?give one}", "NONE: give one"],
    ["${V/x}", "missing /"],
    ["${V#\\x}", "invalid escape"],
    ["'a", "single quote"],
    ['"a', "double quote"],
    [`${"${A:-".repeat(40)}${"}".repeat(40)}`, "nested"],
  ])("%s is refused: %s", (text, part) => expect(() => expand(text)).toThrow(part));

  it("takes a backtick as escape character where the file says so", () => {
    expect(expand("a\\b`$V", "`")).toBe("a\\b$V");
  });

  it("leaves text without special characters alone", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[^$'"\\]*$/), (text) => {
        expect(expand(text)).toBe(text);
      }),
    );
  });

  it("gives back any text that is escaped", () => {
    const special = /[$'"\\]/g;
    fc.assert(
      fc.property(fc.string({ unit: codePoint }), (text) => {
        expect(expand(text.replace(special, "\\$&"))).toBe(text);
      }),
    );
  });

  it("expands side by side as it does apart", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 8 }), (chosen) => {
        expect(expand(chosen.join(""))).toBe(chosen.map((each) => expand(each)).join(""));
      }),
    );
  });

  it("agrees with regular expressions on patterns", () => {
    const pattern = fc.string({ unit: fc.constantFrom("a", "b", "*", "?"), minLength: 1, maxLength: 5 });
    const value = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 8 });
    fc.assert(
      fc.property(pattern, value, (wildcards, text) => {
        const greedy = wildcards.replaceAll("?", ".").replaceAll("*", ".*");
        const by = (operation: string) => expand(`\${T${operation}}`, "\\", { T: text });
        expect(by(`#${wildcards}`)).toBe(text.replace(new RegExp(`^${lazily(wildcards)}`), ""));
        expect(by(`##${wildcards}`)).toBe(text.replace(new RegExp(`^${greedy}`), ""));
        expect(by(`%${wildcards}`)).toBe(
          mirrored(mirrored(text).replace(new RegExp(`^${lazily(mirrored(wildcards))}`), "")),
        );
        expect(by(`%%${wildcards}`)).toBe(text.replace(new RegExp(`${greedy}$`), ""));
        expect(by(`/${wildcards}/X`)).toBe(text.replace(new RegExp(greedy), "X"));
      }),
      { numRuns: 1000 },
    );
  });

  it("never throws anything but an ExpansionError", () => {
    const text = fc.string({ unit: fc.constantFrom(..."${}:-+?#%/'\"\\*Va<` "), maxLength: 40 });
    fc.assert(
      fc.property(text, (each) => {
        try {
          expand(each);
        } catch (error) {
          expect(error).toBeInstanceOf(ExpansionError);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it("spends steps in proportion to the text", () => {
    for (const unit of ["a", "$V", "${NONE:-x}", "'q'", '"$V"', "\\x", "<<", "${V/./-}"]) {
      const steps = (count: number) => {
        const allowance = { steps: Number.MAX_SAFE_INTEGER };
        expandWord(unit.repeat(count), { escapeToken: "\\", variables: new Map(Object.entries(values)), allowance });
        return Number.MAX_SAFE_INTEGER - allowance.steps;
      };
      expect(steps(2000)).toBeLessThanOrEqual(2 * steps(1000));
      expect(steps(1000)).toBeGreaterThanOrEqual(1000);
    }
  });

  it("stops when its allowance is used up", () => {
    const variables = new Map([["B", "x".repeat(1000)]]);
    expect(() => expandWord("$B$B$B", { escapeToken: "\\", variables, allowance: { steps: 2500 } })).toThrow(
      "far more",
    );
  });
});

describe("words of a line, for heredocs", () => {
  it.each([
    ["cat <<EOF >x", ["cat", "<<EOF", ">x"]],
    ["cat <<  EOF x", ["cat", "<<  EOF", "x"]],
    ["'a b' \"c d\"", ["'a b'", '"c d"']],
    ["a\\ b", ["a\\ b"]],
    ["$x ${y} ${z:-1}", ["$x", "${y}", "${z:-1}"]],
    ["", []],
  ])("%j keeps quotes: %j", (text, words) => expect(rawWords(text)).toEqual(words));

  it.each([
    ["'a b'", ["a b"]],
    ["E'O'\"F\"", ["EOF"]],
    ["$x", ["$x"]],
    ["\\'a", ["'a"]],
  ])("%j without quotes: %j", (text, words) => expect(unquotedWords(text)).toEqual(words));

  it.each(["it's", "${#x}", "${x[0]}"])("%s cannot be split", (text) =>
    expect(() => rawWords(text)).toThrow(ExpansionError),
  );
});

/** Each complete in itself, and none that could join a variable name before it. */
const pieces = ["-", "${V}", "${NONE}", "${EMPTY:-/}", "'a b'", '"$V"', "\\$", "${V%.*}", "${V//./}"];

function expand(
  text: string,
  escapeToken: Escape = "\\",
  variables: Readonly<Record<string, string>> = values,
): string {
  return expandWord(text, {
    escapeToken,
    variables: new Map(Object.entries(variables)),
    allowance: { steps: 100_000 },
  });
}

function lazily(wildcards: string): string {
  return wildcards.replaceAll("?", ".").replaceAll("*", ".*?");
}

function mirrored(text: string): string {
  return [...text].reverse().join("");
}
