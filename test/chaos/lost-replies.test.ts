import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { commitOf, diamond, Simulation } from "../support/simulation.ts";

type Fate = ReturnType<Simulation["onStart"]>;

async function build(
  fates: readonly Fate[],
  slow: { readonly queueSeconds: number; readonly listLagSeconds: number },
): Promise<Simulation> {
  const sim = new Simulation();
  Object.assign(sim, slow);
  sim.onStart = (nth) => fates[nth - 1] ?? "accept";
  await sim.push(diamond(), commitOf(1));
  await sim.settle();
  return sim;
}

describe("ACR's answer to scheduleRun is lost", () => {
  it("adopts the run although its log comes minutes later", async () => {
    const sim = await build(["lose-reply"], { queueSeconds: 600, listLagSeconds: 0 });
    expect(diamond().map((i) => sim.builds(i.name))).toEqual([1, 1, 1, 1, 1]);
    expect((await sim.runs()).every((r) => r.status === "Succeeded" && r.attempt === 1)).toBe(true);
  });

  it("adopts the run although ACR's list shows it half a minute later", async () => {
    const sim = await build(["lose-reply"], { queueSeconds: 2, listLagSeconds: 50 });
    expect(diamond().map((i) => sim.builds(i.name))).toEqual([1, 1, 1, 1, 1]);
  });

  it("asks again when nothing was started, with a tag that was never pushed", async () => {
    const sim = await build(["lose-request"], { queueSeconds: 2, listLagSeconds: 0 });
    expect(sim.builds("base")).toBe(1);
    const [base] = await sim.runs();
    expect(base?.attempt).toBe(2);
    expect(base?.tags?.[0]).toMatch(/main-[0-9a-f]{7}-1\.2$/);
  });

  it("never builds an image twice, whatever is lost, refused or delayed", async () => {
    const fate = fc.constantFrom<Fate>("accept", "lose-reply", "lose-request", "throttle");
    const slow = fc.record({
      queueSeconds: fc.integer({ min: 1, max: 400 }),
      listLagSeconds: fc.integer({ min: 0, max: 55 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(fate, { maxLength: 12 }), slow, async (fates, delays) => {
        const sim = await build(fates, delays);
        expect(await sim.leftovers()).toEqual([]);
        for (const image of diamond()) expect(sim.builds(image.name), image.name).toBeLessThanOrEqual(1);
        // Error: given up after five calls that ACR never answered.
        for (const run of await sim.runs()) expect(["Succeeded", "Failed", "Skipped", "Error"]).toContain(run.status);
      }),
      { numRuns: 60 },
    );
  }, 240_000);
});
