/** Who goes first when ACR has fewer slots than there are runs. */
import { describe, expect, it } from "vitest";
import { commitOf, digestOf as d, debian, type SimImage, Simulation, source } from "../support/simulation.ts";

const other = { ...source, id: 8, fullName: "acme/web" };
const wide: readonly SimImage[] = Array.from({ length: 40 }, (_, i) => ({ name: `w${i}`, files: "w", on: [debian] }));

/** Forty images on debian, and three on nothing; all built. Then debian moves, and some of the forty are built for it. */
async function longWave(maxRuns: number): Promise<Simulation> {
  const sim = new Simulation();
  sim.waves = { largeFrom: 0, stopAfter: 0, stopAfterPercent: 0 };
  sim.moveTag(debian, d(1));
  await sim.push(wide, commitOf(1));
  await sim.push(fixed("v1"), commitOf(2), { source: other });
  await sim.settle();
  sim.maxRuns = maxRuns;
  sim.moveTag(debian, d(2));
  sim.tellTag(debian);
  const before = sim.acrRuns.length;
  await sim.settle({ until: () => sim.acrRuns.length > before + 5 });
  return sim;
}
const fixed = (files: string): readonly SimImage[] => [
  { name: "base", files, on: [] },
  { name: "middle", files: "m", on: ["base"] },
  { name: "top", files: "t", on: ["middle"] },
];
const started = (sim: Simulation, from: number) => sim.acrRuns.slice(from).map((run) => run.repository);

describe("while a long wave of a base is built", () => {
  it("a commit and the few that stand on its image go first, each at the next free slot", async () => {
    const sim = await longWave(2);
    const from = sim.acrRuns.length;
    await sim.push(fixed("v2"), commitOf(3), { source: other });
    await sim.settle();
    const next = started(sim, from);
    // One of the two slots stays the wave's.
    expect(next.indexOf("top")).toBeLessThan(12);
    expect(next.filter((name) => name.startsWith("w"))).toHaveLength(40 - 6);
    expect(sim.builds("w39")).toBe(2);
  });

  it("what a person asks for goes before what was pushed earlier", async () => {
    const sim = await longWave(1);
    const from = sim.acrRuns.length;
    const many = Array.from({ length: 5 }, (_, i) => ({ name: `c${i}`, files: "c", on: [] }));
    await sim.push(many, commitOf(3), { source: { ...source, id: 9, fullName: "acme/more" } });
    await sim.settle({ until: () => sim.acrRuns.length > from });
    const cause = { kind: "request", id: "again", action: "rebuild", at: "" } as const;
    await sim.word({ kind: "rebuild-requested", id: "again", cause, image: "top" });
    await sim.settle();
    const next = started(sim, from);
    expect(next.slice(0, 3)).toEqual([expect.stringMatching(/^[cw]/), "top", expect.stringMatching(/^c/)]);
    expect(next.filter((name) => name.startsWith("c"))).toHaveLength(5);
  });

  it("commits without end leave it one slot of several", async () => {
    const sim = await longWave(2);
    const from = sim.acrRuns.length;
    let pushes = 10;
    const more = async () =>
      sim.push([{ name: `p${pushes}`, files: "p", on: [] }], commitOf(pushes++), {
        source: other,
        ref: `refs/heads/p${pushes}`,
      });
    for (let i = 0; i < 30; i++) await more();
    await sim.settle({ until: () => sim.acrRuns.length >= from + 30 });
    const next = started(sim, from);
    expect(next.filter((name) => name.startsWith("p")).length).toBeGreaterThanOrEqual(14);
    expect(next.filter((name) => name.startsWith("w")).length).toBeGreaterThanOrEqual(14);
  });

  it.each([1, 2])(
    "nor does who waits for one of its images wait for all of it, with commits without end (%i slots)",
    async (slots) => {
      const sim = await longWave(slots);
      const third = { ...source, id: 9, fullName: "acme/third" };
      const app = (files: string) => sim.push([{ name: "app", files, on: ["w39"] }], commitOf(4), { source: third });
      await app("hotfix");
      const end = sim.now + 3 * 3_600_000;
      for (let n = 20; sim.now < end && sim.builds("app") === 0; n++) {
        await sim.push([{ name: `p${n}`, files: "p", on: [] }], commitOf(n), {
          source: other,
          ref: `refs/heads/p${n}`,
        });
        await sim.settle({ hours: 0.005 });
      }
      expect(sim.builds("app")).toBe(1);
      expect(sim.builds("w39"), "the base first").toBe(2);
      expect(wide.filter(({ name }) => sim.builds(name) === 2).length, "and not the whole wave").toBeLessThan(30);
    },
  );
});
