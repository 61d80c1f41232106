import { describe, expect, it } from "vitest";
import { commitOf, diamond, Simulation } from "../support/simulation.ts";

describe("a wave over the uneven diamond", () => {
  it("builds every image once, bases first", async () => {
    const sim = new Simulation();
    await sim.push(diamond(), commitOf(1));
    await sim.settle();
    expect((await sim.runs()).map((r) => `${r.image} ${r.status} ${r.ended?.message.slice(0, 60)}`)).toEqual(
      ["base", "runtime", "tools", "assets", "app"].map((n) => expect.stringMatching(`^${n} Succeeded`)),
    );
    expect(sim.acrRuns.map((r) => r.repository)).toEqual(["base", "runtime", "tools", "assets", "app"]);
    expect(await sim.leftovers()).toEqual([]);
    expect(sim.lastStatus(commitOf(1), "slipway/app")?.state).toBe("success");
  });
});
