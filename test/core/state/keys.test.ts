import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ascending,
  descending,
  key,
  keys,
  lastSegment,
  newestFirst,
  oldestFirst,
  rangeOf,
  segment,
  timeOf,
} from "../../../src/core/state/keys.ts";

/** Any text, and texts made of what the encoding itself uses, short and around the longest segment. */
const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({
    unit: fc.constantFrom("a", "|", "!", "~", "}", "/", "#", "?", "\\", "\u0000", "ü", "7", "c"),
    maxLength: 8,
  }),
  fc.string({ unit: fc.constantFrom("a", "b", "/"), minLength: 95, maxLength: 320 }),
);
const texts = fc.array(text, { minLength: 1, maxLength: 4 });

describe("a key", () => {
  it("is another one for other segments", () => {
    fc.assert(
      fc.property(texts, texts, (a, b) => {
        expect(key(...a) === key(...b)).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
    );
  });

  it("is another one for the same text cut elsewhere", () => {
    expect(new Set([key("a|b"), key("a", "b"), key("a!7cb"), key("", "a|b")]).size).toBe(4);
  });

  it("tells long texts apart that differ only at their end", () => {
    const long = "x".repeat(400);
    expect(new Set([segment(`${long}1`), segment(`${long}2`), segment(long.slice(0, 300))]).size).toBe(3);
  });

  it("does not let a short text pass for a shortened one", () => {
    const shortened = segment("x".repeat(400));
    expect(segment(shortened)).not.toBe(shortened);
  });

  it("holds no character that Table storage forbids", () => {
    fc.assert(
      fc.property(texts, (parts) => {
        expect(key(...parts)).toMatch(/^[A-Za-z0-9._:@+=,\-!~|]*$/);
      }),
    );
  });

  it("of a row of ours fits the 1,024 characters of a row key, whatever comes in", () => {
    const long = fc.string({ unit: "binary", minLength: 200, maxLength: 600 });
    const n = fc.integer({ min: 0, max: 10 ** 12 - 1 });
    fc.assert(
      fc.property(long, long, long, n, (a, b, c, seq) => {
        const made = [
          keys.track(seq, a, b),
          keys.imageTrack(a, seq, b),
          keys.base(a, keys.track(seq, b, c)),
          keys.inbox(seq, a),
          keys.decision(seq, a),
          keys.digest(a, seq),
          keys.makes(a),
          keys.attempt(a, seq),
          keys.due(a, b),
          keys.said(seq, a, b),
        ];
        for (const one of made) expect(one.length).toBeLessThanOrEqual(1024);
      }),
      { numRuns: 30 },
    );
  });
});

describe("a key of a row that is there already", () => {
  it.each([
    [keys.runOfImage("web", 12), "img|web|999999999987"],
    [keys.runOfSource(7, 12), "src|7|999999999987"],
    [keys.runOfCommit("c0ffee", 12), "commit|c0ffee|999999999987"],
    [keys.runOfBranch("feature/x", 12), "branch|feature!2fx|999999999987"],
    [keys.runOfStatus("Failed", 12), "status|Failed|999999999987"],
    [keys.said(7, "c0ffee", "slipway/web"), "said|7|c0ffee|slipway!2fweb"],
    [keys.registry("acme"), "registry|acme"],
    [keys.source(7), "source|7"],
    [keys.sourceName("Acme/Web"), "source-name|acme!2fweb"],
    [keys.seen(7, "refs/heads/main"), "seen|7|refs!2fheads!2fmain"],
    [keys.met(7), "met|7"],
    [keys.poison(1_700_000_000_000, "m"), "poison|001700000000000|m"],
    [keys.sweep, "sweep"],
  ])("is still %s", (made, text) => {
    expect(made).toBe(text);
  });
});

describe("what a key says", () => {
  it("is when its row is due", () => {
    const at = Date.parse("2026-11-23T12:00:00.123Z");
    expect([keys.wait(at, 3), keys.inbox(at, "a|b"), keys.later(at, "x")].map(timeOf)).toEqual([at, at, at]);
  });

  it("is the name of its image", () => {
    expect(lastSegment(keys.track(7, "refs/heads/main", "node-base"))).toBe("node-base");
    expect(lastSegment(keys.pausedImage("registry"))).toBe("registry");
  });
});

describe("the range of a prefix", () => {
  it("holds exactly the keys that begin with its segments", () => {
    fc.assert(
      fc.property(texts, texts, (prefix, other) => {
        const { from, to } = rangeOf(...prefix);
        const isIn = (k: string) => k >= from && k < to;
        expect(isIn(key(...prefix, ...other))).toBe(true);
        const begins = other.length > prefix.length && prefix.every((p, i) => p === other[i]);
        expect(isIn(key(...other))).toBe(begins);
        expect(isIn(key(...prefix))).toBe(false);
      }),
    );
  });

  it("leaves out a longer word with the same beginning", () => {
    const { from, to } = rangeOf("track", "7", "refs/heads/main");
    for (const other of ["refs/heads/main2", "refs/heads/main/x", "refs/heads/main|", "refs/heads/mai"])
      expect(key("track", "7", other, "web") >= from && key("track", "7", other, "web") < to, other).toBe(false);
  });
});

describe("numbers in keys", () => {
  const count = fc.integer({ min: 0, max: 10 ** 12 - 1 });
  const moment = fc.integer({ min: 0, max: Date.parse("9999-12-31T00:00:00Z") });

  it.each([
    ["ascending", ascending, count, 1],
    ["oldestFirst", oldestFirst, moment, 1],
    ["descending", descending, count, -1],
    ["newestFirst", newestFirst, moment, -1],
  ] as const)("sort as %s says", (_name, encode, numbers, direction) => {
    fc.assert(
      fc.property(numbers, numbers, (a, b) => {
        const [x, y] = [encode(a), encode(b)];
        expect(x < y ? -1 : x > y ? 1 : 0).toBe(Math.sign(a - b) === 0 ? 0 : direction * Math.sign(a - b));
      }),
    );
  });
});
