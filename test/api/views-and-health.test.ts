import { beforeEach, describe, expect, it } from "vitest";
import { key, keys } from "../../src/core/state/keys.ts";
import type { Run } from "../../src/core/state/rows.ts";
import { platformPartition } from "../../src/handlers/registries.ts";
import { attemptOf, runOf, stored, trackOf } from "../core/state/rows-of.ts";
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
  ])("says so for %s", async (_name, reference, status) => {
    expect((await world.get("why", { reference })).status).toBe(status);
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
    await world.put(platformPartition, { [key("poison", "1", "m")]: {} });
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
