import { describe, expect, it } from "vitest";
import { closureOf, edgesOf, follows } from "../../../src/core/plan/closure.ts";
import type { SnapshotImage, Track } from "../../../src/core/state/rows.ts";
import { definition } from "../config/definitions.ts";
import { decide } from "../state/decide.ts";
import { base, imageOf, referenceOf, stored, trackKeyOf, trackOf } from "../state/rows-of.ts";

const names = (closure: ReadonlyMap<string, unknown>) => [...closure.keys()].map((k) => k.split("|").at(-1));
const byKey = (images: readonly SnapshotImage[]) => new Map(images.map((i) => [trackKeyOf(i.name), i]));
const unevenDiamond: readonly Track[] = [
  trackOf("base"),
  trackOf("runtime", ["base"]),
  trackOf("tools", ["base"]),
  trackOf("assets", ["tools"]),
  trackOf("app", ["assets", "runtime"]),
  trackOf("elsewhere", ["docker.io/library/node:20"]),
];
const triggered = (image: string, baseUpdate: "all" | "runtime" | "off") => {
  const made = definition({ name: image, repository: image });
  return { definition: { ...made, on: { ...made.on, baseUpdate } } };
};

describe("the closure of a changed image", () => {
  it("is the whole uneven diamond, its end once and last", () => {
    const { value } = decide({ rows: stored(unevenDiamond) }, (desk) => closureOf(desk, [trackKeyOf("base")]).tracks);
    expect(names(value)).toHaveLength(5);
    expect(names(value)[0]).toBe("base");
    expect(names(value).at(-1)).toBe("app");
    expect(names(value).indexOf("tools")).toBeLessThan(names(value).indexOf("assets"));
  });

  it("says through which tags each is reached, every one of them", () => {
    const { value } = decide({ rows: stored(unevenDiamond) }, (desk) => closureOf(desk, [trackKeyOf("base")]).tracks);
    expect(value.get(trackKeyOf("base"))).toEqual([]);
    expect(value.get(trackKeyOf("app"))).toHaveLength(2);
    expect(value.get(trackKeyOf("app"))).toEqual(
      expect.arrayContaining([
        { reference: referenceOf("assets"), track: trackKeyOf("assets") },
        { reference: referenceOf("runtime"), track: trackKeyOf("runtime") },
      ]),
    );
  });

  it("goes only upwards: a change in the middle leaves its bases alone", () => {
    const { value } = decide({ rows: stored(unevenDiamond) }, (desk) => closureOf(desk, [trackKeyOf("assets")]).tracks);
    expect(names(value)).toEqual(["assets", "app"]);
  });

  it("is the same whether edges come from storage or from the snapshot", () => {
    const images = byKey(unevenDiamond.map((t) => imageOf(t.image, on(t))));
    const fromSnapshot = decide({}, (desk) => closureOf(desk, [trackKeyOf("base")], images).tracks);
    const fromStorage = decide({ rows: stored(unevenDiamond) }, (desk) => closureOf(desk, [trackKeyOf("base")]).tracks);
    expect(new Set(names(fromSnapshot.value))).toEqual(new Set(names(fromStorage.value)));
  });

  it("believes the snapshot over storage about the snapshot's own images", () => {
    const rows = stored([trackOf("base"), trackOf("web", ["base"]), trackOf("other", ["base"])]);
    // At this commit web no longer stands on base.
    const images = byKey([imageOf("base"), imageOf("web", [])]);
    const { value } = decide({ rows }, (desk) => closureOf(desk, [trackKeyOf("base")], images).tracks);
    expect(names(value)).toEqual(["base", "other"]);
  });

  it("reads a level of the graph in one round, however wide it is", () => {
    const wide = [trackOf("base"), ...Array.from({ length: 200 }, (_, i) => trackOf(`web-${i}`, ["base"]))];
    const { value, rounds } = decide({ rows: stored(wide) }, (desk) => closureOf(desk, [trackKeyOf("base")]).tracks);
    expect(value.size).toBe(201);
    // Tracks and edges of two levels, and the round that has everything.
    expect(rounds).toBeLessThanOrEqual(6);
  });

  it("ends although images stand on each other, and on themselves", () => {
    const cycle = [trackOf("hen", ["egg"]), trackOf("egg", ["hen"]), trackOf("snake", ["snake"])];
    const { value } = decide(
      { rows: stored(cycle) },
      (desk) => closureOf(desk, [trackKeyOf("hen"), trackKeyOf("snake")]).tracks,
    );
    expect(new Set(names(value))).toEqual(new Set(["hen", "egg", "snake"]));
    expect(value.get(trackKeyOf("snake"))).toEqual([]);
  });
});

describe("base_update", () => {
  it.each([
    ["all", "runtime", true],
    ["all", "buildtime", true],
    ["all", "frontend", true],
    ["runtime", "runtime", true],
    ["runtime", "buildtime", false],
    ["runtime", "frontend", false],
    ["off", "runtime", false],
    ["off", "buildtime", false],
  ] as const)("%s with a %s base follows: %s", (baseUpdate, kind, followed) => {
    expect(follows({ baseUpdate, class: kind })).toBe(followed);
    const bases = [base(referenceOf("base"), { class: kind })];
    const web = trackOf("web", [], { bases, ...triggered("web", baseUpdate) });
    const expected = followed ? ["base", "web"] : ["base"];
    const fromStorage = decide(
      { rows: stored([trackOf("base"), web]) },
      (desk) => closureOf(desk, [trackKeyOf("base")]).tracks,
    );
    expect(names(fromStorage.value)).toEqual(expected);
    const images = byKey([imageOf("base"), imageOf("web", [], { bases, definition: web.definition })]);
    const fromSnapshot = decide({}, (desk) => closureOf(desk, [trackKeyOf("base")], images).tracks);
    expect(names(fromSnapshot.value)).toEqual(expected);
  });

  it("cuts the graph: what stands on an image that does not follow is not reached through it", () => {
    const middle = trackOf("middle", ["base"], triggered("middle", "off"));
    const rows = stored([trackOf("base"), middle, trackOf("end", ["middle"])]);
    expect(names(decide({ rows }, (desk) => closureOf(desk, [trackKeyOf("base")]).tracks).value)).toEqual(["base"]);
  });
});

describe("a base named by digest", () => {
  it("never moves, so nothing is rebuilt for it", () => {
    const bases = [base(referenceOf("base"), { pinned: true })];
    const images = byKey([imageOf("base"), imageOf("web", [], { bases })]);
    expect(names(decide({}, (desk) => closureOf(desk, [trackKeyOf("base")], images).tracks).value)).toEqual(["base"]);
  });
});

describe("edges", () => {
  it("of several tags come back in the order asked, each tag's own", () => {
    const rows = stored(unevenDiamond);
    const { value } = decide({ rows }, (desk) => edgesOf(desk, [referenceOf("tools"), referenceOf("base"), "none"]));
    expect(value.map((list) => list.map((e) => e.track.split("|").at(-1)))).toEqual([
      ["assets"],
      ["runtime", "tools"],
      [],
    ]);
  });
});

function on(track: Track): readonly string[] {
  return track.bases.map((b) =>
    b.reference.startsWith("acme.") ? b.reference.slice("acme.azurecr.io/".length, -":main".length) : b.reference,
  );
}
