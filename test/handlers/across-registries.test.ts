/** Images of one registry that stand on images of another: ordered by events, not by one plan. */
import { describe, expect, it } from "vitest";
import type { Run } from "../../src/core/state/rows.ts";
import { commitOf, type SimImage, Simulation, source } from "../support/simulation.ts";

const x = "acme.azurecr.io/x:main";
const y = "beta.azurecr.io/y:main";
const web = { ...source, id: 8, fullName: "acme/web" };

/** An image x in acme and an image y in beta, built once each. */
async function built(on: { readonly x: readonly string[]; readonly y: readonly string[] }): Promise<Simulation> {
  const sim = new Simulation();
  sim.aliases = ["acme", "beta"];
  for (const tag of [x, y]) sim.moveTag(tag, `sha256:of ${tag} before Slipway`);
  await sim.push([{ name: "x", files: "x", on: on.x }], commitOf(1), { alias: "acme" });
  await sim.push([{ name: "y", files: "y", on: on.y }], commitOf(2), { alias: "beta", source: web });
  await sim.settle();
  return sim;
}
const last = async (sim: Simulation, alias: string): Promise<Run | undefined> => (await sim.runs(alias)).at(-1);

describe("across registries", () => {
  it("a build in one builds what stands on it in the other, once", async () => {
    const sim = await built({ x: [], y: [x] });
    const before = sim.builds("y");
    await sim.push([{ name: "x", files: "x2" }], commitOf(3), { alias: "acme" });
    await sim.settle();
    expect([sim.builds("x"), sim.builds("y") - before]).toEqual([2, 1]);
    expect((await last(sim, "beta"))?.reasons).toMatchObject([{ kind: "base", reference: x, to: sim.tags.get(x) }]);
  });

  it("images that stand on each other come to rest, and say that it is a cycle", async () => {
    const sim = await built({ x: [y], y: [x] });
    expect(sim.builds("x") + sim.builds("y")).toBeLessThan(10);
    const before = [sim.builds("x"), sim.builds("y")];
    await sim.push([{ name: "x", files: "x2", on: [y] }], commitOf(3), { alias: "acme" });
    await sim.settle();
    // The commit, and y for it; that x stands on y again is the circle.
    expect([sim.builds("x"), sim.builds("y")]).toEqual([before[0]! + 1, before[1]! + 1]);
    const skipped = (await sim.decisions()).flatMap((decision) => decision.skipped);
    expect(skipped).toContainEqual(expect.objectContaining({ reason: "cycle", images: ["x"] }));
    expect(await sim.leftovers()).toEqual([]);
  });

  it("what is no circle any more since a commit turned it round is none", async () => {
    const sim = await built({ x: [], y: [x] });
    sim.buildSeconds = 120;
    await sim.push([{ name: "x", files: "x2" }], commitOf(3), { alias: "acme" });
    await sim.settle({ until: () => sim.builds("y") === 2 });
    // While y is built for x, somebody lets x stand on y, and y on nothing.
    await sim.push([{ name: "y", files: "y2" }], commitOf(4), { alias: "beta", source: web });
    await sim.push([{ name: "x", files: "x3", on: [y] }], commitOf(5), { alias: "acme" });
    await sim.settle();
    const track = (await sim.tracks()).find(({ image }) => image === "x");
    expect(track?.built?.bases).toEqual({ [y]: sim.tags.get(y) });
  });

  const hot: SimImage = { name: "hot", files: "hot", on: ["docker.io/library/debian:12"] };

  it("a base that moves under each build is not built for ever by itself, and its news are followed to the last", async () => {
    const sim = new Simulation();
    let digest = 0;
    const move = () => sim.moveTag(hot.on![0]!, `sha256:${String(++digest).padStart(64, "0")}`);
    move();
    await sim.push([hot], commitOf(1));
    const end = sim.now + 2 * 3_600_000;
    // Nobody tells; it is another at each look.
    const moveAndLook = () => {
      move();
      return sim.now > end;
    };
    await sim.settle({ until: moveAndLook });
    expect(sim.builds("hot")).toBe(2);
    expect((await last(sim, "acme"))?.notes).toEqual([expect.stringContaining("moved again while it was being built")]);
    sim.tellTag(hot.on![0]!, "base-check");
    await sim.settle();
    const [track] = await sim.tracks();
    expect(track?.built?.bases[hot.on![0]!]).toBe(sim.tags.get(hot.on![0]!));
  });
});
