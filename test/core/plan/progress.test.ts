import { describe, expect, it } from "vitest";
import { countPlanned, countSkipped, noProgress } from "../../../src/core/plan/progress.ts";
import type { Progress } from "../../../src/core/state/rows.ts";

const times = (n: number, step: (progress: Progress, i: number) => Progress) =>
  Array.from({ length: n }, (_, i) => i).reduce(step, noProgress);

describe("what was decided, counted", () => {
  it("names the first fifty planned images and counts all of them", () => {
    const progress = times(10_000, (p, i) => countPlanned(p, `web-${i}`, `acme-${i}`));
    expect(progress.plannedCount).toBe(10_000);
    expect(progress.planned).toHaveLength(50);
    expect(progress.planned[0]).toEqual({ image: "web-0", run: "acme-0" });
  });

  it("says ten thousand unchanged images in one line", () => {
    const progress = times(10_000, (p, i) => countSkipped(p, "nothing-changed", `web-${i}`));
    expect(progress.skipped).toHaveLength(1);
    expect(progress.skipped[0]).toMatchObject({ reason: "nothing-changed", count: 10_000 });
    expect(progress.skipped[0]?.images).toHaveLength(50);
  });

  it("keeps apart what has another reason or another message", () => {
    let progress = countSkipped(noProgress, "tag-taken", "a", "main is taken");
    progress = countSkipped(progress, "tag-taken", "b", "v1 is taken");
    progress = countSkipped(progress, "tag-taken", "c", "main is taken");
    progress = countSkipped(progress, "image-removed", undefined);
    expect(progress.skipped).toEqual([
      { reason: "tag-taken", count: 2, images: ["a", "c"], message: "main is taken" },
      { reason: "tag-taken", count: 1, images: ["b"], message: "v1 is taken" },
      { reason: "image-removed", count: 0, images: [] },
    ]);
  });

  it("counts no image where none is meant", () => {
    const progress = times(3, (p) => countSkipped(p, "ref-not-watched", undefined));
    expect(progress.skipped).toEqual([{ reason: "ref-not-watched", count: 0, images: [] }]);
  });

  it("does not change what it was given", () => {
    const before = countSkipped(countPlanned(noProgress, "a", "acme-1"), "nothing-changed", "b");
    const copy = structuredClone(before);
    countPlanned(countSkipped(before, "nothing-changed", "c"), "d", "acme-2");
    expect(before).toEqual(copy);
    expect(noProgress).toEqual({ planned: [], plannedCount: 0, skipped: [] });
  });
});
