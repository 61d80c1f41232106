import { beforeEach, describe, expect, it } from "vitest";
import { keys } from "../../src/core/state/keys.ts";
import type { RefSnapshot, Skipped } from "../../src/core/state/rows.ts";
import { rememberSource } from "../../src/handlers/sources.ts";
import { stored, trackOf } from "../core/state/rows-of.ts";
import { main, yaml } from "../handlers/github.ts";
import { ApiWorld } from "./api-world.ts";

let world: ApiWorld;
beforeEach(async () => {
  world = new ApiWorld();
  await rememberSource(world, world.github.source!);
});

interface Planned {
  readonly plans: readonly {
    readonly registry: string;
    readonly runs: readonly { readonly image: string; readonly why: readonly string[]; readonly commit: string }[];
    readonly skipped: readonly Skipped[];
  }[];
  readonly skipped?: readonly Skipped[];
}
async function plan(
  config?: string,
  ref = main,
): Promise<Planned & { readonly status: number; readonly detail?: string }> {
  const body = { source: "acme/platform", ref, ...(config === undefined ? {} : { config }) };
  const { status, json } = await world.ask("POST", "plans", { body });
  return { ...(json as unknown as Planned), status };
}
/** As it was left by a ref that was read before. */
async function built(images: readonly string[], alias = "acme"): Promise<void> {
  const before: Pick<RefSnapshot, "generation"> = { generation: 1 };
  await world.put(await world.partition(alias), {
    ...stored(images.map((name) => trackOf(name))),
    [keys.refGeneration(7, main)]: before,
  });
}
const runs = ({ plans }: Planned) => plans.map((p) => [p.registry, ...p.runs.map((r) => r.image)]);
const skips = (skipped: readonly Skipped[] | undefined) => skipped?.map((s) => [s.reason, ...s.images]);

describe("the plan of a ref", () => {
  it("is what reading it now would build, and stores nothing", async () => {
    const before = JSON.stringify(world.rows.dump(await world.partition()));
    const planned = await plan();
    expect(runs(planned)).toEqual([["acme", "web"]]);
    expect(planned.plans[0]!.runs[0]).toMatchObject({
      why: ["first build of this image from this ref"],
      commit: world.github.heads.get(main),
    });
    expect(planned).not.toHaveProperty("skipped");
    expect(JSON.stringify(world.rows.dump(await world.partition()))).toBe(before);
    expect(await world.words()).toEqual([]);
  });

  it("is made of another configuration where one is given", async () => {
    world.github.files.set("api/Dockerfile", "FROM acme.azurecr.io/web:main\n");
    const planned = await plan(yaml({ web: "acme", api: "beta" }));
    expect(runs(planned)).toEqual([
      ["acme", "web"],
      ["beta", "api"],
    ]);
    expect(world.github.asked).not.toContain("file slipway.yaml");
  });

  it("shows what a configuration no longer has", async () => {
    await built(["api"]);
    const planned = await plan(yaml({ web: "acme" }));
    expect(runs(planned)).toEqual([["acme", "web"]]);
    expect(skips(planned.plans[0]!.skipped)).toEqual([["image-removed", "api"]]);
  });

  it("shows it to a registry that would have no image left", async () => {
    await built(["api"], "beta");
    const planned = await plan();
    expect(planned.plans.map((p) => [p.registry, skips(p.skipped)])).toEqual([
      ["acme", []],
      ["beta", [["image-removed", "api"]]],
    ]);
  });

  it("says why, when no registry would hear of it", async () => {
    world.github.heads.set("refs/heads/topic", world.github.heads.get(main)!);
    const unwatched = await plan(undefined, "refs/heads/topic");
    expect([unwatched.plans, skips(unwatched.skipped)]).toEqual([[], [["ref-not-watched"]]]);
    const homeless = await plan(yaml({ web: "gone", api: "gone" }));
    expect([homeless.plans, skips(homeless.skipped)]).toEqual([[], [["unknown-registry", "web", "api"]]]);
    expect(homeless.skipped![0]!.message).toContain('no registry "gone"');
    world.github.files.delete("slipway.yaml");
    expect(skips((await plan()).skipped)).toEqual([["no-slipway-yaml"]]);
  });

  it("names each mistake of a configuration by itself, with its line and key if it has one", async () => {
    const { json } = await world.ask("POST", "plans", {
      body: { source: "acme/platform", ref: main, config: "version: 2\nimages: {}\n" },
    });
    expect(json.errors as unknown).toMatchObject([
      { at: "slipway.yaml line 1, version", message: expect.stringContaining("; ") },
      { at: "slipway.yaml line 2, images" },
    ]);
    const broken = await plan("images: [\n");
    expect(broken).toMatchObject({ status: 409, detail: expect.stringMatching(/^slipway.yaml line \d: /) });
  });

  it.each<[string, RegExp, () => Promise<{ status: number; detail?: string }>]>([
    ["a configuration with mistakes", /slipway.yaml line 1, version: /, () => plan("version: 2\n")],
    ["a ref that is not there", /has no refs\/heads\/nope/, () => plan(undefined, "refs/heads/nope")],
    [
      "a source that was never heard of",
      /has not heard of acme\/other/,
      async () =>
        (await world.ask("POST", "plans", { body: { source: "acme/other", ref: main } })).json as unknown as {
          status: number;
        },
    ],
    [
      "a source that GitHub does not show",
      /GitHub does not show us/,
      () => {
        world.github.source = undefined;
        return plan();
      },
    ],
    [
      "a source that nobody allows",
      /no publish rule allows evil\/platform/,
      () => {
        world.github.source = { provider: "github", id: 7, fullName: "evil/platform" };
        return plan();
      },
    ],
  ])("is refused for %s", async (_name, detail, ask) => {
    expect(await ask()).toMatchObject({ status: 409, detail: expect.stringMatching(detail) });
  });
});
