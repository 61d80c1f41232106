import fc from "fast-check";
import { expect, test } from "vitest";
import { FinalWords } from "../../../local/engine/buildah/final-words.ts";

function listen(pattern: RegExp) {
  let passed = "";
  const words = new FinalWords((text) => {
    passed += text;
  }, pattern);
  return { words, passed: () => passed };
}

test("the end is kept back however it comes, and what only looked like it is passed on", () => {
  const { words, passed } = listen(/(?:bye \d+\n)+$/);
  for (const text of ["one\n", "bye 1\n", "two\nbye 2\n", "bye 3\n"]) words.write(text);
  expect(passed()).toBe("one\nbye 1\ntwo\n");
  expect(words.held).toBe("bye 2\nbye 3\n");
  words.release();
  expect(passed()).toBe("one\nbye 1\ntwo\nbye 2\nbye 3\n");
});

test("nothing is lost and nothing is told twice", () => {
  const piece = fc.oneof(fc.constantFrom("bye 1\n", "\n", "bye", "Error: x\n"), fc.string({ maxLength: 5 }));
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const { words, passed } = listen(/(?:bye \d+\n)+$/);
      for (const text of pieces) words.write(text);
      expect(passed() + words.held).toBe(pieces.join(""));
    }),
  );
});
