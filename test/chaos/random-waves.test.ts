import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RegistryEventSender } from "../../src/core/plan/reason.ts";
import { openIn } from "../../src/core/run/wave.ts";
import { rangeOf } from "../../src/core/state/keys.ts";
import type { Run, Track, Wave } from "../../src/core/state/rows.ts";
import { commitOf, debian, digestOf, type SimImage, Simulation, source } from "../support/simulation.ts";

/** Images that nobody here builds. */
const outside = [debian, "mcr.microsoft.com/dotnet/runtime:8.0"] as const;
/** What somebody pushes over an image of ours. */
const foreign = digestOf(7);

/** A random acyclic graph: image i may stand on any earlier ones, and on what nobody here builds. */
const graph = fc.integer({ min: 1, max: 9 }).chain((n) =>
  fc
    .array(
      fc.record({
        on: fc.array(fc.nat({ max: Math.max(0, n - 1) }), { maxLength: 3 }),
        onOutside: fc.subarray([...outside]),
      }),
      { minLength: n, maxLength: n },
    )
    .map((images) =>
      images.map(({ on, onOutside }, i): readonly string[] => [
        ...new Set([...on.filter((b) => b < i).map((b) => `i${b}`), ...onOutside]),
      ]),
    ),
);

type Step =
  | { readonly kind: "change"; readonly image: number; readonly files: string }
  | { readonly kind: "wait"; readonly seconds: number }
  | { readonly kind: "cancel"; readonly nth: number }
  | { readonly kind: "rewire"; readonly image: number; readonly on: number }
  | { readonly kind: "remove"; readonly image: number }
  | { readonly kind: "delete-ref" }
  | { readonly kind: "rebuild"; readonly image: number }
  | { readonly kind: "overwrite"; readonly image: number }
  | { readonly kind: "elsewhere"; readonly files: string; readonly on: number }
  | {
      readonly kind: "move";
      readonly tag: string;
      readonly digest: number;
      readonly tellers: readonly RegistryEventSender[];
    }
  /** Its registry does not answer, or does again; it is deleted, or put back as it was. */
  | { readonly kind: "silence" | "deletion"; readonly tag: string }
  | { readonly kind: "pause"; readonly action: "pause" | "resume"; readonly image: number };

const image = fc.nat({ max: 8 });
const files = fc.constantFrom("a", "b", "c");
const kind = <K extends Step["kind"]>(name: K) => fc.constant(name);
const changing: readonly { readonly weight: number; readonly arbitrary: fc.Arbitrary<Step> }[] = [
  { weight: 5, arbitrary: fc.record({ kind: kind("change"), image, files }) },
  { weight: 4, arbitrary: fc.record({ kind: kind("wait"), seconds: fc.integer({ min: 1, max: 120 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: kind("rewire"), image, on: image }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: kind("move"),
      tag: fc.constantFrom(...outside),
      digest: fc.integer({ min: 1, max: 3 }),
      // Nobody tells, or several do, in any order.
      tellers: fc.array(fc.constantFrom("acr-webhook", "event-grid", "cloud-events", "base-check"), { maxLength: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: kind("pause"), action: fc.constantFrom("pause" as const, "resume" as const), image }),
  },
];
const outages: typeof changing = (["silence", "deletion"] as const).map((name) => ({
  weight: 2,
  arbitrary: fc.record({ kind: kind(name), tag: fc.constantFrom(...outside) }),
}));
const step = fc.oneof(...changing, ...outages, {
  weight: 1,
  arbitrary: fc.record({ kind: kind("cancel"), nth: fc.nat({ max: 20 }) }),
});
const wildStep: fc.Arbitrary<Step> = fc.oneof(
  ...changing,
  ...outages,
  { weight: 1, arbitrary: fc.record({ kind: kind("remove"), image }) },
  { weight: 1, arbitrary: fc.record({ kind: kind("delete-ref") }) },
  { weight: 1, arbitrary: fc.record({ kind: kind("rebuild"), image }) },
  { weight: 2, arbitrary: fc.record({ kind: kind("overwrite"), image }) },
  { weight: 1, arbitrary: fc.record({ kind: kind("elsewhere"), files, on: image }) },
);

const outcome = fc.constantFrom<Story["outcomes"][number]>("Succeeded", "Succeeded", "Succeeded", "Failed", "Error");
const allGood: fc.Arbitrary<Story["outcomes"]> = fc.constant(["Succeeded"]);
const outcomes = fc.oneof(allGood, fc.array(outcome, { minLength: 1, maxLength: 6 }));
const deaths = fc.array(fc.integer({ min: 1, max: 150 }), { maxLength: 4 });
/** Waves of two runs are large in half of the stories. */
const largeFrom = fc.constantFrom(0, 2);

interface Story {
  readonly edges: readonly (readonly string[])[];
  readonly steps: readonly Step[];
  readonly outcomes: readonly ("Succeeded" | "Failed" | "Error")[];
  readonly deaths: readonly number[];
  readonly largeFrom: number;
}

/** A source repository and the people around it. */
class World {
  readonly sim = new Simulation();
  images: readonly SimImage[];
  /** When each tag outside moved, or began or ceased to answer. */
  readonly moves: { readonly tag: string; readonly at: string }[] = [];
  #gone = new Set<string>();
  /** Tags outside that were deleted, and what was behind them. */
  readonly #deleted = new Map<string, string>();
  #count = 1;
  #pending: number[];

  constructor({ edges, outcomes, deaths, largeFrom }: Story) {
    this.images = edges.map((on, i) => ({ name: `i${i}`, files: "a", on }));
    this.sim.waves = { largeFrom, stopAfter: 2, stopAfterPercent: 10 };
    let built = 0;
    this.sim.outcome = () => outcomes[built++ % outcomes.length] ?? "Succeeded";
    this.#pending = [...deaths];
    for (const tag of outside) this.sim.moveTag(tag, digestOf(1));
  }

  async live(steps: readonly Step[]): Promise<void> {
    await this.push();
    for (const s of steps) {
      const next = this.#pending.shift();
      if (next !== undefined)
        this.sim.death = { at: this.sim.effects + next, when: next % 2 === 0 ? "before" : "after" };
      await this.#take(s);
    }
    this.sim.death = undefined;
  }

  async #take(s: Step): Promise<void> {
    const { sim } = this;
    const named = (n: number) => this.images[n % this.images.length]!;
    switch (s.kind) {
      case "wait": {
        const until = sim.now + s.seconds * 1000;
        return sim.settle({ until: () => sim.now >= until });
      }
      case "cancel": {
        const runs = await sim.runs();
        const run = runs[s.nth % Math.max(1, runs.length)];
        return run && this.#ask("cancel", { kind: "cancel-requested", run: run.id });
      }
      case "silence":
        // Asked for on one side of it only, a base may be another on the other.
        this.moves.push({ tag: s.tag, at: new Date(sim.now).toISOString() });
        if (!sim.silent.delete(s.tag)) sim.silent.add(s.tag);
        return;
      case "deletion":
        if (this.#putBack(s.tag)) return;
        this.#deleted.set(s.tag, sim.tags.get(s.tag)!);
        sim.tags.delete(s.tag);
        return;
      case "move":
        this.#deleted.delete(s.tag);
        sim.moveTag(s.tag, digestOf(s.digest));
        this.moves.push({ tag: s.tag, at: new Date(sim.now).toISOString() });
        for (const teller of s.tellers) sim.tellTag(s.tag, teller);
        return;
      case "pause":
        return this.hold(s.action, named(s.image).name);
      case "rebuild":
        return this.rebuild(named(s.image).name);
      case "overwrite": {
        const { name } = named(s.image);
        if (!sim.tags.has(sim.referenceOf(name))) return;
        sim.moveTag(name, foreign);
        return sim.tellTag(name);
      }
      case "elsewhere": {
        const web: SimImage = { name: "web", files: s.files, on: [sim.referenceOf(named(s.on).name)] };
        return sim.push([web], commitOf(++this.#count), { source: { ...source, id: 8, fullName: "acme/web" } });
      }
      case "delete-ref":
        return sim.push([], commitOf(++this.#count), { deleted: true });
      case "remove":
        if (!this.#gone.delete(named(s.image).name)) this.#gone.add(named(s.image).name);
        return this.push();
      case "change":
        this.#replace(named(s.image), { files: s.files });
        return this.push();
      case "rewire": {
        const on = named(s.on).name;
        if (on < named(s.image).name) this.#replace(named(s.image), { on: [on] });
        return this.push();
      }
    }
  }

  #putBack(tag: string): boolean {
    const was = this.#deleted.get(tag);
    if (was !== undefined) this.sim.moveTag(tag, was);
    return this.#deleted.delete(tag);
  }

  #replace(image: SimImage, change: Partial<SimImage>): void {
    this.images = this.images.map((i) => (i === image ? { ...i, ...change } : i));
  }

  push(): Promise<void> {
    return this.sim.push(
      this.images.filter((i) => !this.#gone.has(i.name)),
      commitOf(++this.#count),
    );
  }

  #ask(action: "pause" | "resume" | "cancel" | "rebuild" | "continue", word: object): Promise<void> {
    const id = `${action}-${++this.#count}`;
    return this.sim.word({ ...word, id, cause: { kind: "request", id, action, at: "" } } as Parameters<
      Simulation["word"]
    >[0]);
  }

  hold(action: "pause" | "resume", name: string): Promise<void> {
    return this.#ask(action, { kind: "pause-requested", action, image: name, why: "a person says so" });
  }

  rebuild(name: string): Promise<void> {
    return this.#ask("rebuild", { kind: "rebuild-requested", image: name });
  }

  async waves(): Promise<readonly Wave[]> {
    const { partition } = await this.sim.registry();
    return (await this.sim.rows.list(partition, rangeOf("wave"), 1000)).map((r) => r.value as Wave);
  }

  /** Outages and pauses end, stopped waves go on. */
  async rest(): Promise<void> {
    this.sim.silent.clear();
    for (const tag of outside) this.#putBack(tag);
    for (const { name } of this.images) await this.hold("resume", name);
    await this.look();
    // What one wave held back may stop the next.
    const stopped = async () => (await this.waves()).filter((w) => w.state === "stopped" && openIn(w) > 0);
    for (let left = await stopped(); left.length > 0; left = await stopped()) {
      for (const { id } of left) await this.#ask("continue", { kind: "wave-requested", wave: id, action: "continue" });
      await this.look();
    }
  }

  /** The timer asks about every tag, so that it does not matter whether anybody told. */
  async look(): Promise<void> {
    for (const tag of outside) this.sim.tellTag(tag, "base-check");
    for (const { name } of this.images) this.sim.tellTag(name, "base-check");
    await this.sim.settle({ hours: 12 });
  }

  /** Nothing fails any more, everything that was taken out is put back. */
  async mend(): Promise<void> {
    this.sim.outcome = () => "Succeeded";
    this.#gone = new Set();
    await this.push();
  }

  async tracks(): Promise<ReadonlyMap<string, Track>> {
    return new Map((await this.sim.tracks()).map((t) => [t.image, t]));
  }

  isStale(track: Track | undefined): boolean {
    if (track?.built === undefined || track.built.inputs !== track.wanted.inputs) return true;
    return Object.entries(track.built.bases).some(([base, digest]) => this.sim.tags.get(base) !== digest);
  }
}

/** What a stale image's newest run has to say, so that nobody has to guess; undefined: it says nothing. */
function statedReason(run: Run, track: Track | undefined, tags: ReadonlyMap<string, string>): string | undefined {
  if (run.status === "Canceled") return "a person cancelled it";
  if (run.status === "Skipped") return run.ended?.code === "base-failed" ? "its base failed" : undefined;
  if (run.status !== "Failed" && run.status !== "Error") return undefined;
  if ((track?.failures ?? 0) >= 3) return "it keeps failing";
  // It says so of what there is to build now, not of what there was once. One that could not be asked for is what it was.
  const isOfNow = Object.entries(run.bases ?? {}).every(
    ([base, digest]) => (tags.get(base) ?? null) === (digest ?? track?.built?.bases[base] ?? null),
  );
  return isOfNow ? "it failed" : undefined;
}

async function nothingIsOpen(world: World): Promise<void> {
  expect(await world.sim.leftovers(), "nothing is left over").toEqual([]);
  expect((await world.sim.runs()).filter((r) => r.status === "Planned").map((r) => [r.image, r.hold])).toEqual([]);
  for (const track of (await world.tracks()).values())
    expect([track.planned, track.active], `${track.image} has no open run`).toEqual([undefined, undefined]);
  expect((await world.waves()).filter((w) => openIn(w) !== 0).map((w) => w.id)).toEqual([]);
  const { acrRuns } = world.sim;
  expect(new Set(acrRuns.map((r) => r.marker)).size, "one ACR run an attempt").toBe(acrRuns.length);
}

/**
 * Two successful builds in a row of the same files on the same bases would be one too many. Only if a base moved under one
 * of them, or was not known to it, nobody knows whether they are the same, and building again is the safe answer.
 */
async function nothingIsBuiltTwice({ sim, images, moves }: World): Promise<void> {
  const runs = await sim.runs();
  const runOfMarker = (marker: string) => runs.find(({ id }) => marker.startsWith(`slipway-${id}-`))!;
  for (const { name } of images) {
    const good = sim.acrRuns.filter((r) => r.repository === name && r.status === "Succeeded");
    for (const [i, run] of good.entries()) {
      const before = good[i - 1];
      if (!before || before.digest !== run.digest) continue;
      const both = [before, run].map(({ marker }) => runOfMarker(marker));
      if (both.some(({ bases = {} }) => Object.values(bases).includes(null))) continue;
      const moved = (base: string, at: string) =>
        both.some(({ times, bases = {} }) => base in bases && at >= times.Preparing! && at <= times.Succeeded!);
      const own = runs.map((r) => ({ tag: sim.referenceOf(r.image), at: r.times.Succeeded ?? "" }));
      expect(
        [...moves, ...own].some(({ tag, at }) => moved(tag, at)),
        `${name} was built twice in a row from the same inputs`,
      ).toBe(true);
    }
  }
}

/** The same each time, so that a red run is about the change. SLIPWAY_STORIES=4000 tells so many others, and takes minutes. */
function stories(count: number): { readonly numRuns: number; readonly seed?: number } {
  const others = Number(process.env.SLIPWAY_STORIES);
  return others > 0 ? { numRuns: others } : { numRuns: count, seed: 1129 };
}

describe("any graph, any changes, base moves, failures, cancels, pauses and deaths", () => {
  it("come to rest: nothing open, nothing stale without a stated reason, nothing built twice for the same inputs", async () => {
    const story = fc.record({ edges: graph, steps: fc.array(step, { maxLength: 10 }), outcomes, deaths, largeFrom });
    await fc.assert(
      fc.asyncProperty(story, async (told) => {
        const world = new World(told);
        await world.live(told.steps);
        await world.rest();
        await nothingIsOpen(world);
        const runs = await world.sim.runs();
        const tracks = await world.tracks();
        for (const { name } of world.images) {
          const track = tracks.get(name);
          const last = runs.filter((r) => r.image === name && r.status !== "Superseded").at(-1)!;
          if (world.isStale(track))
            expect(
              statedReason(last, track, world.sim.tags),
              `${name} is stale after ${last.id} ${last.status}: ${last.ended?.message}`,
            ).toBeDefined();
          if (track?.built)
            expect(world.sim.tags.get(world.sim.referenceOf(name)), `stable tag of ${name}`).toBe(track.built.digest);
        }
        await nothingIsBuiltTwice(world);
        // What failed is not tried again for the same bases, and what was built is what there is.
        const built = world.sim.acrRuns.length;
        await world.look();
        if (!told.outcomes.includes("Error"))
          expect(world.sim.acrRuns.length, "looking again builds nothing").toBe(built);
      }),
      stories(50),
    );
  }, 600_000);
});

describe("the same, and images that come and go, and others who push over our tags", () => {
  it("is all fresh once nothing fails any more and people have asked for what waited for them", async () => {
    const story = fc.record({
      edges: graph,
      steps: fc.array(wildStep, { maxLength: 14 }),
      outcomes,
      deaths,
      largeFrom,
    });
    await fc.assert(
      fc.asyncProperty(story, async (told) => {
        const world = new World(told);
        await world.live(told.steps);
        await world.mend();
        await world.rest();
        // A tag that was put right after the timer's look is what its next look finds.
        await world.look();
        const nothingFailed = told.outcomes.every((ended) => ended === "Succeeded");
        for (const { name } of world.images)
          if (world.isStale((await world.tracks()).get(name))) {
            expect(nothingFailed, `${name} is stale although nothing ever failed`).toBe(false);
            await world.rebuild(name);
            await world.sim.settle({ hours: 12 });
          }
        await world.rest();
        await nothingIsOpen(world);
        const tracks = await world.tracks();
        for (const { name } of world.images) {
          const track = tracks.get(name);
          const last = (await world.sim.runs()).filter((r) => r.image === name).at(-1)!;
          expect(world.isStale(track), `${name} is stale after ${last.id} ${last.status}: ${last.ended?.message}`).toBe(
            false,
          );
          expect([track?.built?.digest, foreign]).toContain(world.sim.tags.get(world.sim.referenceOf(name)));
        }
      }),
      stories(50),
    );
  }, 600_000);
});

/** Stories that once did not come to rest. */
const found: [Story][] = [
  [
    {
      edges: [[], [], ["i0"], [], ["i3"], ["i3", "i2"], []],
      steps: [
        { kind: "change", image: 0, files: "b" },
        { kind: "wait", seconds: 1 },
        { kind: "change", image: 0, files: "a" },
      ],
      outcomes: ["Succeeded", "Error", "Error", "Error", "Error"],
      deaths: [],
      largeFrom: 2,
    },
  ],
  [
    {
      edges: [[], [], [], [], ["i1"], [], [], ["i6"], ["i1"]],
      steps: [
        { kind: "change", image: 6, files: "b" },
        { kind: "change", image: 3, files: "b" },
      ],
      outcomes: ["Error", "Error", "Succeeded"],
      deaths: [],
      largeFrom: 2,
    },
  ],
  [
    {
      edges: [[], ["i0"], [], [], ["i3"]],
      steps: [
        { kind: "wait", seconds: 66 },
        { kind: "rewire", image: 8, on: 0 },
        { kind: "change", image: 0, files: "c" },
      ],
      outcomes: ["Error"],
      deaths: [128],
      largeFrom: 2,
    },
  ],
  [
    {
      edges: [[], [], [], [], [], ["i2"], ["i0"], [], ["i5"]],
      steps: [{ kind: "change", image: 5, files: "b" }],
      outcomes: ["Error"],
      deaths: [],
      largeFrom: 2,
    },
  ],
  [
    {
      edges: [[debian], [], []],
      steps: [
        { kind: "wait", seconds: 1 },
        { kind: "move", tag: debian, digest: 1, tellers: ["acr-webhook"] },
        { kind: "wait", seconds: 1 },
        { kind: "move", tag: debian, digest: 2, tellers: [] },
        { kind: "wait", seconds: 20 },
        { kind: "move", tag: debian, digest: 1, tellers: [] },
      ],
      outcomes: ["Succeeded"],
      deaths: [41, 3],
      largeFrom: 2,
    },
  ],
];

describe("faults that are not the images' own, in waves that stop for them", () => {
  it("are over by themselves: a day later everything is fresh and nobody was asked", async () => {
    const story = fc.record({
      edges: graph,
      // Nobody cancels or pauses anything.
      steps: fc.array(fc.oneof(...changing.slice(0, 4)), { maxLength: 12 }),
      outcomes: fc.array(fc.constantFrom<Story["outcomes"][number]>("Succeeded", "Succeeded", "Error"), {
        minLength: 1,
        maxLength: 6,
      }),
      deaths,
      largeFrom: fc.constant(2),
    });
    await fc.assert(
      fc.asyncProperty(story, async (told) => {
        const world = new World(told);
        await world.live(told.steps);
        await world.sim.settle({ hours: 0.5 });
        world.sim.outcome = () => "Succeeded";
        await world.sim.live(24);
        await world.look();
        await nothingIsOpen(world);
        for (const [name, track] of await world.tracks()) expect(world.isStale(track), `${name} is stale`).toBe(false);
      }),
      { ...stories(30), examples: found },
    );
  }, 600_000);
});
