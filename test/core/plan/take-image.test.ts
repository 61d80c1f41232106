import { describe, expect, it } from "vitest";
import { openRun } from "../../../src/core/plan/open-run.ts";
import { planRef } from "../../../src/core/plan/plan-ref.ts";
import type { Reason } from "../../../src/core/plan/reason.ts";
import { takeImage } from "../../../src/core/plan/take-image.ts";
import { getTrack } from "../../../src/core/run/desk.ts";
import { keys } from "../../../src/core/state/keys.ts";
import type { RefSnapshot } from "../../../src/core/state/rows.ts";
import { decide } from "../state/decide.ts";
import { commitB, imageOf, main, referenceOf, source, stored, trackKeyOf, trackOf } from "../state/rows-of.ts";

const snapshotOf = (images: RefSnapshot["images"]): RefSnapshot => ({
  source,
  ref: main,
  generation: 2,
  commit: commitB,
  images,
  refused: [],
  changedPaths: [],
});
const context = {
  cause: { kind: "sweep", id: "s", at: "" },
  waves: ["s"],
  inherits: false,
  priority: 1,
  size: 2,
} as const;

/** Takes every image of a snapshot, in order. */
function takeAll(tracks: Parameters<typeof stored>[0], images: RefSnapshot["images"]) {
  const snapshot = snapshotOf(images);
  return decide({ rows: stored(tracks) }, (desk) =>
    images.map(({ name: image }) =>
      takeImage(desk, { kind: "take", track: trackKeyOf(image), image, via: [], level: 0 }, snapshot, context),
    ),
  );
}

describe("who names a digest", () => {
  const pinned = (n: number, tag?: string) => ({
    reference: `docker.io/library/debian@sha256:${String(n).repeat(64)}`,
    class: "runtime" as const,
    pinned: true,
    ...(tag ? { tag } : {}),
  });
  const edge = (name: string) => keys.pinned(name, trackKeyOf("a"));

  it("is found by the tag beside it, or by the digest where there is none, and no longer once it names another", () => {
    const [bare, other] = [pinned(1), pinned(2)];
    const debian = "docker.io/library/debian:12";
    const first = takeAll([], [{ ...imageOf("a"), bases: [bare, pinned(3, debian)] }]).writes;
    for (const reference of [bare.reference, debian])
      expect(first.get(edge(reference))).toEqual({ track: trackKeyOf("a"), reference });
    expect(first.has(edge(pinned(3).reference))).toBe(false);
    const before = trackOf("a", [], { bases: [bare] });
    const { writes } = takeAll([before], [{ ...imageOf("a"), bases: [other] }]);
    expect(writes.has(edge(bare.reference)) && writes.get(edge(bare.reference))).toBeUndefined();
    expect(writes.get(edge(other.reference))).toEqual({ track: trackKeyOf("a"), reference: other.reference });
  });
});

describe("what led to a run outside any plan", () => {
  const base = { kind: "base", reference: referenceOf("b") } as const;
  const ask = (reasons: readonly Reason[], lineage: readonly string[]) => ({
    wanted: trackOf("a").wanted,
    cause: context.cause,
    waves: ["s"],
    inherits: false,
    level: 0,
    priority: 2 as const,
    size: 1,
    reasons,
    lineage,
  });
  const lineageAfter = (first: readonly Reason[], second: readonly Reason[]) =>
    decide({ rows: stored([trackOf("a")]) }, (desk) => {
      openRun(desk, trackOf("a"), ask(first, ["track of x"]));
      return openRun(desk, getTrack(desk.world, trackKeyOf("a"))!, ask(second, ["track of y"])).lineage;
    }).value;

  it("is remembered of all that joined, and of none once it has a reason of its own: that is news to everybody", () => {
    expect(lineageAfter([base], [base])).toEqual(["track of x", "track of y"]);
    expect(lineageAfter([base], [{ kind: "first-build" }])).toBeUndefined();
    expect(lineageAfter([{ kind: "first-build" }], [base])).toBeUndefined();
  });
});

describe("the maker of a stable tag", () => {
  const tracks = [trackOf("a"), trackOf("b")];

  it("is each image's own after two have exchanged theirs in one push", () => {
    const { writes } = takeAll(tracks, [
      imageOf("a", [], { makes: [referenceOf("b")] }),
      imageOf("b", [], { makes: [referenceOf("a")] }),
    ]);
    expect(writes.get(keys.makes(referenceOf("a")))).toEqual({ track: trackKeyOf("b") });
    expect(writes.get(keys.makes(referenceOf("b")))).toEqual({ track: trackKeyOf("a") });
  });

  it("is nobody for a tag that its image gave up", () => {
    const { writes } = takeAll(tracks, [imageOf("a", [], { makes: [referenceOf("new")] }), imageOf("b")]);
    expect(writes.has(keys.makes(referenceOf("a"))) && writes.get(keys.makes(referenceOf("a")))).toBeUndefined();
    expect(writes.get(keys.makes(referenceOf("new")))).toEqual({ track: trackKeyOf("a") });
  });

  const refusedOf = (stored_: Parameters<typeof stored>[0], images: RefSnapshot["images"]) => {
    const { value } = decide({ rows: stored(stored_) }, (desk) => planRef(desk, snapshotOf(images)).plan);
    return value.flatMap((item) => (item.kind === "refuse" ? [item.image] : []));
  };

  it("stays who it is when an image of another ref or a file's neighbour claims the tag: that one is refused", () => {
    const claims = imageOf("a", [], { makes: [referenceOf("b")] });
    expect(refusedOf(tracks, [claims, imageOf("b")])).toEqual(["a"]);
    const elsewhere = trackOf("c", [], { key: keys.track(8, main, "c"), makes: [referenceOf("a")] });
    expect(refusedOf([elsewhere], [imageOf("a")])).toEqual(["a"]);
  });

  it("is whoever claims it once its maker has left, or makes another", () => {
    const claims = imageOf("a", [], { makes: [referenceOf("b")] });
    expect(refusedOf(tracks, [claims])).toEqual([]);
    expect(refusedOf(tracks, [claims, imageOf("b", [], { makes: [referenceOf("new")] })])).toEqual([]);
  });

  it("stays who it is, too, if that one is refused what it wanted instead", () => {
    const elsewhere = trackOf("c", [], { key: keys.track(8, main, "c"), makes: [referenceOf("c")] });
    const images = [
      imageOf("a", [], { makes: [referenceOf("b")] }),
      imageOf("b", [], { makes: [referenceOf("c")] }),
      imageOf("new", [], { makes: [referenceOf("a")] }),
    ];
    expect(refusedOf([...tracks, elsewhere], images).toSorted()).toEqual(["a", "b", "new"]);
  });
});
