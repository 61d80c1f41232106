import { describe, expect, it } from "vitest";
import { addPast, behindSince, type pastOf } from "../../../src/core/image/tag-history.ts";

const hour = (n: number) => new Date(Date.parse("2026-11-23T00:00:00.000Z") + n * 3_600_000).toISOString();
/** What was behind the tag hour by hour, from hour 0 on; the last is there still. */
const seen = (...digests: readonly string[]) => ({
  digest: digests.at(-1)!,
  since: hour(digests.length - 1),
  past: digests.slice(0, -1).map((digest, i) => ({ digest, until: hour(i + 1) })),
});

describe("since when something newer is behind a tag", () => {
  it("is not told of what is there now", () => {
    expect(behindSince(seen("a", "b"), "b")).toBeUndefined();
  });

  it("does not begin anew with each further move", () => {
    expect(behindSince(seen("a", "b"), "a")).toBe(hour(1));
    expect(behindSince(seen("a", "b", "c", "d"), "a")).toBe(hour(1));
  });

  it("begins anew when the tag came back meanwhile", () => {
    expect(behindSince(seen("a", "b", "a", "c", "d"), "a")).toBe(hour(3));
  });

  it("is at least since the oldest move that is known, of a digest nobody remembers", () => {
    expect(behindSince(seen("b", "c", "d"), "a")).toBe(hour(1));
    expect(behindSince(seen("b"), "a")).toBe(hour(0));
  });

  it("counts from when the build found the digest there, for the tag may have flapped unseen", () => {
    expect(behindSince(seen("a", "b", "c"), "x", hour(1))).toBe(hour(2));
    expect(behindSince(seen("a", "b", "c"), "a", hour(1.5))).toBe(hour(2));
    expect(behindSince(seen("a", "b"), "x", hour(1.5)), "nobody has looked since").toBeUndefined();
    expect(behindSince(seen("a", "b"), "a", hour(1.5)), "nobody has looked since").toBeUndefined();
  });
});

describe("the past of a tag", () => {
  it("is bounded; the oldest goes first", () => {
    const past = Array.from({ length: 50 }).reduce<ReturnType<typeof pastOf>>(
      (before, _, n) => addPast(before, { digest: `d${n}`, until: hour(n) }),
      [],
    );
    expect(past).toHaveLength(20);
    expect([past[0]!.digest, past.at(-1)!.digest]).toEqual(["d30", "d49"]);
  });
});
