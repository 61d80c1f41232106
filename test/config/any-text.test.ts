import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { parsePlatformYaml } from "../../src/config/platform-yaml.ts";
import { parseSlipwayYaml } from "../../src/config/slipway-yaml.ts";

/** Holds of every answer: a value, or problems that point into the text and can be printed. */
function expectAnAnswer(text: string): void {
  const lines = text.split(/\r\n|[\r\n]/).length;
  for (const parsed of [parseSlipwayYaml(text), parsePlatformYaml(text)]) {
    if (parsed.ok) continue;
    expect(parsed.problems.length).toBeGreaterThan(0);
    for (const { line, column, key, message, fix } of parsed.problems) {
      expect(line).toBeGreaterThanOrEqual(1);
      expect(line).toBeLessThanOrEqual(lines);
      expect(column).toBeGreaterThanOrEqual(1);
      expect(message).not.toBe("");
      expect(fix).not.toBe("");
      expect(`${key}${message}${fix}`).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]|undefined|\[object/u);
      expect(message.length + fix.length).toBeLessThan(600);
    }
  }
}

const word = fc.constantFrom(
  ..."version images defaults registries publish registry repository context tags stable unique on push branches paths test from to cron schedule web".split(
    " ",
  ),
);
const scalar = fc.oneof(
  word,
  fc.constantFrom(1, 0, -1, 1.5, true, false, null, "", "{{run}}", "{{", "!", "off", "main"),
  fc.string({ unit: "binary", maxLength: 5 }),
);
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    scalar,
    fc.array(tie("tree"), { maxLength: 3 }),
    fc.dictionary(word, tie("tree"), { maxKeys: 5 }),
  ),
}));

describe("both parsers, whatever the text", () => {
  it("answer any text", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), expectAnAnswer), { numRuns: 200 });
  });

  it("answer any text made of YAML's own characters", () => {
    const mark = fc.constantFrom(
      "a",
      "- ",
      ": ",
      "\n",
      "  ",
      "[",
      "]",
      "{",
      "}",
      ",",
      "&a ",
      "*a",
      "!t ",
      "|",
      ">",
      '"',
      "'",
      "#",
      "? ",
      "%",
      "---\n",
      "<<",
      "\t",
      "\r",
    );
    fc.assert(fc.property(fc.string({ unit: mark, maxLength: 40 }), expectAnAnswer), { numRuns: 300 });
  });

  it("answer any tree of our own words", () => {
    const file = fc.record(
      { version: fc.constant(1), images: tree, registries: tree, defaults: tree, publish: tree },
      { requiredKeys: ["version"] },
    );
    fc.assert(
      fc.property(fc.oneof(file, tree), (value) => expectAnAnswer(stringify(value))),
      { numRuns: 300 },
    );
  });

  // Without a limit of our own these end the process, or keep it busy for minutes.
  it.each([
    ["lists in lists", "[".repeat(40_000)],
    ["mappings in mappings", "{a: ".repeat(40_000)],
    ["dashes on one line", "- ".repeat(40_000)],
    ["complex keys", "? ".repeat(40_000)],
    ["keys under keys", Array.from({ length: 300 }, (_, depth) => `${" ".repeat(depth)}a:`).join("\n")],
  ])("refuse %s without recursion", (_, text) => {
    expect(parseSlipwayYaml(text)).toMatchObject({
      ok: false,
      problems: [{ line: 1, message: "the file is nested too deeply" }],
    });
  });

  it("refuse aliases of aliases of aliases", () => {
    const lines = Array.from(
      "bcdefghi",
      (name, at) => `${name}: &${name} [${Array(9).fill(`*${"abcdefghi"[at]}`).join(", ")}]`,
    );
    const text = ["a: &a [x, x, x]", ...lines].join("\n");
    expect(parseSlipwayYaml(text)).toMatchObject({
      ok: false,
      problems: [{ message: expect.stringContaining("too often") }],
    });
  });

  it("leave Object.prototype alone", () => {
    const text = 'version: 1\nimages: { web: { __proto__: { polluted: "yes" } } }\n__proto__: { polluted: "yes" }\n';
    expect(parseSlipwayYaml(text)).toMatchObject({
      ok: false,
      problems: [
        { line: 2, key: "__proto__" },
        { line: 3, key: "__proto__" },
      ],
    });
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});
