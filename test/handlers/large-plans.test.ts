/** What a large plan costs, in steps and sizes; times are bench/'s business. */
import { describe, expect, it } from "vitest";
import { chain, flat, type Graph, lattice, random } from "../../bench/graphs.ts";
import { planBaseUpdate, platformOf, wordId } from "../../bench/platform.ts";
import { keys, rangeOf } from "../../src/core/state/keys.ts";
import type { Run } from "../../src/core/state/rows.ts";
import type { Simulation } from "../support/simulation.ts";

const plan = async (graph: Graph) => planBaseUpdate(await platformOf(graph));

async function runsOf(sim: Simulation): Promise<readonly Run[]> {
  const { partition } = await sim.registry();
  return (await sim.rows.list(partition, rangeOf("run"), 100_000)).map((r) => r.value as Run);
}

describe.each([flat(900), chain(100), lattice(900), random(900)])("a base update of a $name graph", (graph) => {
  it("makes one run an image, within bounds of reads, transactions and sizes", async () => {
    const images = graph.standsOn.length;
    const cost = await plan(graph);
    expect([cost.runs, cost.images]).toEqual([images, images]);
    // Its own edges; and once: the base's edges, the inbox, what is live, waits, comes later or is ready, and the end of the plan.
    expect(cost.ranges, "ranges").toBeLessThanOrEqual(images + 28);
    // The track, who makes its bases, and whether it is paused; and once: lease, sequence, wave and the like.
    expect(cost.rows, "rows").toBeLessThanOrEqual(3 * images + 50);
    expect(cost.transactions, "transactions").toBeLessThanOrEqual(images / 8 + 10);
    expect(cost.readsAtOnce, "reads at once").toBeLessThanOrEqual(32);
    expect(cost.largestRow.compressed, `row ${cost.largestRow.key}`).toBeLessThan(100_000);
    expect(cost.largestTransaction, "bytes of a transaction").toBeLessThan(1_000_000);
    expect(cost.largestMessage, "characters of a message").toBeLessThan(1_000);
  });
});

it("waits for storage a few times for every hundred images, not for each of them", async () => {
  const cost = await plan(lattice(900));
  // Each hundred asks together who makes their bases, 32 at once; and each of the 30 levels for its tracks and its edges.
  expect(cost.waits).toBeLessThan(900 / 4);
});

it("stores a plan in parts, and keeps none of them", async () => {
  const sim = await platformOf(flat(1_200));
  const { partition } = await sim.registry();
  const parts = new Set<string>();
  const touched: number[] = [];
  sim.rows.beforeWrite = (_, written) => {
    const ofPlan = written.filter((key) => key.startsWith("expansion|"));
    for (const key of ofPlan) parts.add(key);
    if (ofPlan.length > 0) touched.push(ofPlan.length);
  };
  await planBaseUpdate(sim);
  expect([...parts].sort()).toEqual([0, 1, 2].map((n) => keys.expansion(wordId, n)));
  // Written together, and each gone with its last item: the last transaction must not have to take them all.
  expect(touched).toEqual([3, 1, 1, 1]);
  for (const prefix of ["expansion", "expansion-cursor", "in"])
    expect(await sim.rows.list(partition, rangeOf(prefix), 10), prefix).toEqual([]);
});

describe("a crash in the middle of a plan of 500 images", () => {
  it("resumes without duplicates, whichever 50th effect it was at", async () => {
    const undisturbed = await platformOf(lattice(500));
    await undisturbed.registry();
    const began = undisturbed.effects;
    const { images } = await planBaseUpdate(undisturbed);
    const expected = (await runsOf(undisturbed)).map(
      (r) => `${r.id} ${r.image} ${r.listensTo?.level} ${r.reasons.length}`,
    );
    const effects = undisturbed.effects - began;
    expect(effects).toBeGreaterThan(500);
    for (let nth = 1; nth <= effects; nth += 50) {
      const sim = await platformOf(lattice(500));
      const cost = await planBaseUpdate(sim, { nth, when: nth % 100 === 1 ? "before" : "after" });
      expect(sim.deaths, `effect ${nth}`).toBe(1);
      expect([cost.runs, cost.images], `effect ${nth}`).toEqual([images, images]);
      expect((await runsOf(sim)).map((r) => `${r.id} ${r.image} ${r.listensTo?.level} ${r.reasons.length}`)).toEqual(
        expected,
      );
    }
  });
});
