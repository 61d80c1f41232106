import { describe, expect, it } from "vitest";
import type { Inbox } from "../../src/core/state/rows.ts";
import { commitOf, digestOf as d, debian, type SimImage, Simulation, source } from "../support/simulation.ts";

const web = { ...source, id: 8, fullName: "acme/web" };
const a = (files: string): readonly SimImage[] => [{ name: "a", files, on: [debian] }];
const many = (count: number, files = "z"): readonly SimImage[] =>
  Array.from({ length: count }, (_, i) => ({ name: `z${i}`, files, on: ["acme.azurecr.io/a:main"] }));

/** An image on debian, and many of another repository on that; all built. */
async function standing(count: number): Promise<Simulation> {
  const sim = new Simulation();
  sim.waves = { largeFrom: 0, stopAfter: 0, stopAfterPercent: 0 };
  sim.tags.set(debian, d(1));
  await sim.push(a("v1"), commitOf(1));
  await sim.settle();
  await sim.push(many(count), commitOf(2), { source: web });
  sim.tellTag(debian);
  await sim.settle();
  return sim;
}
const builds = (sim: Simulation, images: readonly SimImage[]) =>
  images.reduce((sum, { name }) => sum + sim.builds(name), 0);

describe("max-hold counts what a run waited for its bases, and nothing else", () => {
  it("so a fix of the base that comes late in a long wave is what the rest of the wave is built on", async () => {
    const zs = many(40);
    const sim = await standing(zs.length);
    sim.buildSeconds = 300;
    sim.moveTag(debian, d(2));
    sim.tellTag(debian);
    const fixedAt = sim.now + 45 * 60_000;
    await sim.settle({ until: () => sim.now > fixedAt });
    const before = builds(sim, zs);
    expect(before).toBeGreaterThan(zs.length);
    await sim.push(a("fixed"), commitOf(3));
    await sim.settle({ hours: 48 });
    // Those that were at ACR just then have to be built again, too.
    expect(builds(sim, zs)).toBeLessThanOrEqual(before + zs.length + sim.maxRuns);
  });

  it("so at the end of a freeze the base goes first, however many waited", async () => {
    const sim = await standing(120);
    sim.maxRuns = 8;
    sim.freeze = [{ kind: "once", from: sim.now, until: sim.now + 20 * 60_000, why: "weekend" }];
    await sim.push(a("v2"), commitOf(3));
    await sim.settle({ hours: 0.02 });
    await sim.push(many(120, "z2"), commitOf(4), { source: web });
    await sim.settle({ hours: 0.02 });
    await sim.push(a("v3"), commitOf(5));
    await sim.settle({ hours: 8 });
    expect(many(120).filter(({ name }) => sim.builds(name) !== 2)).toEqual([]);
  });

  const node = "docker.io/library/node:20";
  const pause = (action: "pause" | "resume"): Inbox => ({
    kind: "pause-requested",
    id: `request-${action}`,
    cause: { kind: "request", id: `request-${action}`, action, at: "" },
    action,
    why: "incident 7",
  });

  it.each(["freeze", "pause"] as const)(
    "so what one of two bases asks for in a long %s is built once, on both",
    async (hold) => {
      const sim = new Simulation();
      for (const base of [debian, node]) sim.tags.set(base, d(1));
      const images = (files: string): readonly SimImage[] => [...a(files), { name: "z", files: "z", on: ["a", node] }];
      await sim.push(images("v1"), commitOf(1));
      for (const base of [debian, node]) sim.tellTag(base);
      await sim.settle();
      if (hold === "pause") await sim.word(pause("pause"));
      else sim.freeze = [{ kind: "once", from: sim.now, until: sim.now + 3 * 3_600_000, why: "weekend" }];
      sim.moveTag(node, d(2));
      sim.tellTag(node);
      await sim.live(1);
      await sim.push(images("v2"), commitOf(2));
      await sim.live(1);
      expect([sim.builds("a"), sim.builds("z")]).toEqual([1, 1]);
      if (hold === "pause") await sim.word(pause("resume"));
      await sim.live(4);
      expect([sim.builds("a"), sim.builds("z")]).toEqual([2, 2]);
    },
  );

  it("nor a freeze that begins while its base, which has no slot, holds it", async () => {
    const sim = new Simulation();
    for (const base of [debian, node]) sim.tags.set(base, d(1));
    await sim.push(a("v1"), commitOf(1));
    await sim.push([{ name: "z", files: "z", on: ["acme.azurecr.io/a:main", node] }], commitOf(2), { source: web });
    for (const base of [debian, node]) sim.tellTag(base);
    await sim.settle();
    sim.buildSeconds = 2400;
    const third = { ...source, id: 9, fullName: "acme/third" };
    const busy = ["q1", "q2"].map((name) => ({ name, files: "q" }));
    await sim.push(busy, commitOf(3), { source: third });
    await sim.settle({ until: () => sim.builds("q2") === 1 });
    sim.moveTag(node, d(2));
    sim.tellTag(node);
    await sim.settle({ hours: 0.02 });
    await sim.push(a("v2"), commitOf(4));
    await sim.settle({ hours: 0.02 });
    sim.freeze = [{ kind: "once", from: sim.now, until: sim.now + 3 * 3_600_000, why: "weekend" }];
    await sim.live(2.5);
    sim.buildSeconds = 60;
    await sim.live(4);
    expect([sim.builds("a"), sim.builds("z")]).toEqual([2, 2]);
  });
});
