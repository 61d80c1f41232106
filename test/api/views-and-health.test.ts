import { beforeEach, describe, expect, it } from "vitest";
import { keys } from "../../src/core/state/keys.ts";
import type { Followed, Run } from "../../src/core/state/rows.ts";
import { platformPartition } from "../../src/handlers/registries.ts";
import { attemptOf, referenceOf, runOf, stored, trackOf } from "../core/state/rows-of.ts";
import { ApiWorld } from "./api-world.ts";

let world: ApiWorld;
beforeEach(() => {
  world = new ApiWorld();
});
const digest = `sha256:${"d".repeat(64)}`;
const view = async (id: string) =>
  (await world.get(`runs/${id}`)).json as unknown as { cause: Run["cause"][] } & Record<string, unknown>;

describe("the view of a run", () => {
  it("has its reasons in words, and its causes down to the event at the root", async () => {
    const delivery = runOf().cause;
    await world.store([
      runOf({ seq: 1, cause: delivery }),
      runOf({ seq: 2, cause: { kind: "run", id: "acme-1" } }),
      runOf({ seq: 3, cause: { kind: "run", id: "acme-2" } }),
    ]);
    const seen = await view("acme-3");
    expect(seen.why).toEqual(["first build of this image from this ref"]);
    expect(seen.cause).toEqual([{ kind: "run", id: "acme-2" }, { kind: "run", id: "acme-1" }, delivery]);
  });

  it("cuts a chain of causes at fifty; the last names the run to ask for next", async () => {
    const chain = Array.from({ length: 60 }, (_, i) =>
      runOf({ seq: i + 2, cause: { kind: "run", id: `acme-${i + 1}` } }),
    );
    await world.store([runOf({ seq: 1 }), ...chain]);
    const { cause } = await view("acme-61");
    expect(cause).toHaveLength(50);
    expect(cause.at(-1)).toEqual({ kind: "run", id: "acme-11" });
  });

  it("ends the chain at a run that nobody knows any more, and does not run in circles", async () => {
    await world.store([
      runOf({ seq: 5, cause: { kind: "run", id: "acme-4" } }),
      runOf({ seq: 6, cause: { kind: "run", id: "acme-7" } }),
      runOf({ seq: 7, cause: { kind: "run", id: "acme-6" } }),
    ]);
    expect((await view("acme-5")).cause).toEqual([{ kind: "run", id: "acme-4" }]);
    expect((await view("acme-7")).cause).toHaveLength(50);
  });

  it("shows its attempts without what only storage needs", async () => {
    await world.store([runOf({ status: "Queued", attempt: 2, acrRunId: "cf2" })]);
    await world.put(await world.partition(), {
      [keys.attempt("acme-12", 1)]: attemptOf({ stage: "ended", acrRunId: "cf1", ended: "Error", endedAt: "t" }),
      [keys.attempt("acme-12", 2)]: attemptOf({
        number: 2,
        stage: "linked",
        acrRunId: "cf2",
        sourceLocation: "source/x",
      }),
    });
    const seen = await view("acme-12");
    expect(seen.attempts).toMatchObject([
      { number: 1, ended: "Error", acrRunId: "cf1" },
      { number: 2, stage: "linked" },
    ]);
    expect(JSON.stringify(seen)).not.toContain("source/x");
    expect(seen.log).toEqual({ available: true });
    expect(seen).not.toHaveProperty("place");
  });
});

describe("why", () => {
  beforeEach(async () => {
    await world.store([runOf({ seq: 12, digest }), runOf({ seq: 13, digest })]);
    await world.put(await world.partition(), {
      [keys.tag("acme.azurecr.io/web:main")]: { run: "acme-12", digest },
      [keys.digest(digest, 12)]: { run: "acme-12" },
      [keys.digest(digest, 13)]: { run: "acme-13" },
    });
  });

  it.each([
    ["a tag", "web:main", "acme-12"],
    ["a tag with its login server", "acme.azurecr.io/web:main", "acme-12"],
    ["a digest: the newest run that built it", digest, "acme-13"],
    ["a digest behind a name", `acme.azurecr.io/web@${digest}`, "acme-13"],
  ])("answers for %s", async (_name, reference, id) => {
    expect((await world.get("why", { reference })).json).toMatchObject({ reference, run: { id } });
  });

  it.each([
    ["another tag", "web:other", 404],
    ["another registry's", "docker.io/web:main", 404],
    ["an unknown digest", `sha256:${"0".repeat(64)}`, 404],
    ["what is no reference", "web:$x", 400],
    ["a digest that is cut short", "sha256:abc", 400],
    ["a digest in capitals", digest.toUpperCase().replace("SHA", "sha"), 400],
    ["a host with a port that is none of ours", "127.0.0.1:5000/web:main", 404],
  ])("says so for %s", async (_name, reference, status) => {
    expect((await world.get("why", { reference })).status).toBe(status);
  });
});

describe("why, of a name alone", () => {
  it("says for which tag it stands when there is nothing of it", async () => {
    expect((await world.get("why", { reference: "platform/app" })).json).toMatchObject({
      status: 404,
      detail: expect.stringMatching(/has no tag and no digest, and stands for docker.io\/platform\/app:latest$/),
    });
    expect((await world.get("why", { reference: "127.0.0.1:5000/app:1" })).json.detail).not.toContain("no tag");
    expect((await world.get("why", { reference: "sha256:abc" })).json.detail).toMatch(/"sha256:abc" is not a digest/);
  });
});

describe("why, of a registry that is not the first", () => {
  it("takes its login server with a port", async () => {
    const { known } = world;
    const loginServer = "127.0.0.1:5000";
    const find = async (alias: string) => ({
      ...(await known.find(alias)),
      ...(alias === "beta" ? { loginServer } : {}),
    });
    world.known = { aliases: known.aliases, find };
    await world.store([runOf({ id: "beta-3", seq: 3, registry: "beta" })], "beta");
    await world.put(await world.partition("beta"), {
      [keys.tag(`${loginServer}/web:main`)]: { run: "beta-3", digest },
    });
    for (const reference of [`${loginServer}/web:main`, "web:main"])
      expect((await world.get("why", { reference })).json).toMatchObject({ run: { id: "beta-3" } });
  });
});

describe("why, of a base that somebody else builds", () => {
  const debian = "docker.io/library/debian:12";
  const of = (n: number) => `sha256:${String(n).repeat(64)}`;
  const at = (hour: number) => `2026-11-23T0${hour}:00:00.000Z`;
  beforeEach(async () => {
    await world.put(await world.partition(), stored([trackOf("web", [debian])]));
    const followed: Followed = {
      reference: debian,
      digest: of(3),
      since: at(3),
      past: [
        { digest: of(1), until: at(2) },
        { digest: of(2), until: at(3) },
      ],
      checkedAt: at(4),
      moves: 3,
      failures: 0,
    };
    await world.put(platformPartition, {
      [keys.followed(debian)]: followed,
      [keys.followed("docker.io/library/node:20")]: { ...followed, reference: "docker.io/library/node:20", past: [] },
    });
  });
  const why = async (reference: string) =>
    (await world.get("why", { reference })).json as unknown as {
      why: string;
      bases: { tag: string; until?: string; dependents: { image: string }[] }[];
    };

  it("tells of a tag what is behind it, since when, and who stands on it", async () => {
    for (const reference of [debian, "debian:12"])
      expect(await why(reference)).toEqual({
        reference,
        why: "not built by Slipway: images here stand on it",
        bases: [
          {
            tag: debian,
            now: of(3),
            since: at(3),
            checkedAt: at(4),
            dependents: [expect.objectContaining({ image: "web", on: debian })],
          },
        ],
      });
  });

  it("tells of a digest which tags have it, or until when they had", async () => {
    const seen = async (reference: string) => (await why(reference)).bases.map((b) => [b.tag, b.until]);
    expect(await seen(of(1))).toEqual([[debian, at(2)]]);
    expect(await seen(of(3))).toEqual([
      [debian, undefined],
      ["docker.io/library/node:20", undefined],
    ]);
    expect(await seen(`debian@${of(3)}`)).toEqual([[debian, undefined]]);
    expect((await world.get("why", { reference: `debian@${of(9)}` })).status).toBe(404);
  });

  it("tells who names a digest themselves, beside a tag or without one, and only those", async () => {
    const pin = (name: string, n: number, tag?: string) =>
      trackOf(name, [], {
        bases: [{ reference: `docker.io/library/ruby@${of(n)}`, class: "runtime", pinned: true, ...(tag && { tag }) }],
      });
    const ruby = "docker.io/library/ruby";
    const tracks = [pin("alone", 7), pin("tagged", 7, `${ruby}:3`), pin("old", 6, `${ruby}:3`)];
    await world.put(await world.partition(), stored(tracks));
    const { bases } = await why(`ruby@${of(7)}`);
    const dependent = { on: `${ruby}@${of(7)}`, pinned: true, digest: of(7) };
    expect(bases).toEqual([
      {
        dependents: expect.arrayContaining([
          expect.objectContaining({ image: "alone", ...dependent }),
          expect.objectContaining({ image: "tagged", ...dependent }),
        ]),
      },
    ]);
    expect(bases[0]!.dependents).toHaveLength(2);
    expect((await world.get("why", { reference: `ruby@${of(5)}` })).status).toBe(404);
  });

  it("tells who stands on a tag that nobody has looked at yet", async () => {
    await world.put(await world.partition(), stored([trackOf("api", ["docker.io/library/python:3"])]));
    const { bases } = await why("python:3");
    expect(bases).toMatchObject([{ tag: "docker.io/library/python:3", dependents: [{ image: "api" }] }]);
    expect(bases[0]).not.toHaveProperty("now");
  });
});

describe("an image", () => {
  it("is shown for every ref it is built from, with what it stands on", async () => {
    const built = {
      commit: "c",
      inputs: "i",
      definition: "d",
      bases: { "acme.azurecr.io/base:main": digest },
      proved: true,
      digest,
      run: "acme-1",
      at: "t",
    };
    await world.put(await world.partition(), stored([trackOf("web", ["base"], { built }), trackOf("base")]));
    const { tracks } = (await world.get("images/web")).json as unknown as { tracks: Record<string, unknown>[] };
    expect(tracks).toMatchObject([
      {
        ref: "refs/heads/main",
        registry: "acme",
        bases: [{ reference: "acme.azurecr.io/base:main", digest }],
        built: { digest },
      },
    ]);
    expect((await world.get("images/none")).status).toBe(404);
    expect(((await world.get("images")).json as unknown as { images: unknown[] }).images).toHaveLength(2);
  });
});

describe("who stands on an image", () => {
  const base = referenceOf("base");
  const pin = (n: number) => ({
    reference: `acme.azurecr.io/base@sha256:${String(n).repeat(64)}`,
    class: "runtime" as const,
    pinned: true,
    tag: base,
  });
  beforeEach(async () => {
    const made = { [keys.tag(base)]: { run: "acme-12", digest }, [keys.run(12)]: runOf({ status: "Succeeded" }) };
    await world.put(await world.partition(), {
      ...stored([trackOf("base"), trackOf("web", ["base"]), trackOf("old", [], { bases: [pin(1)] })]),
      ...made,
    });
    await world.put(await world.partition("beta"), stored([trackOf("far", ["base"])]));
  });
  const shown = async (name: string) => {
    const { tracks } = (await world.get(`images/${name}`)).json as unknown as { tracks: Record<string, never>[] };
    return tracks[0] as unknown as { dependents: { image: string }[]; bases: Record<string, unknown>[] };
  };

  it("is named for every registry, and with those that name a digest", async () => {
    const { dependents } = await shown("base");
    const common = { ref: "refs/heads/main", source: "acme/platform", on: base };
    expect(dependents.toSorted((a, b) => (a.image < b.image ? -1 : 1))).toEqual([
      { image: "far", registry: "beta", ...common },
      { image: "old", registry: "acme", ...common, pinned: true, digest: `sha256:${"1".repeat(64)}` },
      { image: "web", registry: "acme", ...common },
    ]);
  });

  it("shows a pinned image what is behind the tag it was written with", async () => {
    await world.put(await world.partition(), {
      [keys.run(12)]: runOf({ status: "Succeeded", times: { Succeeded: "2026-11-23T10:00:00.000Z" } }),
    });
    expect((await shown("old")).bases).toEqual([
      {
        ...pin(1),
        digest: `sha256:${"1".repeat(64)}`,
        now: digest,
        newerSince: "2026-11-23T10:00:00.000Z",
        hoursBehind: 2,
      },
    ]);
  });

  it("is an edge of the graph from the image, pinned or not", async () => {
    const { edges } = (await world.get("graph")).json as unknown as { edges: Record<string, unknown>[] };
    const [from, to] = ["base", "old"].map((name) => `acme/acme/platform/${name}@refs/heads/main`);
    expect(edges).toContainEqual({ from, to, class: "runtime", pinned: true });
    expect((await world.get("graph", { format: "dot" })).text).toContain(`"${from}" -> "${to}" [style=dotted];`);
  });
});

describe("health", () => {
  const health = async () => {
    const { status, json } = await world.get("health");
    const { checks } = json as unknown as { checks: { name: string; ok: boolean; detail: string }[] };
    return {
      status,
      of: (name: string) => checks.find((c) => c.name === name),
      failing: checks.filter((c) => !c.ok).length,
    };
  };

  it("is 200 when everything answers, with a sentence each", async () => {
    const now = await health();
    expect([now.status, now.failing]).toEqual([200, 0]);
    expect(now.of("registry acme")?.detail).toBe("acme.azurecr.io answers; 0 runs at ACR");
  });

  it("is 503 and says what is wrong with each that does not answer", async () => {
    world.gitHubFault = new Error("GitHub: 401");
    world.armFault = new Error("ARM: 403");
    const now = await health();
    expect([now.status, now.failing]).toEqual([503, 3]);
    expect(now.of("github")?.detail).toBe("GitHub: 401");
    expect(now.of("registry beta")?.detail).toBe("ARM: 403");
    expect(now.of("storage")?.ok).toBe(true);
  });

  it("names a pass that died and that nobody took over", async () => {
    await world.put(await world.partition(), { [keys.lease]: { holder: "x", ttlSeconds: 20, seenWake: "" } });
    world.now += 300_000;
    expect((await health()).failing).toBe(0);
    world.now += 1000;
    expect((await health()).of("registry acme")).toMatchObject({
      ok: false,
      detail: expect.stringContaining("301 s ago"),
    });
  });

  it("counts messages that failed for good and rows that were set aside", async () => {
    await world.put(platformPartition, { [keys.poison(1, "m")]: {} });
    await world.put(await world.partition(), { [keys.stuck("d-1")]: {} });
    const now = await health();
    expect(now.of("storage")?.detail).toMatch(/^1 messages failed for good/);
    expect(now.of("registry acme")?.detail).toContain("1 inbox rows could not be worked off");
  });

  it("says until when ACR asked us to wait, while that is so", async () => {
    const until = new Date(world.now + 1000).toISOString();
    await world.put(await world.partition(), { [keys.throttle]: { until } });
    expect((await health()).of("registry acme")?.detail).toContain(`ACR asked us to wait until ${until}`);
    world.now += 1000;
    expect((await health()).of("registry acme")?.detail).not.toContain("wait");
  });
});
