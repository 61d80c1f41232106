import { describe, expect, it } from "vitest";
import { blockersOf, movingBases, placeRun } from "../../../src/core/run/place.ts";
import { keys } from "../../../src/core/state/keys.ts";
import type { Built, OpenRun, Run, Track } from "../../../src/core/state/rows.ts";
import { decide, noon } from "../state/decide.ts";
import { base, commitA, referenceOf, runOf, stored, trackOf } from "../state/rows-of.ts";

const at = (minutes: number) => new Date(Date.parse(noon) + minutes * 60_000).toISOString();
const open = (order: number, ...waves: string[]): OpenRun => ({ id: `acme-${order}`, order, waves });
const run = runOf({ seq: 12, order: 12, waves: ["wave-1"] });

/** The base was built once. */
const built: Built = {
  commit: commitA,
  inputs: "i",
  definition: "d",
  bases: {},
  proved: true,
  digest: "sha256:1",
  run: "acme-1",
  at: noon,
};

interface Parent {
  readonly planned?: OpenRun;
  readonly active?: OpenRun;
  readonly built?: Built | undefined;
}
function world(parent: Parent, change: Partial<Track> = {}) {
  return stored([trackOf("base", [], { built, ...parent } as Partial<Track>), trackOf("web", ["base"], change)]);
}
const blockers = (parent: Parent, of: Run = run, minutes = 0) =>
  decide({ rows: world(parent), now: at(minutes) }, (desk) => blockersOf(desk, of, trackOf("web", ["base"]))).value.map(
    (b) => b.id,
  );

describe("a planned run waits for a run of a track it stands on (R5)", () => {
  it.each<[string, Parent, readonly string[]]>([
    ["planned earlier, of whatever wave", { planned: open(11, "wave-9") }, ["acme-11"]],
    ["at ACR already, of whatever wave", { active: open(5, "wave-9") }, ["acme-5"]],
    ["planned later, of its own wave", { planned: open(13, "wave-1", "wave-9") }, ["acme-13"]],
    ["but not planned later, of another wave", { planned: open(13, "wave-9") }, []],
    ["both the planned and the active one", { planned: open(13, "wave-1"), active: open(3) }, ["acme-13", "acme-3"]],
    ["or for nothing when no run is open", {}, []],
  ])("%s", (_name, parent, expected) => {
    expect(blockers(parent)).toEqual(expected);
  });

  it("only directly: a grandparent's run is no concern of it", () => {
    const rows = stored([
      trackOf("base", [], { planned: open(1, "wave-1") }),
      trackOf("middle", ["base"]),
      trackOf("web", ["middle"]),
    ]);
    const { value } = decide({ rows }, (desk) => blockersOf(desk, run, trackOf("web", ["middle"])));
    expect(value).toEqual([]);
  });

  it("until max-hold for one planned after it; for one planned before it, longer", () => {
    const held: Run = { ...run, baseHeld: { ms: 0, since: noon } };
    expect(blockers({ planned: open(13, "wave-1") }, held, 29)).toEqual(["acme-13"]);
    expect(blockers({ planned: open(13, "wave-1") }, held, 30)).toEqual([]);
    expect(blockers({ planned: open(11, "wave-1") }, held, 600)).toEqual(["acme-11"]);
  });

  it("counting only what it waited for its bases, with what its forerunner waited", () => {
    const planned = open(13, "wave-1");
    expect(blockers({ planned }, run, 600)).toEqual(["acme-13"]);
    expect(blockers({ planned }, { ...run, baseHeld: { ms: 1_740_000, since: at(600) } }, 600)).toEqual(["acme-13"]);
    expect(blockers({ planned }, { ...run, baseHeld: { ms: 1_740_000, since: at(600) } }, 601)).toEqual([]);
    expect(blockers({ planned }, { ...run, baseHeld: { ms: 1_800_000 } }, 600)).toEqual([]);
  });

  it("of whatever wave and however long, if that track was never built: there is nothing to go on with", () => {
    const never = { planned: open(13, "wave-9"), built: undefined };
    expect(blockers(never)).toEqual(["acme-13"]);
    expect(blockers(never, run, 600)).toEqual(["acme-13"]);
    expect(blockers(never, { ...run, outOfCycle: true })).toEqual([]);
  });

  it("not at all once it was released out of a cycle", () => {
    expect(blockers({ planned: open(11, "wave-1") }, { ...run, outOfCycle: true })).toEqual([]);
  });

  it("never for itself: an image may stand on its own last build", () => {
    const snake = trackOf("snake", ["snake"], { planned: open(12, "wave-1") });
    const own = runOf({ image: "snake", seq: 12, waves: ["wave-1"] });
    expect(decide({ rows: stored([snake]) }, (desk) => blockersOf(desk, own, snake)).value).toEqual([]);
    expect(movingBases(snake)).toEqual([]);
  });

  it("not for a base named by digest", () => {
    const web = trackOf("web", [], { bases: [base(referenceOf("base"), { pinned: true })] });
    const rows = stored([trackOf("base", [], { planned: open(1, "wave-1") }), web]);
    expect(decide({ rows }, (desk) => blockersOf(desk, run, web)).value).toEqual([]);
  });
});

describe("the place of a planned run", () => {
  const placed = (rows: Record<string, unknown>, of: Run = run, minutes = 0) => {
    const { value, writes } = decide({ rows, now: at(minutes) }, (desk) => placeRun(desk, of));
    return { ready: value, writes, run: writes.get(keys.run(of.seq)) as Run | undefined };
  };

  it("is ready, in the order of its forerunner, when nothing keeps it", () => {
    const { ready, writes, run: now } = placed(world({}), { ...run, order: 4 });
    expect(ready).toBe(true);
    expect(now?.place).toBe(keys.ready(1, 4, 12));
    expect(writes.get(keys.ready(1, 4, 12))).toEqual({ run: "acme-12" });
    expect(now?.hold).toBeUndefined();
  });

  it("says for whom it waits, and is looked at again when max-hold ends", () => {
    const { ready, run: now } = placed(world({ planned: open(13, "wave-1") }));
    expect(ready).toBe(false);
    expect(now?.hold).toEqual({ kind: "base", runs: ["acme-13"] });
    expect(now?.place).toBe(keys.wait(Date.parse(at(30)), 12));
  });

  it("waits first of all for its own track's run at ACR", () => {
    const { run: now } = placed(world({ planned: open(13, "wave-1") }, { active: open(9) }));
    expect(now?.hold).toEqual({ kind: "track-busy", run: "acme-9" });
  });

  it("moves from waiting to ready, leaving nothing behind", () => {
    const waiting: Run = { ...run, place: keys.wait(1, 12), hold: { kind: "base", runs: ["acme-13"] } };
    const { writes } = placed({ ...world({}), [keys.wait(1, 12)]: {} }, waiting);
    expect(writes.has(keys.wait(1, 12)) && writes.get(keys.wait(1, 12))).toBeUndefined();
    expect(writes.has(keys.ready(1, 12, 12))).toBe(true);
  });

  it("is not written again when nothing has changed", () => {
    const first = placed(world({ planned: open(13, "wave-1") })).run!;
    expect(placed(world({ planned: open(13, "wave-1") }), first, 5).writes.size).toBe(0);
  });

  it("is not written again either while it waits for what has no time of its own", () => {
    const paused = { ...world({}), [keys.pausedRegistry]: { why: "incident", at: noon } };
    const first = placed(paused).run!;
    expect(first.hold?.kind).toBe("paused");
    expect(placed(paused, first, 5).writes.size).toBe(0);
  });

  it("whose look is overdue gets a new one, so that it is not looked at for ever", () => {
    const first = placed(world({ planned: open(11) })).run!;
    expect(first.place).toBe(keys.wait(Date.parse(at(30)), 12));
    expect(placed(world({ planned: open(11) }), first, 31).run?.place).toBe(keys.wait(Date.parse(at(61)), 12));
  });
});
