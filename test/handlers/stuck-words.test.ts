import { describe, expect, it } from "vitest";
import { keys, rangeOf } from "../../src/core/state/keys.ts";
import type { DecisionFacts, Inbox } from "../../src/core/state/rows.ts";
import { PermanentError } from "../../src/errors.ts";
import { commitOf, main, type SimImage, Simulation, source } from "../support/simulation.ts";

const images: readonly SimImage[] = [{ name: "a", files: "a" }];
/** No snapshot: whoever works it off throws. */
const broken = { kind: "ref-moved", id: "broken", cause: { kind: "sweep", id: "broken", at: "" } } as unknown as Inbox;

async function stuck(sim: Simulation): Promise<readonly unknown[]> {
  const { partition } = await sim.registry();
  return (await sim.rows.list(partition, rangeOf("stuck"), 10)).map((r) => (r.value as { word: unknown }).word);
}

describe("a word that nobody can work off", () => {
  it("is set aside whole, and the words behind it are worked off", async () => {
    const sim = new Simulation();
    await sim.word(broken);
    await sim.push(images, commitOf(1));
    await sim.settle();
    expect(await stuck(sim)).toEqual([broken]);
    expect(sim.builds("a")).toBe(1);
  });

  it("and that fits no row with the reason beside it is set aside by its name", async () => {
    const sim = new Simulation();
    let refused = 0;
    sim.rows.beforeWrite = (_, written) => {
      if (written.includes(keys.stuck("broken")) && refused++ === 0) throw new PermanentError("too-large", "too large");
    };
    await sim.word(broken);
    await sim.push(images, commitOf(1));
    await sim.settle();
    expect(await stuck(sim)).toEqual([{ kind: "ref-moved", id: "broken" }]);
    expect(sim.builds("a")).toBe(1);
  });
});

describe("what a decision was made from", () => {
  const kept = async (characters: number) => {
    const sim = new Simulation();
    const path = "x".repeat(characters);
    const snapshot = {
      source,
      ref: main,
      generation: 1,
      commit: commitOf(1),
      images: [],
      refused: [],
      changedPaths: [path],
    };
    await sim.word({ kind: "ref-moved", id: "told", cause: { kind: "sweep", id: "told", at: "" }, snapshot });
    await sim.settle();
    const { partition } = await sim.registry();
    return (await sim.rows.read(partition, keys.facts("told"))).row?.value as DecisionFacts;
  };

  it("is kept with its word, of which a row must hold both", async () => {
    expect(Object.keys(await kept(1000))).toEqual(["word", "stored"]);
    expect(Object.keys(await kept(1_499_990))).toEqual(["word"]);
  });
});
