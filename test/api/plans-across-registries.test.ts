import { beforeEach, describe, expect, it } from "vitest";
import { rememberSource } from "../../src/handlers/sources.ts";
import { referenceOf, stored, trackOf } from "../core/state/rows-of.ts";
import { main, yaml } from "../handlers/github.ts";
import { ApiWorld } from "./api-world.ts";

const d = (n: number) => `sha256:${String(n).repeat(64)}`;
const inBeta = (image: string) => `beta.azurecr.io/${image}:main`;

let world: ApiWorld;
beforeEach(() => {
  world = new ApiWorld();
});

/** Images of a registry, each built once on its bases; names with a slash are whole references. */
async function images(alias: string, on: Readonly<Record<string, readonly string[]>>): Promise<void> {
  const makes = (image: string) => (alias === "acme" ? referenceOf(image) : inBeta(image));
  const tracks = Object.entries(on).map(([image, bases]) => {
    const references = bases.map((base) => (base.includes("/") ? base : makes(base)));
    const track = trackOf(image, references, { makes: [makes(image)] });
    const built = { ...track.wanted, digest: d(5), run: `${alias}-1`, at: 0 };
    return { ...track, built: { ...built, bases: Object.fromEntries(references.map((r) => [r, d(1)])) } } as never;
  });
  await world.put(await world.partition(alias), stored(tracks));
}
async function plan(body: object) {
  const { json } = await world.ask("POST", "plans", { body });
  const plans = json.plans as unknown as readonly {
    registry: string;
    runs: { image: string; level: number; why: string[] }[];
    skipped: { reason: string }[];
  }[];
  return {
    runs: plans.map((p) => [p.registry, ...p.runs.map((r) => r.image)]),
    why: Object.fromEntries(plans.flatMap((p) => p.runs.map((r) => [r.image, r.why]))),
    skipped: plans.flatMap((p) => p.skipped.map((s) => s.reason)),
  };
}

const debian = "docker.io/library/debian:12";

describe("a plan goes on in the registry of whoever stands on what is built", () => {
  it("with all that stands on that, and says which base would move there", async () => {
    await images("acme", { web: [debian], other: ["docker.io/library/alpine:3"] });
    await images("beta", { api: [referenceOf("web")], top: ["api"], apart: [referenceOf("other")] });
    const planned = await plan({ base: "debian:12", digest: d(2) });
    expect(planned.runs).toEqual([
      ["acme", "web"],
      ["beta", "api", "top"],
    ]);
    expect(planned.why.api).toEqual([`base ${referenceOf("web")} would move from sha256:111111111111`]);
  });

  it("and back again, each image once for all of its reasons", async () => {
    await images("acme", { web: [debian], end: [inBeta("api"), "web"], far: [inBeta("top")] });
    await images("beta", { api: [referenceOf("web"), debian], top: ["api", referenceOf("end")] });
    const planned = await plan({ base: "debian:12", digest: d(2) });
    expect(planned.runs).toEqual([
      ["acme", "web", "end", "far"],
      ["beta", "api", "top"],
    ]);
    expect(planned.why.api).toHaveLength(2);
    expect(planned.why.end).toHaveLength(2);
  });

  it("and ends where registries stand on each other", async () => {
    await images("acme", { web: [inBeta("api"), debian] });
    await images("beta", { api: [referenceOf("web")] });
    expect((await plan({ base: "debian:12", digest: d(2) })).runs).toEqual([
      ["acme", "web"],
      ["beta", "api"],
    ]);
  });

  it("and says who would not follow", async () => {
    await images("acme", { web: [debian] });
    const quiet = trackOf("api", [referenceOf("web")], { makes: [inBeta("api")] });
    const on = { ...quiet.definition.on, baseUpdate: "off" as const };
    await world.put(await world.partition("beta"), stored([{ ...quiet, definition: { ...quiet.definition, on } }]));
    const planned = await plan({ base: "debian:12", digest: d(2) });
    expect([planned.runs, planned.skipped]).toEqual([[["acme", "web"], ["beta"]], ["base-update-off"]]);
  });

  it("for a ref and a rebuild as well", async () => {
    await rememberSource(world, world.github.source!);
    await images("beta", { api: [referenceOf("web")] });
    const both = [
      ["acme", "web"],
      ["beta", "api"],
    ];
    expect((await plan({ source: "acme/platform", ref: main, config: yaml({ web: "acme" }) })).runs).toEqual(both);
    await images("acme", { web: [] });
    expect((await plan({ image: "web" })).runs).toEqual(both);
  });
});
