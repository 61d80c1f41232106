import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hereDocument, shellWords } from "../../../../local/acr/task/shell-words.ts";

/** What the real shell makes of a line: its words, or undefined when it refuses it. */
function realShell(line: string): string[] | undefined {
  const script = `set -f; for w in ${line}\ndo printf '%s\\0' "$w"; done`;
  const { status, stdout } = spawnSync("/bin/sh", ["-c", script], { encoding: "utf8", env: {} });
  return status === 0 ? stdout.split("\0").slice(0, -1) : undefined;
}

describe("shell words", () => {
  test.each([
    ["img sh -c 'a && b; c > d'", ["img", "sh", "-c", "a && b; c > d"]],
    ['img "two words" a\\ b', ["img", "two words", "a b"]],
    ["img '' \"\" x", ["img", "", "", "x"]],
    ['img "a\\"b\\$c\\d"', ["img", 'a"b$c\\d']],
    ["img $UNSET a$UNSET b ${UNSET}c", ["img", "a", "b", "c"]],
    ["img 'it'\"'\"'s' # a comment", ["img", "it's"]],
    ["img a#b\n", ["img", "a#b"]],
    ["img a \\\n b", ["img", "a", "b"]],
  ])("%j", (line, words) => {
    expect(shellWords(line)).toEqual(words);
    // What /bin/sh itself says; a block scalar's last line end is the shell's end of command.
    if (!line.includes("#") && !line.endsWith("\n")) expect(realShell(line)).toEqual(words);
  });

  test.each([
    "a && b",
    "a; b",
    "a | b",
    "a > f",
    "a & b",
    "(a)",
    "a `b`",
    "a $(b)",
    'a "$(b)"',
    "a\nb",
    "a ${B:-c}",
    "a $$",
    "a $1",
  ])("refuses what would run outside the container: %j", (line) => {
    expect(() => shellWords(line)).toThrow(/unquoted shell syntax/);
  });

  test("says what the shell says of an open quote", () => {
    expect(() => shellWords("img 'open")).toThrow(/Unterminated quoted string/);
  });

  test("agrees with /bin/sh on any mix of blanks, quotes and backslashes it accepts", () => {
    const piece = fc.constantFrom("a", "B1", " ", "  ", "'", '"', "\\", "$X", "$", "-", "=", "'x y'", '"x y"', "\t");
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 10 }), (pieces) => {
        const line = pieces.join("");
        const real = realShell(`${line} `);
        // `$$` and `$-` are the shell's own numbers and letters: refused, see above.
        fc.pre(real !== undefined && !/\$[$-]/.test(line));
        expect(shellWords(`${line} `)).toEqual(real);
      }),
      { numRuns: 60 },
    );
  });
});

describe("a here-document", () => {
  test.each(["plain", "two\nlines", "a $UNSET b", "a\\$b \\\\ \\n \"x\" 'y'", "cost: 5$", "joined\\\nlines"])(
    "%j",
    (text) => {
      const script = `cat <<EOL\n${text}\nEOL`;
      expect(hereDocument(text, "EOL")).toBe(
        spawnSync("/bin/sh", ["-c", script], { encoding: "utf8", env: {} }).stdout,
      );
    },
  );

  test.each(["a `id`", "a $(id)", "a\nEOL\nid", "a $1"])("refuses %j, which the shell would run or change", (text) => {
    expect(() => hereDocument(text, "EOL")).toThrow();
  });
});
