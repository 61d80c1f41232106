import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { describeReason, mergeReasons, type Reason } from "../../../src/core/plan/reason.ts";
import { commitA, commitB } from "../state/rows-of.ts";

const word = fc.constantFrom("one", "two", "three");
const anyReason: fc.Arbitrary<Reason> = fc.oneof(
  fc.constant<Reason>({ kind: "first-build" }),
  fc.record({ kind: fc.constant("commit" as const), from: word, to: word, paths: fc.array(word, { maxLength: 2 }) }),
  fc.record({
    kind: fc.constant("definition" as const),
    changes: fc.array(fc.record({ key: word, from: word, to: word }), { maxLength: 2 }),
  }),
  fc.record(
    { kind: fc.constant("base" as const), reference: word, from: word, to: word, run: word },
    { requiredKeys: ["kind", "reference"] },
  ),
  fc.record(
    { kind: fc.constant("request" as const), action: fc.constantFrom("retry", "rebuild"), id: word, of: word },
    { requiredKeys: ["kind", "action", "id"] },
  ) as fc.Arbitrary<Reason>,
);
/** What a reason is about; a run has at most one of each. */
const subject = (r: Reason) =>
  r.kind === "base" ? `base ${r.reference}` : r.kind === "request" ? `request ${r.id}` : r.kind;
const unique = fc.uniqueArray(anyReason, { selector: subject, maxLength: 6 });

describe("reasons of a run that another plan joins", () => {
  it("lose no subject and have none twice", () => {
    fc.assert(
      fc.property(unique, unique, (before, added) => {
        const merged = mergeReasons(before, added).map(subject);
        expect(new Set(merged)).toEqual(new Set([...before, ...added].map(subject)));
        expect(new Set(merged).size).toBe(merged.length);
      }),
    );
  });

  it("keep the first old value and take the last new one", () => {
    fc.assert(
      fc.property(unique, unique, (before, added) => {
        for (const reason of mergeReasons(before, added)) {
          const old = before.find((r) => subject(r) === subject(reason));
          const late = added.find((r) => subject(r) === subject(reason));
          if ("to" in reason) expect(reason.to).toBe(((late ?? old) as { to?: string }).to);
          const from = (r: Reason | undefined) => (r && "from" in r ? r.from : undefined);
          if (old && late && from(old) !== undefined && from(late) !== undefined) expect(from(reason)).toBe(from(old));
        }
      }),
    );
  });

  it("do not change when the same are added again", () => {
    fc.assert(
      fc.property(unique, unique, (before, added) => {
        const once = mergeReasons(before, added);
        expect(mergeReasons(once, added)).toEqual(once);
      }),
    );
  });

  it("span two commits: from what was built to what is built now", () => {
    const first: Reason = { kind: "commit", from: "c1", to: "c2", paths: ["a"] };
    const second: Reason = { kind: "commit", from: "c2", to: "c3", paths: ["b"] };
    expect(mergeReasons([first], [second])).toEqual([{ kind: "commit", from: "c1", to: "c3", paths: ["b"] }]);
  });
});

describe("a reason in words", () => {
  const digest = (c: string) => `sha256:${c.repeat(64)}`;
  it.each<[Reason, string]>([
    [{ kind: "first-build" }, "first build of this image from this ref"],
    [{ kind: "commit", from: commitA, to: commitB, paths: [] }, "files changed between aaaaaaa and bbbbbbb"],
    [
      { kind: "commit", from: commitA, to: commitB, paths: ["a", "b", "c", "d"] },
      "files changed between aaaaaaa and bbbbbbb (a, b, c)",
    ],
    [
      {
        kind: "definition",
        changes: [
          { key: "target", from: "a", to: "b" },
          { key: "cache", from: "a", to: "b" },
        ],
      },
      "slipway.yaml changed target, cache",
    ],
    [{ kind: "base", reference: "acme.azurecr.io/base:main" }, "base acme.azurecr.io/base:main is being rebuilt"],
    [
      { kind: "base", reference: "r:1", from: digest("1"), to: digest("2") },
      `base r:1 moved from sha256:${"1".repeat(12)} to sha256:${"2".repeat(12)}`,
    ],
    [{ kind: "base", reference: "r:1", to: digest("2") }, `base r:1 is now sha256:${"2".repeat(12)}`],
    [{ kind: "request", action: "retry", id: "x", of: "acme-1" }, "retry was asked for"],
  ])("%j", (reason, words) => {
    expect(describeReason(reason)).toBe(words);
  });
});
