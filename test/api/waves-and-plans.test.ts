import { describe, expect, it } from "vitest";
import { dispatch } from "../../src/api/route.ts";
import { readRoutes, writeRoutes } from "../../src/api/routes.ts";
import { keys, rangeOf } from "../../src/core/state/keys.ts";
import type { Inbox } from "../../src/core/state/rows.ts";
import { commitOf, digestOf as d, debian, main, type SimImage, Simulation, uneven } from "../support/simulation.ts";
import { asDocumented } from "./as-documented.ts";

/** A simulated registry that has lived through a base update, and the API over it. */
class Story {
  readonly sim = new Simulation();
  #ids = 0;

  async built(images: readonly SimImage[] = uneven): Promise<this> {
    this.sim.moveTag(debian, d(1));
    await this.sim.push(images, commitOf(1));
    await this.sim.settle();
    return this;
  }
  async baseMoved(to = d(2)): Promise<this> {
    this.sim.moveTag(debian, to);
    this.sim.tellTag(debian);
    await this.sim.settle();
    return this;
  }
  /** Somebody tells of an image's tag, and what comes of it has come to rest. */
  async told(image: string): Promise<void> {
    this.sim.tellTag(image);
    await this.sim.settle();
  }
  async made(image: string): Promise<string | undefined> {
    return (await this.sim.tracks()).find((track) => track.image === image)?.built?.digest;
  }
  async ask(method: string, path: string, body?: unknown, query: Readonly<Record<string, string>> = {}) {
    const { sim } = this;
    const registry = await sim.registry();
    const ports = {
      rows: sim.rows,
      registries: { aliases: ["acme"], find: async () => registry },
      queues: { send: async () => {}, drainPoison: async () => {} },
      now: () => sim.now,
      newId: () => `new-${++this.#ids}`,
      resolveDigest: async (reference: string) => ({ kind: "found", digest: sim.tags.get(reference)! }) as const,
      policy: { waves: sim.waves, freeze: sim.freeze },
      mayPublish: () => true,
      readRefAs: async () => ({ kind: "refused", message: "no GitHub here" }) as const,
    };
    const routes = asDocumented([...readRoutes(ports as never), ...writeRoutes(ports)]);
    const answer = await dispatch(routes, {
      method,
      path,
      query: new Map(Object.entries(query)),
      header: () => undefined,
      text: async () => (body === undefined ? "" : JSON.stringify(body)),
    });
    const text = String(answer.body);
    return {
      status: answer.status,
      text,
      json: answer.headers["content-type"]?.includes("json") ? JSON.parse(text) : undefined,
    };
  }
  async words(): Promise<readonly Inbox[]> {
    const { partition } = await this.sim.registry();
    return (await this.sim.rows.list(partition, rangeOf("in"), 10)).map((r) => r.value as Inbox);
  }
  async stored(): Promise<string> {
    const { partition } = await this.sim.registry();
    return JSON.stringify((await this.sim.rows.list(partition, { from: "", to: "~~~~" }, 10_000)).map((r) => r.value));
  }
}

describe("POST /plans", () => {
  it("says what a moved base would build, in order and why, and builds nothing", async () => {
    const story = await new Story().built();
    const before = await story.stored();
    const { json } = await story.ask("POST", "plans", { base: "debian:12", digest: d(2) });
    expect(json.plans).toHaveLength(1);
    expect(json.plans[0].runs.map((r: { image: string; level: number }) => [r.image, r.level])).toEqual([
      ["a", 1],
      ["b", 2],
      ["c", 2],
      ["e", 3],
      ["z", 4],
    ]);
    expect(json.plans[0].runs[0].why).toEqual([`base ${debian} moved from sha256:111111111111 to sha256:222222222222`]);
    expect(await story.stored()).toBe(before);
    await story.sim.settle();
    expect(story.sim.acrRuns).toHaveLength(5);
  });

  it("says of a rebuild what would be built with it", async () => {
    const story = await new Story().built();
    const { json } = await story.ask("POST", "plans", { image: "c" });
    expect(json.plans[0].runs.map((r: { image: string }) => r.image)).toEqual(["c", "e", "z"]);
  });

  it("of an image that nobody builds is 404, as its rebuild is", async () => {
    const story = await new Story().built();
    const detail = "no image nobody is built by Slipway";
    expect((await story.ask("POST", "plans", { image: "nobody" })).json).toMatchObject({ status: 404, detail });
    expect((await story.ask("POST", "images/nobody/rebuild")).json).toMatchObject({ status: 404, detail });
    const elsewhere = { image: "c", ref: "refs/heads/none" };
    expect((await story.ask("POST", "plans", elsewhere)).json.detail).toBe(
      "no image c from refs/heads/none is built by Slipway",
    );
  });

  it("says why nothing would be built", async () => {
    const story = await new Story().built();
    const { json } = await story.ask("POST", "plans", { base: "alpine:3" });
    expect(json).toMatchObject({ plans: [], skipped: [{ reason: "base-not-followed" }] });
  });

  it("says of a base that moves nobody knows where only that it would", async () => {
    const story = await new Story().built();
    const { json, text } = await story.ask("POST", "plans", { base: "debian:12" });
    expect(json.plans[0].runs[0]).toMatchObject({
      why: [`base ${debian} would move from sha256:111111111111`],
      reasons: [{ kind: "base", reference: debian, from: d(1) }],
    });
    expect(text).not.toMatch(/unknown|0{12}/);
  });

  it("understands the name of a repository of our own without its login server", async () => {
    const story = await new Story().built();
    for (const base of ["a:main", "acme.azurecr.io/a:main"]) {
      const { json } = await story.ask("POST", "plans", { base });
      expect(json.plans[0].runs.map((r: { image: string }) => r.image)).toEqual(["b", "c", "e", "z"]);
    }
    const { json } = await story.ask("POST", "plans", { base: "nobody:main" });
    expect(json.skipped[0].message).toBe("no image stands on docker.io/library/nobody:main");
    expect((await story.ask("POST", "plans", { base: "no:$x" })).json.detail).toMatch(/^body.base: /);
  });

  it("says what a question may be", async () => {
    const { json } = await (await new Story().built()).ask("POST", "plans", { reference: debian });
    expect(json).toMatchObject({ status: 400, detail: expect.stringMatching(/"base".*"source".*"image"/) });
  });

  it("plans a large graph through all of its steps", async () => {
    const many = Array.from({ length: 150 }, (_, i) => ({ name: `i${i}`, files: "x", on: [debian] }));
    const story = await new Story().built(many);
    const { json } = await story.ask("POST", "plans", { base: debian });
    expect(json.plans[0].planned).toBe(150);
  });

  it("refuses what is neither a base, a ref nor an image", async () => {
    const story = await new Story().built();
    expect((await story.ask("POST", "plans", { base: "a", image: "b" })).status).toBe(400);
    expect((await story.ask("POST", "plans", { source: "acme/platform", ref: main })).status).toBe(409);
  });
});

describe("POST /decisions/{id}/replay", () => {
  it("makes an old decision again from what it was made from, though everything is built by now", async () => {
    const story = await (await new Story().built()).baseMoved();
    const [decision] = (await story.sim.decisions()).filter((x) => x.cause.kind === "registry-event");
    const { json } = await story.ask("POST", `decisions/${decision!.id}/replay`);
    expect(json.plans[0].facts).toBe("as they were");
    expect(json.plans[0].decided).toMatchObject({ planned: 5, images: ["a", "b", "c", "e", "z"] });
    expect(json.plans[0].runs.map((r: { image: string }) => r.image)).toEqual(["a", "b", "c", "e", "z"]);
    expect(json.plans[0].runs[0].reasons).toEqual([{ kind: "base", reference: debian, from: d(1), to: d(2) }]);
  });

  const planAgain = async (story: Story, id: string) => {
    const { json } = await story.ask("POST", `decisions/${id}/replay`);
    const [plan] = json.plans;
    return { planned: plan.planned, decided: plan.decided.planned, facts: plan.facts, runs: plan.runs };
  };
  const changed = (files: string) => uneven.map((i) => (i.name === "c" ? { ...i, files } : i));

  it("of a push that others have followed is that push's", async () => {
    const story = await new Story().built();
    for (const n of [2, 3]) {
      await story.sim.push(changed(`c${n}`), commitOf(n), { id: `push-${n}` });
      await story.sim.settle();
    }
    const again = await planAgain(story, "push-2");
    expect(again).toMatchObject({ planned: 3, decided: 3, facts: "as they were" });
    expect(again.runs[0].reasons).toEqual([{ kind: "commit", from: commitOf(1), to: commitOf(2), paths: [] }]);
  });

  it.each([5, 60])("of one that joined what was planned joins it again (%i images)", async (count) => {
    const many = Array.from({ length: count }, (_, i): SimImage => ({ name: `i${i}`, files: "x", on: [debian] }));
    const story = await new Story().built(many);
    const { sim } = story;
    sim.maxRuns = 0;
    for (const n of [2, 3]) {
      sim.moveTag(debian, d(n));
      sim.tellTag(debian);
      await sim.settle({ hours: 0.1 });
    }
    sim.maxRuns = 8;
    await sim.settle();
    const [joined] = (await sim.decisions()).filter((x) => x.cause.kind === "registry-event");
    expect(await planAgain(story, joined!.id)).toMatchObject({ planned: count, decided: count, facts: "as they were" });
  });

  it.each([5, 60])("of a first build finds nothing built (%i images)", async (count) => {
    const many = Array.from({ length: count }, (_, i): SimImage => ({ name: `i${i}`, files: "x", on: [debian] }));
    const story = await new Story().built(many);
    const [first] = (await story.sim.decisions()).slice(-1);
    const again = await planAgain(story, first!.id);
    expect(again).toMatchObject({ planned: count, decided: count, facts: "as they were" });
    expect(again.runs[count - 1].reasons).toEqual([{ kind: "first-build" }]);
  });

  it("follows today's configuration", async () => {
    const story = await (await new Story().built()).baseMoved();
    const [decision] = (await story.sim.decisions()).filter((x) => x.cause.kind === "registry-event");
    story.sim.freeze = [{ kind: "once", from: 0, until: story.sim.now + 1000, why: "today" }];
    const { json } = await story.ask("POST", `decisions/${decision!.id}/replay`);
    expect(json.plans[0].runs[0].hold).toMatchObject({ kind: "frozen", why: "today" });
  });

  const replayed = async (story: Story, id: string) => (await story.ask("POST", `decisions/${id}/replay`)).json;
  const asked = async (story: Story, path: string): Promise<string> => {
    const { id } = (await story.ask("POST", path)).json;
    await story.sim.word((await story.words()).find((word) => word.id === id)!);
    await story.sim.settle();
    return id;
  };

  it("of what was done at once says what would be done", async () => {
    const story = await (await new Story().built()).baseMoved();
    const [wave] = (await story.ask("GET", "waves")).json.waves;
    const stop = await replayed(story, await asked(story, `waves/${wave.id}/stop`));
    expect(stop.plans).toMatchObject([{ planned: 0, done: expect.stringMatching(/^stopped wave/) }]);
    expect(stop.plans[0].decided.done).toBe(stop.plans[0].done);
    const cancel = await replayed(story, await asked(story, "runs/acme-1/cancel"));
    expect(cancel.plans).toMatchObject([{ skipped: [{ reason: "run-already-ended" }], facts: "as they were" }]);
  });

  it("of what no registry planned says so, and where to ask", async () => {
    const story = await (await new Story().built()).baseMoved();
    story.sim.tellTag("docker.io/library/alpine:3", "acr-webhook", "acr-webhook:alpine");
    await story.sim.settle();
    expect(await replayed(story, "acr-webhook:alpine")).toMatchObject({
      status: 409,
      detail: expect.stringMatching(/base-not-followed \(no image stands on .*alpine:3\); POST \/plans/),
    });
    expect((await story.ask("POST", "decisions/nothing/replay")).status).toBe(404);
  });

  it("of what an older version kept nothing of says that", async () => {
    const story = await new Story().built();
    const { partition } = await story.sim.registry();
    const [decision] = await story.sim.decisions();
    await story.sim.rows.transact(partition, [{ kind: "remove", key: keys.facts(decision!.id) }]);
    expect(await replayed(story, decision!.id)).toMatchObject({
      status: 409,
      detail: `what ${decision!.id} was decided from in acme is not kept`,
    });
  });
});

describe("a decision", () => {
  const ids = (answer: { json: { decisions: { id: string }[] } }) => answer.json.decisions.map((x) => x.id);

  it("is found by the event that its runs name as their cause, and is one", async () => {
    const story = await (await new Story().built()).baseMoved();
    const [run] = (await story.ask("GET", "runs", undefined, { image: "a" })).json.runs;
    const [root] = (await story.ask("GET", `runs/${run.id}`)).json.cause;
    expect(root.kind).toBe("registry-event");
    const found = await story.ask("GET", `decisions/${root.id}`);
    expect(found.json.decisions).toMatchObject([{ plannedCount: 5, cause: root }]);
    const [id] = ids(found);
    expect(id).toMatch(/^tag-/);
    expect(ids(await story.ask("GET", `decisions/${id}`))).toEqual([id]);
    expect(ids(await story.ask("GET", "decisions")).filter((x) => x === id || x === root.id)).toEqual([id]);
    expect((await story.ask("POST", `decisions/${root.id}/replay`)).json.plans[0].decided.planned).toBe(5);
    await story.sim.word({
      kind: "tag-moved",
      id: id!,
      cause: { ...root, id: "later" },
      reference: debian,
      digest: d(2),
    });
    await story.sim.settle();
    expect(ids(await story.ask("GET", "decisions/later")), "another event that left the same word").toEqual([id]);
  });
});

describe("decisions", () => {
  it("are not drowned by pushes that are news to nobody, which are found by id and by reason", async () => {
    const story = await new Story().built();
    const before = (await story.ask("GET", "decisions")).json.decisions;
    for (let n = 0; n < 30; n++)
      story.sim.tellTag(`acme.azurecr.io/z:main-${n}`, "acr-webhook", `acr-webhook:own-${n}`);
    story.sim.tellTag("a", "acr-webhook", "acr-webhook:stable");
    await story.sim.settle();
    expect((await story.ask("GET", "decisions")).json.decisions).toEqual(before);
    const { decisions } = (await story.ask("GET", "decisions/acr-webhook:own-7")).json;
    expect(decisions).toMatchObject([{ skipped: [{ reason: "base-not-followed" }] }]);
    const page = await story.ask("GET", "decisions", undefined, { reason: "base-not-followed", limit: "20" });
    expect([page.json.decisions.length, page.json.next]).toEqual([20, expect.any(String)]);
    const own = await story.ask("GET", "decisions", undefined, { reason: "own-push" });
    expect(own.json.decisions.map((x: { id: string }) => x.id)).toEqual(["acr-webhook:stable"]);
    expect((await story.ask("GET", "decisions", undefined, { reason: "none" })).status).toBe(400);
  });
});

describe("waves", () => {
  it("are listed newest first, with how far they are", async () => {
    const story = await (await new Story().built()).baseMoved();
    const { json } = await story.ask("GET", "waves");
    expect(json.waves.map((w: { cause: { kind: string } }) => w.cause.kind)).toEqual(["registry-event", "delivery"]);
    expect(json.waves[0]).toMatchObject({
      state: "ended",
      planned: 5,
      open: 0,
      failed: 0,
      ended: { Succeeded: 5 },
      levels: 4,
    });
    const paged = await story.ask("GET", "waves", undefined, { limit: "1" });
    const rest = await story.ask("GET", "waves", undefined, { limit: "1", after: paged.json.next });
    expect(rest.json.waves[0].id).toBe(json.waves[1].id);
  });

  it("show each image's level and state, page by page", async () => {
    const story = await (await new Story().built()).baseMoved();
    const { json } = await story.ask("GET", "waves");
    const id = json.waves[0].id;
    const first = await story.ask("GET", `waves/${id}`, undefined, { limit: "3" });
    expect(first.json.waves[0].images.map((i: { image: string; state: string }) => [i.image, i.state])).toEqual([
      ["a", "fresh"],
      ["b", "fresh"],
      ["c", "fresh"],
    ]);
    const second = await story.ask("GET", `waves/${id}`, undefined, { limit: "3", after: first.json.waves[0].next });
    expect(second.json.waves[0].images.map((i: { image: string }) => i.image)).toEqual(["e", "z"]);
    expect(second.json.waves[0].next).toBeUndefined();
  });

  it("show those of one owner, as many as were asked for if there are so many", async () => {
    const story = await (await new Story().built()).baseMoved();
    const { id } = (await story.ask("GET", "waves")).json.waves[0];
    const { partition } = await story.sim.registry();
    const rows = await story.sim.rows.list(partition, rangeOf("inwave", id), 10);
    for (const [n, { key, value }] of rows.entries())
      await story.sim.rows.transact(partition, [
        { kind: "put", key, value: { ...(value as object), owner: n % 2 === 0 ? "even" : "odd" } },
      ]);
    const page = async (query: Readonly<Record<string, string>>) => {
      const [wave] = (await story.ask("GET", `waves/${id}`, undefined, query)).json.waves;
      return { images: wave.images.map((i: { image: string }) => i.image), next: wave.next };
    };
    expect((await page({ owner: "odd" })).images).toEqual(["b", "e"]);
    expect(await page({ owner: "nobody", limit: "2" })).toEqual({ images: [], next: undefined });
    const first = await page({ owner: "even", limit: "2" });
    expect(first.images).toEqual(["a", "c"]);
    expect(await page({ owner: "even", limit: "2", after: first.next })).toEqual({ images: ["z"], next: undefined });
    expect((await story.ask("GET", `waves/${id}`, undefined, { after: "acme-1" })).status).toBe(400);
  });

  it("name what failed and what is blocked by it", async () => {
    const story = await new Story().built();
    story.sim.outcome = (repository) => (repository === "c" ? "Failed" : "Succeeded");
    await story.baseMoved();
    const { json } = await story.ask("GET", "waves");
    const shown = await story.ask("GET", `waves/${json.waves[0].id}`);
    const states = Object.fromEntries(
      shown.json.waves[0].images.map((i: { image: string; state: string }) => [i.image, i.state]),
    );
    expect(states).toMatchObject({ a: "fresh", b: "fresh", c: "failed", e: "blocked" });
  });

  it("tell an image that left slipway.yaml from one that is blocked", async () => {
    const story = await new Story().built();
    story.sim.maxRuns = 0;
    await story.baseMoved();
    await story.sim.push(
      uneven.filter((image) => image.name !== "z"),
      commitOf(2),
    );
    await story.sim.settle({ hours: 1 });
    const { json } = await story.ask("GET", "waves", undefined, { limit: "100" });
    const wave = json.waves.find((w: { cause: { kind: string } }) => w.cause.kind === "registry-event");
    const shown = await story.ask("GET", `waves/${wave.id}`);
    const states = shown.json.waves[0].images.map((i: { image: string; state: string }) => [i.image, i.state]);
    expect(states).toContainEqual(["z", "retired"]);
  });

  it("can be stopped and let go on; 404 for one that is not there", async () => {
    const story = await (await new Story().built()).baseMoved();
    const { json } = await story.ask("GET", "waves");
    const { id } = json.waves[0];
    expect((await story.ask("POST", `waves/${id}/stop`)).status).toBe(202);
    expect(await story.words()).toMatchObject([{ kind: "wave-requested", wave: id, action: "stop" }]);
    expect((await story.ask("POST", "waves/none/continue")).status).toBe(404);
  });
});

describe("pauses", () => {
  it("of an image that has left can be ended", async () => {
    const story = await new Story().built();
    const settled = async (path: string, body: object) => {
      const { status } = await story.ask("POST", path, body);
      for (const word of await story.words()) await story.sim.word(word);
      await story.sim.settle();
      return status;
    };
    expect(await settled("pause", { image: "z", why: "incident 7" })).toBe(202);
    await story.sim.push(
      uneven.filter((image) => image.name !== "z"),
      commitOf(2),
    );
    await story.sim.settle();
    expect((await story.ask("GET", "pauses")).json.pauses).toHaveLength(1);
    expect(await settled("resume", { image: "z" })).toBe(202);
    expect((await story.ask("GET", "pauses")).json.pauses).toEqual([]);
    expect(await settled("resume", { image: "z" })).toBe(404);
  });

  it("are asked for by image or registry, and shown until they end", async () => {
    const story = await new Story().built();
    const asked = await story.ask("POST", "pause", { image: "a", why: "incident 7" });
    expect(asked.json).toMatchObject({ registries: ["acme"] });
    await story.sim.word((await story.words())[0]!);
    await story.sim.settle();
    expect((await story.ask("GET", "pauses")).json.pauses).toMatchObject([
      { registry: "acme", image: "a", why: "incident 7" },
    ]);
    await story.ask("POST", "resume", { image: "a" });
    await story.sim.word((await story.words())[0]!);
    await story.sim.settle();
    expect((await story.ask("GET", "pauses")).json.pauses).toEqual([]);
    expect((await story.ask("POST", "pause", { image: "nope", why: "x" })).status).toBe(404);
  });
});

describe("an image", () => {
  it("shows its bases, how far behind it is, and who stands on it", async () => {
    const story = await new Story().built();
    story.sim.outcome = (repository) => (repository === "a" ? "Failed" : "Succeeded");
    await story.baseMoved();
    story.sim.now += 3_600_000;
    const { json } = await story.ask("GET", "images/a");
    const [track] = json.tracks;
    expect(track.bases).toEqual([
      expect.objectContaining({
        reference: debian,
        digest: d(1),
        now: d(2),
        newerSince: expect.any(String),
        hoursBehind: expect.any(Number),
      }),
    ]);
    expect(track.bases[0].hoursBehind).toBeGreaterThan(0.9);
    expect(track.dependents.map((x: { image: string }) => x.image)).toEqual(["b", "c"]);
    const fresh = (await story.ask("GET", "images/b")).json.tracks[0].bases[0];
    expect(fresh.hoursBehind).toBeUndefined();
    expect(fresh.now).toBe(fresh.digest);
  });

  const baseOf = async (story: Story, image: string) =>
    (await story.ask("GET", `images/${image}`)).json.tracks[0].bases[0];
  const hours = (story: Story, n: number) => {
    story.sim.now += n * 3_600_000;
  };

  it("that is stuck is as far behind as it is, though the base moves again and again", async () => {
    const story = await (await new Story().built()).baseMoved();
    story.sim.outcome = (repository) => (repository === "a" ? "Failed" : "Succeeded");
    await story.baseMoved(d(3));
    hours(story, 100);
    await story.baseMoved(d(4));
    const base = await baseOf(story, "a");
    expect(base).toMatchObject({ digest: d(2), now: d(4) });
    expect(base.hoursBehind).toBeGreaterThan(100);
  });

  it("that is stuck on an image of ours likewise", async () => {
    const story = await new Story().built();
    const before = (await baseOf(story, "b")).digest;
    story.sim.outcome = (repository) => (repository === "b" ? "Failed" : "Succeeded");
    await story.baseMoved();
    hours(story, 100);
    await story.baseMoved(d(3));
    const base = await baseOf(story, "b");
    expect(base.digest).toBe(before);
    expect(base.now).toBe(await story.made("a"));
    expect(base.hoursBehind).toBeGreaterThan(100);
  });

  it("that was built after anybody looked at its base is not behind what was seen before", async () => {
    const story = await new Story().built();
    await story.told("a");
    hours(story, 50);
    await story.baseMoved();
    expect(await baseOf(story, "b")).toMatchObject({ now: await story.made("a"), digest: await story.made("a") });
    expect(await baseOf(story, "b")).not.toHaveProperty("hoursBehind");
    hours(story, 50);
    story.sim.moveTag(debian, d(3));
    await story.sim.push([{ ...uneven[0]!, files: "a 2" }, ...uneven.slice(1)], commitOf(2));
    await story.sim.settle();
    expect(await baseOf(story, "a")).toMatchObject({ now: d(3), digest: d(3) });
    expect(await baseOf(story, "a")).not.toHaveProperty("hoursBehind");
  });

  it("is behind what somebody else pushed over an image of ours since", async () => {
    const story = await new Story().built();
    hours(story, 1);
    story.sim.outcome = (repository) => (repository === "b" ? "Failed" : "Succeeded");
    story.sim.moveTag("a", d(9));
    await story.told("a");
    expect(await baseOf(story, "b")).toMatchObject({ now: d(9), hoursBehind: expect.any(Number) });
  });
});

describe("why", () => {
  it("tells of a tag that somebody else pushed over what is there now too, and who stands on it", async () => {
    const story = await new Story().built();
    const why = async () => (await story.ask("GET", "why", undefined, { reference: "a:main" })).json;
    await story.told("a");
    expect(await why()).toEqual({
      reference: "a:main",
      run: expect.objectContaining({ digest: await story.made("a") }),
    });
    story.sim.now += 3_600_000;
    story.sim.moveTag("a", d(9));
    await story.told("a");
    expect(await why()).toMatchObject({
      run: { digest: await story.made("a") },
      why: "somebody else pushed over what this run of Slipway's built",
      bases: [{ tag: "acme.azurecr.io/a:main", now: d(9), dependents: [{ image: "b" }, { image: "c" }] }],
    });
    await story.sim.push([{ ...uneven[0]!, files: "a 2" }, ...uneven.slice(1)], commitOf(2));
    await story.sim.settle();
    expect(await why()).not.toHaveProperty("bases");
  });
});

describe("the OpenAPI document", () => {
  it("says all that is answered of a history with canaries, failures, holds, a cancellation and a pause", async () => {
    const story = await new Story().built();
    story.sim.outcome = (repository) => (repository === "c" ? "Failed" : "Succeeded");
    story.sim.waves = { ...story.sim.waves, largeFrom: 2 };
    await story.baseMoved();
    const act = async (path: string, body?: unknown) => {
      await story.ask("POST", path, body);
      await story.sim.word((await story.words())[0]!);
    };
    await act("pause", { why: "incident 7" });
    await act("runs/acme-1/cancel");
    await act("images/a/rebuild");
    await story.sim.settle({ until: () => story.sim.acrRuns.length > 8 });
    const list = async (path: string) => Object.values((await story.ask("GET", path)).json)[0] as { id: string }[];
    const paths = ["images", "images/a", "images/e", "graph", "pauses", "why?a:main", "why?debian:12"];
    for (const of of ["runs", "waves", "decisions"]) paths.push(of, ...(await list(of)).map(({ id }) => `${of}/${id}`));
    for (const path of paths) {
      const [template, reference] = path.split("?");
      // What is wrong with an answer fails as it is given: see `asDocumented`.
      expect((await story.ask("GET", template!, undefined, reference ? { reference } : {})).status, path).toBe(200);
    }
  });
});

describe("the graph", () => {
  it("has every image, every base that nobody here builds, and who stands on whom", async () => {
    const story = await new Story().built();
    const { json } = await story.ask("GET", "graph");
    expect(json.nodes.filter((n: { kind: string }) => n.kind === "base")).toEqual([{ id: debian, kind: "base" }]);
    expect(json.edges).toHaveLength(6);
    expect(json.edges).toContainEqual({
      from: debian,
      to: `acme/acme/platform/a@${main}`,
      class: "runtime",
      pinned: false,
    });
  });

  it("is DOT when asked, with names that cannot leave their quotes", async () => {
    const story = await new Story().built();
    const { text } = await story.ask("GET", "graph", undefined, { format: "dot" });
    expect(text).toMatch(/^digraph slipway \{\n/);
    expect(text).toContain(`"${debian}" -> "acme/acme/platform/a@${main}";`);
  });
});
