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
