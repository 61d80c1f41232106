import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseRunFilter } from "../../../../local/acr/arm/run-filter.ts";
import type { RunRecord } from "../../../../local/acr/run-record.ts";

const run: RunRecord = {
  runId: "cf2",
  sequence: 2,
  status: "Failed",
  createTime: "2026-03-24T10:00:00.000Z",
  lastUpdatedTime: "2026-03-24T10:01:00.000Z",
  platform: { os: "linux", architecture: "amd64" },
  cpu: 2,
  isArchiveEnabled: false,
  customRegistries: [],
  logBlob: "cf2/rawtext.log",
  outputImages: [{ registry: "r", repository: "web", tag: "1", digest: "sha256:ab" }],
};

describe("$filter on runs", () => {
  test.each([
    ["RunId eq 'cf2'", true],
    ["runid eq 'cf1'", false],
    ["Status eq 'failed'", true],
    ["Status ne 'Failed' or RunType eq 'QuickRun'", true],
    ["contains(OutputImageManifests, 'web@sha256:ab')", true],
    ["contains(OutputImageManifests, 'other')", false],
    ["CreateTime ge 2026-03-24T10:00:00Z", true],
    ["CreateTime gt datetime'2026-03-24T10:00:00Z'", false],
    ["CreateTime lt '2026-03-24T10:00:00.0010000+00:00' and CreateTime le 2026-03-24T10:00:00+00:00", true],
    ["FinishTime gt 2000-01-01T00:00:00Z", false],
    ["TaskName eq 'x'", false],
    ["TaskName ne 'x'", true],
    ["IsArchiveEnabled eq false", true],
    ["RunId eq 'cf1' or RunId eq 'cf2' and Status eq 'Failed'", true],
    ["(RunId eq 'cf2' or RunId eq 'cf1') and Status eq 'Running'", false],
  ])("%s", (text, expected) => {
    expect(parseRunFilter(text)(run)).toBe(expected);
  });

  test.each([
    "",
    "RunId",
    "RunId eq",
    "Nothing eq 'x'",
    "RunId has 'x'",
    "(RunId eq 'x'",
    "RunId eq 'x' 'y'",
    "not RunId eq 'x'",
    "CreateTime gt soon",
    "RunId eq 'x",
    "__proto__ eq 'x'",
    "Status constructor 'x'",
    "Status __proto__ 'x'",
  ])("%j is answered 400", (text) => {
    expect(() => parseRunFilter(text)).toThrow(/The \$filter cannot be understood/);
  });

  test("parentheses may be a hundred deep, and no deeper", () => {
    const nested = (depth: number) => `${"(".repeat(depth)}RunId eq 'cf2'${")".repeat(depth)}`;
    expect(parseRunFilter(nested(100))(run)).toBe(true);
    for (const text of [nested(101), "(".repeat(8000)])
      expect(() => parseRunFilter(text)).toThrow(/more than 100 parentheses/);
  });

  test("and binds tighter than or, as with JavaScript's own operators", () => {
    const leaf = fc
      .boolean()
      .map((holds) => ({ text: holds ? "RunId eq 'cf2'" : "RunId eq 'no'", script: String(holds) }));
    const { tree } = fc.letrec<{ tree: { text: string; script: string } }>((tie) => ({
      tree: fc.oneof(
        { depthSize: "small" },
        leaf,
        fc.tuple(tie("tree"), fc.constantFrom("and", "or"), tie("tree")).map(([left, word, right]) => ({
          text: `${left.text} ${word} ${right.text}`,
          script: `${left.script} ${word === "and" ? "&&" : "||"} ${right.script}`,
        })),
        tie("tree").map(({ text, script }) => ({ text: `(${text})`, script: `(${script})` })),
      ),
    }));
    fc.assert(
      fc.property(tree, ({ text, script }) => {
        expect(parseRunFilter(text)(run)).toBe(new Function(`return ${script}`)());
      }),
      { numRuns: 200 },
    );
  });
});
