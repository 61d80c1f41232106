import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { frozenAt } from "../../../src/core/config/freeze.ts";
import type { FreezeWindow } from "../../../src/core/config/platform.ts";

const at = (text: string) => Date.parse(text);
const weekend: FreezeWindow = { kind: "weekly", from: (4 * 24 + 16) * 60, until: 6 * 60, why: "weekend" };
const iso = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString());

describe("a freeze", () => {
  it.each([
    ["Friday before", "2026-11-20T15:59:59Z", undefined],
    ["its first moment", "2026-11-20T16:00:00Z", "2026-11-23T06:00:00.000Z"],
    ["over the week's end", "2026-11-22T23:59:59Z", "2026-11-23T06:00:00.000Z"],
    ["Monday morning", "2026-11-23T05:59:59Z", "2026-11-23T06:00:00.000Z"],
    ["its end", "2026-11-23T06:00:00Z", undefined],
  ])("that comes every week: %s", (_, now, until) => {
    expect(iso(frozenAt([weekend], at(now))?.until)).toBe(until);
  });

  it("that comes once is on from its first moment to before its last", () => {
    const once: FreezeWindow = { kind: "once", from: 1000, until: 2000, why: "x" };
    expect([999, 1000, 1999, 2000].map((now) => frozenAt([once], now)?.until)).toEqual([
      undefined,
      2000,
      2000,
      undefined,
    ]);
  });

  it("ends with the last of those that are on", () => {
    const longer: FreezeWindow = { kind: "once", from: 0, until: at("2026-12-01T00:00:00Z"), why: "longer" };
    expect(frozenAt([weekend, longer], at("2026-11-21T00:00:00Z"))?.why).toBe("longer");
  });

  it("is on until exactly the end it names", () => {
    const minutes = fc.integer({ min: 0, max: 7 * 24 * 60 - 1 });
    fc.assert(
      fc.property(minutes, minutes, fc.integer({ min: 0, max: 4_000_000_000_000 }), (from, until, now) => {
        fc.pre(from !== until);
        const window: FreezeWindow = { kind: "weekly", from, until, why: "x" };
        const frozen = frozenAt([window], now);
        if (!frozen) return;
        expect(frozen.until).toBeGreaterThan(now);
        expect(frozenAt([window], frozen.until - 1)?.until).toBe(frozen.until);
        expect(frozenAt([window], frozen.until)).toBeUndefined();
      }),
    );
  });
});
