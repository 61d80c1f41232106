import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { commitOf, type Death, diamond, type SimImage, Simulation } from "../support/simulation.ts";

/** Two commits: all images, then a change of the base and of the top. */
async function story(images: (base: string, top: string) => readonly SimImage[], death?: Death): Promise<Simulation> {
  const sim = new Simulation();
  await sim.registry();
  sim.death = death;
  await sim.push(images("v1", "v1"), commitOf(1));
  await sim.settle();
  await sim.push(images("v2", "v2"), commitOf(2));
  await sim.settle();
  return sim;
}

const triangle = (base: string, top: string): readonly SimImage[] => [
  { name: "base", files: base },
  { name: "middle", files: "same", on: ["base"] },
  { name: "app", files: top, on: ["base", "middle"] },
];

/** What must not depend on where the process died. */
async function endOf(sim: Simulation) {
  const tracks = await sim.tracks();
  const names = tracks.map((t) => t.image);
  return {
    stable: [...sim.tags].filter(([reference]) => reference.endsWith(":main")).sort(),
    tracks: tracks.map((t) => ({
      image: t.image,
      built: t.built?.digest,
      proved: t.built?.proved,
      open: t.planned ?? t.active,
    })),
    runs: (await sim.runs()).map((r) => `${r.image}@${r.commit.slice(0, 4)} ${r.status}`),
    builds: names.map((name) => [name, sim.builds(name)]),
    oneRunPerAttempt: new Set(sim.acrRuns.map((r) => r.marker)).size === sim.acrRuns.length,
    decisions: (await sim.decisions()).map((d) => `${d.id} ${d.plannedCount}`),
    leftovers: await sim.leftovers(),
    said: names.map((name) => sim.lastStatus(commitOf(2), `slipway/${name}`)?.state),
  };
}

describe("the process dies, once, and is started again", () => {
  it("ends the same wherever it died: each image built once per change, nothing left over", async () => {
    const undisturbed = await story(triangle);
    const expected = await endOf(undisturbed);
    expect(expected.builds).toEqual(["app", "base", "middle"].map((name) => [name, 2]));
    expect(expected.leftovers).toEqual([]);
    // After one effect is before the next: what the process knew is gone either way.
    const deaths = Array.from({ length: undisturbed.effects }, (_, i) => ({ at: i + 1, when: "after" }) as const);
    for (const death of [{ at: 1, when: "before" } as const, ...deaths]) {
      const sim = await story(triangle, death);
      expect(sim.deaths, `died ${death.when} effect ${death.at}`).toBe(1);
      expect(await endOf(sim), `died ${death.when} effect ${death.at}`).toEqual(expected);
    }
  }, 600_000);

  it("ends the same over the uneven diamond, wherever it died", async () => {
    const images = (base: string, app: string) => diamond({ base, app });
    const undisturbed = await story(images);
    const expected = await endOf(undisturbed);
    const point = fc.record({
      at: fc.integer({ min: 1, max: undisturbed.effects }),
      when: fc.constantFrom("before" as const, "after" as const),
    });
    await fc.assert(
      fc.asyncProperty(point, async (death) => {
        expect(await endOf(await story(images, death))).toEqual(expected);
      }),
      { numRuns: 30 },
    );
  }, 600_000);
});
