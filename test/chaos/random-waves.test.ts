import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { commitOf, type SimImage, Simulation } from "../support/simulation.ts";

/** A random acyclic graph: image i may stand on any earlier ones. */
const graph = fc
  .integer({ min: 1, max: 8 })
  .chain((n) =>
    fc
      .array(fc.array(fc.nat({ max: Math.max(0, n - 1) }), { maxLength: 3 }), { minLength: n, maxLength: n })
      .map((edges) => edges.map((on, i) => [...new Set(on.filter((b) => b < i))])),
  );

type Step =
  | { readonly kind: "change"; readonly image: number; readonly files: string }
  | { readonly kind: "wait"; readonly seconds: number }
  | { readonly kind: "cancel"; readonly nth: number }
  | { readonly kind: "rewire"; readonly image: number; readonly on: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("change" as const),
      image: fc.nat({ max: 7 }),
      files: fc.constantFrom("a", "b", "c"),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("wait" as const), seconds: fc.integer({ min: 1, max: 120 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("cancel" as const), nth: fc.nat({ max: 20 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("rewire" as const), image: fc.nat({ max: 7 }), on: fc.nat({ max: 7 }) }),
  },
);

const failure = fc.constantFrom(
  "Succeeded" as const,
  "Succeeded" as const,
  "Succeeded" as const,
  "Failed" as const,
  "Error" as const,
);

async function live(
  edges: readonly (readonly number[])[],
  steps: readonly Step[],
  outcomes: readonly ("Succeeded" | "Failed" | "Error")[],
  deaths: readonly number[],
) {
  const sim = new Simulation();
  await sim.registry();
  let count = 0;
  sim.outcome = () => outcomes[count++ % outcomes.length] ?? "Succeeded";
  let images: SimImage[] = edges.map((on, i) => ({ name: `i${i}`, files: "a", on: on.map((b) => `i${b}`) }));
  let commit = 1;
  const pending = [...deaths];
  const arm = () => {
    const next = pending.shift();
    if (next !== undefined) sim.death = { at: sim.effects + next, when: next % 2 === 0 ? "before" : "after" };
  };
  await sim.push(images, commitOf(commit));
  for (const s of steps) {
    arm();
    if (s.kind === "wait") {
      const until = sim.now + s.seconds * 1000;
      await sim.settle({ until: () => sim.now >= until });
    } else if (s.kind === "cancel") {
      const runs = await sim.runs();
      const run = runs[s.nth % Math.max(1, runs.length)];
      if (run)
        await sim.word({
          kind: "cancel-requested",
          id: `cancel-${++commit}`,
          cause: { kind: "request", id: "c", action: "cancel", at: "" },
          run: run.id,
        });
    } else {
      const i = s.image % images.length;
      images = images.map((image, at) =>
        at !== i
          ? image
          : s.kind === "change"
            ? { ...image, files: s.files }
            : { ...image, on: s.on % images.length < i ? [`i${s.on % images.length}`] : (image.on ?? []) },
      );
      await sim.push(images, commitOf(++commit));
    }
  }
  await sim.settle({ hours: 24 });
  return { sim, images };
}

describe("any graph, any changes, failures, cancels and deaths", () => {
  it("come to rest: nothing open, nothing stale without a stated reason, nothing built twice for the same inputs", async () => {
    const arbitrary = fc.tuple(
      graph,
      fc.array(step, { maxLength: 10 }),
      fc.array(failure, { minLength: 1, maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 150 }), { maxLength: 4 }),
    );
    await fc.assert(
      fc.asyncProperty(arbitrary, async ([edges, steps, outcomes, deaths]) => {
        const { sim, images } = await live(edges, steps, outcomes, deaths);
        expect(await sim.leftovers(), "nothing is left over").toEqual([]);
        const runs = await sim.runs();
        const tracks = new Map((await sim.tracks()).map((t) => [t.image, t]));
        for (const image of images) {
          const track = tracks.get(image.name)!;
          expect([track.planned, track.active], `${image.name} has no open run`).toEqual([undefined, undefined]);
          const last = runs.filter((r) => r.image === image.name && r.status !== "Superseded").at(-1)!;
          const stale =
            track.built === undefined ||
            track.built.inputs !== track.wanted.inputs ||
            Object.entries(track.built.bases).some(([base, digest]) => sim.tags.get(base) !== digest);
          if (stale)
            expect(
              ["Failed", "Canceled", "Error", "Skipped"],
              `${image.name} is stale after ${last.status}: ${last.ended?.message}`,
            ).toContain(last.status);
          if (track.built)
            expect(sim.tags.get(sim.referenceOf(image.name)), `stable tag of ${image.name}`).toBe(track.built.digest);
        }
        // Two successful builds in a row of the same files on the same bases would be one too many.
        for (const image of images) {
          const good = sim.acrRuns
            .filter((r) => r.repository === image.name && r.status === "Succeeded")
            .map((r) => r.digest);
          for (let i = 1; i < good.length; i++)
            expect(good[i], `${image.name} was built twice in a row from the same inputs`).not.toBe(good[i - 1]);
        }
        expect(new Set(sim.acrRuns.map((r) => r.marker)).size, "one ACR run an attempt").toBe(sim.acrRuns.length);
      }),
      { numRuns: 150 },
    );
  }, 120_000);
});
