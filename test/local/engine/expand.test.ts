import fc from "fast-check";
import { expect, test } from "vitest";
import { expandWord } from "../../../local/engine/built-in/expand.ts";
import { splitAssignments, splitWords } from "../../../local/engine/built-in/split-words.ts";
import { EngineError } from "../../../local/engine/engine.ts";

const values: Record<string, string> = { A: "1", EMPTY: "", SPACED: "x y", FILE: "a.tar.gz.b", STARS: "*/x" };
const expand = (word: string) => expandWord(word, (name) => values[name]);

test.each([
  ["$A", "1"],
  ["${A}b$A", "1b1"],
  ["$Ab", ""],
  ["'$A'", "$A"],
  ['"$A ${SPACED}"', "1 x y"],
  ["\\$A", "$A"],
  ['"\\$A \\n \\""', '$A \\n "'],
  ["${NONE:-d}", "d"],
  ["${EMPTY:-d}", "d"],
  ["${EMPTY-d}", ""],
  ["${NONE-d}", "d"],
  ["${A:+alt}", "alt"],
  ["${EMPTY:+alt}", ""],
  ["${EMPTY+alt}", "alt"],
  ["${NONE:-${EMPTY:-${A}}}", "1"],
  ["${NONE:-'a}b'}", "a}b"],
  ["${FILE#*.}", "tar.gz.b"],
  ["${FILE##*.}", "b"],
  ["${FILE%.*}", "a.tar.gz"],
  ["${FILE%%.*}", "a"],
  ["${FILE%.none}", "a.tar.gz.b"],
  ["${FILE#a?t}", "ar.gz.b"],
  ["${FILE/./-}", "a-tar.gz.b"],
  ["${FILE//./-}", "a-tar-gz-b"],
  ["${FILE//[.]/-}", "a.tar.gz.b"],
  ["${FILE/t*z/$A}", "a.1.b"],
  ["${FILE//*/x}", "x"],
  ["${FILE//[a-z]*/x}", "a.tar.gz.b"],
  ["${FILE/\\./$&}", "a$&tar.gz.b"],
  ["${STARS#\\*}", "/x"],
  ["${STARS/\\//}", "*x"],
  ["${NONE#x}", ""],
  ["a$", "a$"],
  ["50%$", "50%$"],
])("%s becomes %s", (word, expected) => {
  expect(expand(word)).toBe(expected);
});

test.each([
  ["${A", /brace/],
  ["${A^x}", /not supported/],
  ["${A/x}", /not supported/],
  ["${}", /bad substitution/],
  ["'open", /quote/],
  ['"open', /quote/],
  ["${NONE:?give it}", /NONE: give it/],
])("%s is refused", (word, message) => {
  expect(() => expand(word)).toThrow(message);
});

test("what is nested deeper than anybody would, or grows without end, is refused in words", () => {
  const nested = (depth: number) => `${"${N:-".repeat(depth)}end${"}".repeat(depth)}`;
  expect(expand(nested(100))).toBe("end");
  expect(() => expand(nested(20_000))).toThrow(/^\$\{N:-.{190,210}…: more than 100 \$\{…\} in each other$/);
  const long = (name: string) => ({ A: "a".repeat(100_000), B: "b".repeat(1000) })[name];
  expect(expandWord("${A#a*a*a*a*a*a*a*b}", long)).toBe(long("A"));
  const endless = ["$A".repeat(300), "${A//a/$B}", `\${A#${"a*".repeat(1000)}b}`];
  for (const word of endless) expect(() => expandWord(word, long)).toThrow(/takes too long/);
});

/** With RegExp, as Go's would do it. */
function byRegExp(value: string, operator: string, pattern: string): string {
  const regex = (star: string) => pattern.replaceAll("?", ".").replaceAll("*", star);
  const some = operator.length === 2;
  if (operator === "/" || operator === "//") return value.replace(new RegExp(regex(".*"), some ? "g" : ""), "_");
  if (operator.startsWith("#")) return value.replace(new RegExp(`^(?:${regex(some ? ".*" : ".*?")})`), "");
  const cuts = [...value, ""].map((_, at) => at);
  const whole = new RegExp(`^(?:${regex(".*")})$`);
  return value.slice(
    0,
    (some ? cuts : cuts.reverse()).find((at) => whole.test(value.slice(at))),
  );
}

test("patterns take what regular expressions would", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", "\n"), maxLength: 10 });
  const pattern = fc.string({ unit: fc.constantFrom("a", "b", "?", "*"), minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(text, pattern, fc.constantFrom("#", "##", "%", "%%", "/", "//"), (value, pattern, operator) => {
      // Of nothing, Go and JavaScript replace another number.
      fc.pre(operator !== "//" || /[^*]/.test(pattern));
      const word = operator.startsWith("/") ? `\${V${operator}${pattern}/_}` : `\${V${operator}${pattern}}`;
      expect(expandWord(word, () => value)).toBe(byRegExp(value, operator, pattern));
    }),
    { numRuns: 3000 },
  );
});

test("a word in single quotes comes out as it went in", () => {
  fc.assert(
    fc.property(
      fc.string().filter((text) => !text.includes("'")),
      (text) => {
        expect(expand(`'${text}'`)).toBe(text);
        const words = splitWords(`'${text}' b`);
        expect(words).toEqual([`'${text}'`, "b"]);
      },
    ),
  );
});

test("assignments come in words, or as one name and the rest of the line", () => {
  expect(splitAssignments('A=1 B="x y" C=a\\ b D=')).toEqual([
    ["A", "1"],
    ["B", '"x y"'],
    ["C", "a\\ b"],
    ["D", ""],
  ]);
  expect(splitAssignments("NAME  all of this = here ")).toEqual([["NAME", "all of this = here"]]);
  for (const text of ["", "A", "A=1 D"]) expect(() => splitAssignments(text)).toThrow(EngineError);
});
