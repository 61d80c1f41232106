import { describe, expect, it } from "vitest";
import { rangeOf } from "../../src/core/state/keys.ts";
import type { Run } from "../../src/core/state/rows.ts";
import { commitOf, debian, diamond, digestOf, main, type SimImage, Simulation, source } from "../support/simulation.ts";

const statuses = (runs: readonly Run[]) => runs.map((r) => `${r.image} ${r.status}`);

/** A diamond that has been built once. */
async function builtDiamond(): Promise<Simulation> {
  const sim = new Simulation();
  await sim.push(diamond(), commitOf(1));
  await sim.settle();
  return sim;
}

async function runsAfter(sim: Simulation, commit: string): Promise<readonly Run[]> {
  return (await sim.runs()).filter((r) => r.commit === commit);
}

describe("what a push builds", () => {
  it("is what changed and everything that stands on it, in order, each once", async () => {
    const sim = await builtDiamond();
    const before = sim.acrRuns.length;
    await sim.push(diamond({ tools: "tools v2" }), commitOf(2));
    await sim.settle();
    expect(sim.acrRuns.slice(before).map((r) => r.repository)).toEqual(["tools", "assets", "app"]);
    const [, assets, app] = await runsAfter(sim, commitOf(2));
    expect(assets?.reasons).toEqual([
      expect.objectContaining({
        kind: "base",
        reference: sim.referenceOf("tools"),
        from: expect.stringMatching(/^sha256/),
        to: expect.stringMatching(/^sha256/),
      }),
    ]);
    expect(app?.cause).toEqual({ kind: "run", id: assets?.id });
  });

  it("is nothing when the same head is told again, in whatever order and under whatever id", async () => {
    const sim = await builtDiamond();
    const before = sim.acrRuns.length;
    for (let i = 0; i < 20; i++) await sim.push(diamond(), commitOf(1), { id: `again-${i}` });
    await sim.settle();
    expect(sim.acrRuns.length).toBe(before);
    const decision = (await sim.decisions()).find((d) => d.id === "again-3");
    expect(decision?.skipped).toEqual([
      { reason: "nothing-changed", count: 5, images: expect.arrayContaining(["app"]) },
    ]);
  });

  it("is the dependents of another branch's tag too, at the head of their own ref", async () => {
    const sim = await builtDiamond();
    const other = { ...source, id: 8, fullName: "acme/web" };
    await sim.push([{ name: "web", files: "web", on: [sim.referenceOf("app")] }], commitOf(9), { source: other });
    await sim.settle();
    await sim.push(diamond({ app: "app v2" }), commitOf(2));
    await sim.settle();
    expect(sim.builds("web")).toBe(2);
    const web = (await sim.runs()).filter((r) => r.image === "web").at(-1);
    expect(web?.commit).toBe(commitOf(9));
    expect(web?.reasons[0]?.kind).toBe("base");
  });
});

describe("newer commits", () => {
  it("supersede what is planned and keep its reasons, its waves and its place", async () => {
    const sim = await builtDiamond();
    await sim.push(diamond({ base: "base v2" }), commitOf(2));
    await sim.settle({ until: () => sim.acrRuns.length === 6 });
    await sim.push(diamond({ base: "base v2", app: "app v3" }), commitOf(3));
    await sim.settle();
    const app = (await sim.runs()).filter((r) => r.image === "app");
    expect(statuses(app)).toEqual(["app Succeeded", "app Superseded", "app Succeeded"]);
    expect(app[2]?.order).toBe(app[1]?.seq);
    expect(app[1]?.supersededBy).toBe(app[2]?.id);
    expect(app[2]?.reasons.map((r) => r.kind).sort()).toEqual(["base", "base", "commit"]);
    expect(sim.builds("app")).toBe(2);
    expect(sim.lastStatus(commitOf(2), "slipway/app")).toMatchObject({
      state: "error",
      description: expect.stringContaining("superseded"),
    });
  });

  it("that go back to what is built (A, B, A) build nothing when B was not built yet", async () => {
    const sim = await builtDiamond();
    const before = sim.acrRuns.length;
    sim.maxRuns = 0;
    await sim.push(diamond({ app: "app B" }), commitOf(2));
    await sim.settle({ hours: 0.05 });
    await sim.push(diamond(), commitOf(3));
    sim.maxRuns = 2;
    await sim.settle();
    expect(sim.acrRuns.length).toBe(before);
    const app = (await sim.runs()).filter((r) => r.image === "app");
    expect(statuses(app)).toEqual(["app Succeeded", "app Superseded", "app Skipped"]);
    expect(app[2]?.ended?.code).toBe("nothing-changed");
    expect(sim.lastStatus(commitOf(3), "slipway/app")?.state).toBe("success");
  });

  it("that go back after B was built do build, and move the stable tag back", async () => {
    const sim = await builtDiamond();
    const first = sim.tags.get(sim.referenceOf("app"));
    await sim.push(diamond({ app: "app B" }), commitOf(2));
    await sim.settle();
    expect(sim.tags.get(sim.referenceOf("app"))).not.toBe(first);
    await sim.push(diamond(), commitOf(1), { id: "force-push-back" });
    await sim.settle();
    expect(sim.tags.get(sim.referenceOf("app"))).toBe(first);
    expect(sim.builds("app")).toBe(3);
  });
});

describe("a base that fails", () => {
  it("leaves its dependents on the last good one and says so; a retry brings them up to date", async () => {
    const sim = await builtDiamond();
    const before = new Map(sim.tags);
    sim.outcome = (repository, nth) => (repository === "tools" && nth === 2 ? "Failed" : "Succeeded");
    await sim.push(diamond({ tools: "tools v2" }), commitOf(2));
    await sim.settle();
    expect(statuses(await runsAfter(sim, commitOf(2)))).toEqual(["tools Failed", "assets Skipped", "app Skipped"]);
    expect(sim.tags.get(sim.referenceOf("app"))).toBe(before.get(sim.referenceOf("app")));
    expect(sim.lastStatus(commitOf(2), "slipway/assets")).toMatchObject({
      state: "error",
      description: expect.stringContaining("its base"),
    });
    const failed = (await sim.runs()).find((r) => r.status === "Failed")!;
    await sim.word({
      kind: "retry-requested",
      id: "retry-1",
      cause: { kind: "request", id: "retry-1", action: "retry", at: "" },
      run: failed.id,
    });
    await sim.settle();
    expect([sim.builds("tools"), sim.builds("assets"), sim.builds("app")]).toEqual([3, 2, 2]);
  });

  it("and is planned again already keeps its dependents waiting for that", async () => {
    const sim = await builtDiamond();
    sim.outcome = (repository, nth) => (repository === "base" && nth === 2 ? "Failed" : "Succeeded");
    await sim.push(diamond({ base: "base v2" }), commitOf(2));
    await sim.settle({ until: () => sim.builds("base") === 2 });
    await sim.push(diamond({ base: "base v3" }), commitOf(3));
    await sim.settle();
    const ended = (await sim.runs()).filter((r) => r.commit !== commitOf(1)).map((r) => `${r.image} ${r.status}`);
    expect(ended.filter((e) => e.endsWith("Skipped"))).toEqual([]);
    expect(sim.builds("app")).toBe(2);
  });

  it("does not stop a dependent that has a reason of its own; that one says which base it missed", async () => {
    const sim = await builtDiamond();
    sim.outcome = (repository, nth) => (repository === "base" && nth === 2 ? "Failed" : "Succeeded");
    await sim.push(diamond({ base: "base v2", app: "app v2" }), commitOf(2));
    await sim.settle();
    const runs = await runsAfter(sim, commitOf(2));
    expect(statuses(runs)).toEqual([
      "base Failed",
      "runtime Skipped",
      "tools Skipped",
      "assets Skipped",
      "app Succeeded",
    ]);
    expect(runs.at(-1)?.notes?.join(" ")).toContain("last good one");
  });

  it("that never existed fails the dependent with the base's name", async () => {
    const sim = new Simulation();
    await sim.push([{ name: "web", files: "w", on: ["acme.azurecr.io/no/such:main"] }], commitOf(1));
    await sim.settle();
    const [run] = await sim.runs();
    expect(run).toMatchObject({
      status: "Failed",
      ended: { code: "base-not-found", message: expect.stringContaining("acme.azurecr.io/no/such:main") },
    });
    expect(sim.acrRuns).toEqual([]);
  });
});

describe("a base that moves while its dependent is being built", () => {
  it("leaves the dependent unproved, and it is built once more", async () => {
    const sim = new Simulation();
    sim.tags.set("docker.io/library/node:20", "sha256:old");
    await sim.push([{ name: "web", files: "w", on: ["docker.io/library/node:20"] }], commitOf(1));
    await sim.settle({ until: () => sim.acrRuns.length === 1 });
    sim.tags.set("docker.io/library/node:20", "sha256:new");
    await sim.settle();
    expect(sim.builds("web")).toBe(2);
    const [track] = await sim.tracks();
    expect(track?.built).toMatchObject({ proved: true, bases: { "docker.io/library/node:20": "sha256:new" } });
    expect((await sim.runs())[1]?.reasons).toEqual([
      { kind: "base", reference: "docker.io/library/node:20", from: "sha256:old", to: "sha256:new" },
    ]);
  });
});

describe("many images on one base", () => {
  const node = "docker.io/library/node:20";
  const many = Array.from({ length: 40 }, (_, i) => ({ name: `i${i}`, files: "f", on: [node] }));

  it("ask for it once when they are released together, and each for itself when it was built", async () => {
    const sim = new Simulation();
    sim.maxRuns = many.length;
    sim.tags.set(node, "sha256:old");
    await sim.push(many, commitOf(1));
    await sim.settle({ until: () => sim.acrRuns.length === many.length });
    const released = sim.looks.length;
    expect(released).toBeLessThanOrEqual(4);
    await sim.settle();
    expect(sim.looks.filter((reference) => reference === node).length - released).toBe(many.length);
    expect((await sim.tracks()).every((t) => t.built?.proved)).toBe(true);
  });

  it("do not take what one was released on for what another was built on", async () => {
    const sim = new Simulation();
    sim.tags.set(node, "sha256:old");
    await sim.push(many.slice(0, 1), commitOf(1));
    await sim.settle({ until: () => sim.acrRuns.length === 1 });
    sim.now += 10_000;
    // In one pass: the second is released, the base moves, the first is seen to have ended.
    sim.onSend = (body) => {
      if ((body as { kind?: string }).kind !== "prepare") return;
      sim.tags.set(node, "sha256:new");
      sim.buildSeconds = 0;
    };
    await sim.push(many.slice(1, 2), commitOf(2), { source: { ...source, id: 8 } });
    await sim.settle();
    expect(sim.builds("i0")).toBe(2);
    for (const { built } of await sim.tracks())
      expect(built).toMatchObject({ proved: true, bases: { [node]: "sha256:new" } });
  });
});

describe("images that stand on each other", () => {
  it("are released all the same, the oldest first, and say so", async () => {
    const sim = new Simulation();
    sim.tags.set(sim.referenceOf("hen"), "sha256:hen0");
    sim.tags.set(sim.referenceOf("egg"), "sha256:egg0");
    const images: readonly SimImage[] = [
      { name: "hen", files: "hen", on: ["egg"] },
      { name: "egg", files: "egg", on: ["hen"] },
    ];
    await sim.push(images, commitOf(1));
    await sim.settle({ hours: 1 });
    const [hen] = await sim.runs();
    expect(hen?.notes?.join(" ")).toContain("cycle");
    expect([sim.builds("hen"), sim.builds("egg")].map((n) => n > 0 && n <= 3)).toEqual([true, true]);
    expect(await sim.leftovers()).toEqual([]);
    expect((await sim.runs()).flatMap((r) => r.notes ?? []).join(" ")).toContain("so it is not built again");
  });

  it("or on themselves are built once a change", async () => {
    const sim = new Simulation();
    sim.tags.set(sim.referenceOf("snake"), "sha256:egg");
    await sim.push([{ name: "snake", files: "v1", on: ["snake"] }], commitOf(1));
    await sim.settle();
    expect(sim.builds("snake")).toBe(1);
  });
});

describe("an image whose base was never built", () => {
  it("waits for that, although it was changed itself and a stopped wave holds the base", async () => {
    const sim = new Simulation();
    sim.waves = { largeFrom: 2, stopAfter: 2, stopAfterPercent: 10 };
    sim.outcome = () => "Error";
    const loose = ["p", "q"].map((name): SimImage => ({ name, files: name }));
    const line: readonly SimImage[] = [
      { name: "r", files: "r" },
      { name: "s", files: "s", on: ["r"] },
    ];
    await sim.push([...loose, ...line], commitOf(1));
    await sim.push([...loose, line[0]!, { ...line[1]!, files: "s2" }], commitOf(2));
    await sim.settle({ hours: 0.5 });
    const open = async () => (await sim.runs()).filter((r) => r.status === "Planned");
    expect((await open()).map((r) => [r.image, r.hold?.kind])).toEqual([
      ["r", "wave-stopped"],
      ["s", "base"],
    ]);
    sim.outcome = () => "Succeeded";
    await sim.live(24);
    expect(await open()).toEqual([]);
    expect((await sim.tracks()).filter((t) => t.built?.inputs !== t.wanted.inputs)).toEqual([]);
  });
});

describe("a stable tag that is another image's", () => {
  const other = { source: { ...source, id: 8, fullName: "acme/web" } };

  it("is refused to who else claims it, at every push, and sets off nothing", async () => {
    const sim = await builtDiamond();
    const before = await sim.runs();
    for (const n of [10, 11]) {
      await sim.push([{ name: "base", files: `mine ${n}` }], commitOf(n), { ...other, id: `push-${n}` });
      await sim.settle();
    }
    expect(await sim.runs()).toEqual(before);
    for (const { skipped, plannedCount } of (await sim.decisions()).slice(0, 2))
      expect([plannedCount, skipped]).toMatchObject([0, [{ reason: "tag-taken", images: ["base"] }]]);
  });

  it("keeps what the new name brought, whatever becomes of a build under the old name", async () => {
    const r = "acme.azurecr.io/r:main";
    const z: SimImage = { name: "z", files: "z", on: [r] };
    const sim = new Simulation();
    await sim.push([{ name: "a", files: "a", repository: "r" }, z], commitOf(1));
    await sim.settle();
    // ACR's own error, so the second build of a is tried again, and that fails when b is built already.
    const ends = ["Succeeded", "Error", "Succeeded", "Failed"] as const;
    sim.outcome = (repository, nth) => (repository === "r" ? ends[nth - 1]! : "Succeeded");
    await sim.push([{ name: "a", files: "a2", repository: "r" }, z], commitOf(2));
    await sim.settle({ until: () => sim.builds("r") === 2 });
    const began = sim.now;
    await sim.settle({ until: () => sim.now > began + 8_000 });
    await sim.push([{ name: "b", files: "a3", repository: "r" }, z], commitOf(3));
    await sim.settle({ until: () => sim.builds("r") === 3 });
    sim.freeze = [{ kind: "once", from: sim.now, until: sim.now + 600_000, why: "so that z is still planned then" }];
    await sim.live(4);
    expect(sim.acrRuns.filter(({ repository }) => repository === "r").map(({ status }) => status)).toEqual(ends);
    expect((await sim.tracks()).find(({ image }) => image === "z")?.built?.bases[r]).toBe(sim.tags.get(r));
  });

  it("is anybody's once its maker has left", async () => {
    const sim = await builtDiamond();
    await sim.push([], commitOf(2), { deleted: true });
    await sim.push([{ name: "base", files: "mine" }], commitOf(3), other);
    await sim.settle();
    expect(sim.builds("base")).toBe(2);
  });

  it("goes to the new name of a renamed image: what waited for the old one is built once, after the new", async () => {
    const sim = await builtDiamond();
    sim.maxRuns = 0;
    const [base, ...others] = diamond({ base: "v2" });
    await sim.push([base!, ...others], commitOf(2));
    await sim.settle({ hours: 0.05 });
    await sim.push([{ ...base!, name: "ground", repository: "base" }, ...others], commitOf(3));
    await sim.settle({ hours: 0.05 });
    sim.maxRuns = 2;
    await sim.settle();
    expect((await sim.runs()).filter((r) => r.ended?.code === "base-failed")).toEqual([]);
    expect(["base", "runtime", "tools", "assets", "app"].map((name) => sim.builds(name))).toEqual([2, 2, 2, 2, 2]);
    expect(sim.lastStatus(commitOf(3), "slipway/app")?.state).toBe("success");
  });
});

describe("refs", () => {
  it("that are deleted retire their tracks: planned runs end, what runs goes on, history stays", async () => {
    const sim = await builtDiamond();
    await sim.push(diamond({ base: "v2" }), commitOf(2));
    await sim.settle({ until: () => sim.acrRuns.length === 6 });
    await sim.push([], commitOf(3), { deleted: true });
    await sim.settle();
    expect(await sim.tracks()).toEqual([]);
    expect(await sim.leftovers()).toEqual([]);
    expect(statuses(await runsAfter(sim, commitOf(2)))).toEqual([
      "base Succeeded",
      "runtime Skipped",
      "tools Skipped",
      "assets Skipped",
      "app Skipped",
    ]);
  });

  it("that an image is not built from any more: it is retired, and the decision names on.push, not slipway.yaml", async () => {
    const sim = await builtDiamond();
    sim.maxRuns = 0;
    await sim.push(diamond({ app: "v2" }), commitOf(2));
    await sim.settle({ hours: 0.01 });
    await sim.push(diamond().slice(0, 4), commitOf(3), { unwatched: ["app", "never"] });
    await sim.settle({ hours: 0.1 });
    expect((await sim.decisions())[0]?.skipped).toEqual(
      expect.arrayContaining([
        { reason: "ref-not-watched", count: 2, images: expect.arrayContaining(["app", "never"]) },
      ]),
    );
    const message = `on.push of app does not take ${main} any more`;
    expect((await sim.runs()).at(-1)?.ended).toEqual({ code: "ref-not-watched", message });
    expect((await sim.tracks()).map((t) => t.image)).not.toContain("app");
  });

  it("that are deleted while an image is being built: who stands on what that still pushes follows", async () => {
    const sim = new Simulation();
    await sim.push([{ name: "a", files: "a" }], commitOf(1));
    await sim.settle();
    let ends = false;
    sim.outcome = (repository) => (repository === "a" && !ends ? "Running" : "Succeeded");
    await sim.push([{ name: "a", files: "a2" }], commitOf(2));
    await sim.settle({ until: () => sim.builds("a") === 2 });
    await sim.push([], commitOf(3), { deleted: true });
    const web: SimImage = { name: "web", files: "web", on: [sim.referenceOf("a")] };
    await sim.push([web], commitOf(9), { source: { ...source, id: 8, fullName: "acme/web" } });
    await sim.settle({ hours: 0.1 });
    ends = true;
    await sim.settle();
    const [track] = await sim.tracks();
    expect(track?.built?.bases).toEqual({ [sim.referenceOf("a")]: sim.tags.get(sim.referenceOf("a")) });
    expect(sim.builds("web")).toBe(2);
  });

  it("read earlier than what was accepted since change nothing, and the decision says so", async () => {
    const sim = await builtDiamond();
    const before = sim.acrRuns.length;
    await sim.push(diamond({ app: "an old reading" }), commitOf(5), { id: "late", generation: 1 });
    await sim.settle();
    expect(sim.acrRuns.length).toBe(before);
    expect((await sim.decisions()).find((d) => d.id === "late")?.skipped[0]?.reason).toBe("superseded-event");
  });
});

describe("people", () => {
  it("cancel a planned run at once and a running one through ACR", async () => {
    const sim = await builtDiamond();
    await sim.push(diamond({ base: "v2" }), commitOf(2));
    await sim.settle({ until: () => sim.acrRuns.at(-1)?.status === "Running" });
    const open = await runsAfter(sim, commitOf(2));
    const cancel = (run: Run) =>
      sim.word({
        kind: "cancel-requested",
        id: `cancel-${run.id}`,
        cause: { kind: "request", id: "c", action: "cancel", at: "" },
        run: run.id,
      });
    await cancel(open.find((r) => r.image === "app")!);
    await cancel(open.find((r) => r.image === "base")!);
    await sim.settle();
    const after = await runsAfter(sim, commitOf(2));
    expect(statuses(after)).toEqual([
      "base Canceled",
      "runtime Skipped",
      "tools Skipped",
      "assets Skipped",
      "app Canceled",
    ]);
    expect(await sim.leftovers()).toEqual([]);
  });

  it("cancel a dependent for this wave: its base's success does not plan it again, the next change does", async () => {
    const sim = await builtDiamond();
    await sim.push(diamond({ tools: "v2" }), commitOf(2));
    await sim.settle({ until: () => sim.acrRuns.at(-1)?.status === "Running" });
    const app = (await runsAfter(sim, commitOf(2))).find((r) => r.image === "app")!;
    await sim.word({
      kind: "cancel-requested",
      id: "no-app",
      cause: { kind: "request", id: "c", action: "cancel", at: "" },
      run: app.id,
    });
    await sim.settle();
    expect([sim.builds("assets"), sim.builds("app")]).toEqual([2, 1]);
    await sim.push(diamond({ tools: "v3" }), commitOf(3));
    await sim.settle();
    expect([sim.builds("assets"), sim.builds("app")]).toEqual([3, 2]);
  });

  it("cancel a dependent for two waves one after the other: neither base plans it again", async () => {
    const images = (x: string, y: string): readonly SimImage[] => [
      { name: "x", files: x },
      { name: "y", files: y },
      { name: "app", files: "app", on: ["x", "y"] },
    ];
    const sim = new Simulation();
    await sim.push(images("1", "1"), commitOf(1));
    await sim.settle();
    let ends = false;
    sim.outcome = (repository) => (ends || repository === "app" ? "Succeeded" : "Running");
    for (const [n, x, y] of [
      [2, "2", "1"],
      [3, "2", "2"],
    ] as const) {
      await sim.push(images(x, y), commitOf(n));
      await sim.settle({ hours: 0.05 });
      const app = (await sim.runs()).findLast((r) => r.image === "app")!;
      expect(app).toMatchObject({ commit: commitOf(n), status: "Planned" });
      const cause = { kind: "request", id: `no-${n}`, action: "cancel", at: "" } as const;
      await sim.word({ kind: "cancel-requested", id: `no-${n}`, cause, run: app.id });
      await sim.settle({ hours: 0.05 });
    }
    ends = true;
    await sim.settle();
    expect([sim.builds("x"), sim.builds("y"), sim.builds("app")]).toEqual([2, 2, 1]);
  });

  it("cancel a dependent for this wave although its owner is another one now", async () => {
    const sim = await builtDiamond();
    await sim.push(diamond({ runtime: "v2" }), commitOf(2));
    await sim.settle({ until: () => sim.acrRuns.at(-1)?.status === "Running" });
    const app = (await sim.runs()).at(-1)!;
    expect(app).toMatchObject({ image: "app", status: "Planned" });
    const cause = { kind: "request", id: "no", action: "cancel", at: "" } as const;
    await sim.word({ kind: "cancel-requested", id: "no", cause, run: app.id });
    const owned = diamond({ runtime: "v2" }).map((i) => (i.name === "app" ? { ...i, owner: "team-app" } : i));
    await sim.push(owned, commitOf(3));
    await sim.settle();
    expect(sim.builds("runtime")).toBe(2);
    expect(sim.builds("app")).toBe(1);
  });

  it("hear why nothing comes of a request about a run or an image that is not there, or has not ended", async () => {
    const sim = new Simulation();
    sim.maxRuns = 0;
    await sim.push(diamond().slice(0, 1), commitOf(1));
    await sim.settle({ hours: 0.01 });
    const [planned] = await sim.runs();
    const cause = { kind: "request", id: "r", action: "retry", at: "" } as const;
    await sim.word({ kind: "retry-requested", id: "r1", cause, run: "acme-99" });
    await sim.word({ kind: "cancel-requested", id: "r2", cause, run: "acme-99" });
    await sim.word({ kind: "retry-requested", id: "r3", cause, run: planned!.id });
    await sim.word({ kind: "rebuild-requested", id: "r4", cause, image: "nowhere" });
    await sim.settle({ hours: 0.01 });
    const said = new Map((await sim.decisions()).map((d) => [d.id, d.skipped]));
    expect(said.get("r1")).toMatchObject([{ reason: "run-not-found", message: "there is no run acme-99" }]);
    expect(said.get("r2")).toMatchObject([{ reason: "run-not-found", message: "there is no run acme-99" }]);
    expect(said.get("r3")).toMatchObject([
      { reason: "already-planned", message: `${planned!.id} has not ended: it is Planned` },
    ]);
    expect(said.get("r4")).toMatchObject([{ reason: "image-not-found", message: "no image nowhere" }]);
  });

  it("rebuild an unchanged image once per request, however often the request is sent", async () => {
    const sim = await builtDiamond();
    const word = {
      kind: "rebuild-requested",
      id: "request-rebuild-app-key1",
      cause: { kind: "request", id: "k", action: "rebuild", at: "" },
      image: "app",
    } as const;
    await sim.word(word);
    await sim.settle();
    await sim.word(word);
    await sim.settle();
    expect(sim.builds("app")).toBe(2);
  });
});

describe("ACR", () => {
  it("that asks us to wait is waited for", async () => {
    const sim = new Simulation();
    sim.onStart = (nth) => (nth <= 3 ? "throttle" : "accept");
    await sim.push(diamond(), commitOf(1));
    await sim.settle();
    expect(statuses(await sim.runs()).every((s) => s.endsWith("Succeeded"))).toBe(true);
    expect(sim.acrRuns.length).toBe(5);
  });

  it("that refuses fails the run with ACR's own words", async () => {
    const sim = new Simulation();
    sim.onStart = () => "refuse";
    await sim.push(diamond().slice(0, 1), commitOf(1));
    await sim.settle();
    expect((await sim.runs())[0]).toMatchObject({
      status: "Failed",
      ended: { code: "acr-refused", message: expect.stringContaining("TasksOperationsNotAllowed") },
    });
  });

  it("that fails by itself is asked up to three times", async () => {
    const sim = new Simulation();
    sim.outcome = (_repository, nth) => (nth < 3 ? "Error" : "Succeeded");
    await sim.push(diamond().slice(0, 1), commitOf(1));
    await sim.settle();
    const [run] = await sim.runs();
    expect(run).toMatchObject({ status: "Succeeded", attempt: 3 });
    expect(sim.builds("base")).toBe(3);
  });

  it("that fails by itself is not asked again for a run that a person has cancelled, neither now nor later", async () => {
    const sim = new Simulation();
    sim.outcome = () => "Error";
    await sim.push([{ name: "a", files: "a" }], commitOf(1));
    await sim.settle({ until: () => sim.acrRuns.length === 1 });
    sim.now += 60_000;
    const [run] = await sim.runs();
    const cause = { kind: "request", id: "c1", action: "cancel", at: "" } as const;
    await sim.word({ kind: "cancel-requested", id: "c1", cause, run: run!.id });
    await sim.live(1);
    expect(sim.acrRuns.length).toBe(1);
    expect((await sim.runs()).map((r) => r.status)).toEqual(["Error"]);
  });

  it("is never given more runs at once than the registry allows", async () => {
    const sim = new Simulation();
    sim.maxRuns = 3;
    let most = 0;
    const images = Array.from({ length: 20 }, (_, i): SimImage => ({ name: `image-${i}`, files: "x" }));
    await sim.push(images, commitOf(1));
    await sim.settle({
      until: () => {
        most = Math.max(most, sim.acrRuns.filter((r) => r.status === "Queued" || r.status === "Running").length);
        return false;
      },
    });
    expect(most).toBe(3);
    expect(sim.acrRuns.length).toBe(20);
  });
});

describe("what a review found", () => {
  const request = (kind: "retry-requested", run: Run) =>
    ({
      kind,
      id: `${kind}-${run.id}`,
      cause: { kind: "request", id: "r", action: "retry", at: "" },
      run: run.id,
    }) as const;

  it("a good base change is not lost when the next one fails", async () => {
    const sim = await builtDiamond();
    sim.outcome = (repository, nth) => (repository === "base" && nth === 3 ? "Failed" : "Succeeded");
    sim.maxRuns = 1;
    await sim.push(diamond({ base: "base v2" }), commitOf(2));
    await sim.settle({
      until: () => sim.builds("base") === 2 && sim.tags.get(sim.referenceOf("base")) === sim.acrRuns.at(-1)?.digest,
    });
    await sim.push(diamond({ base: "base v3" }), commitOf(3));
    await sim.settle();
    const tracks = new Map((await sim.tracks()).map((t) => [t.image, t]));
    for (const name of ["runtime", "tools"])
      expect(tracks.get(name)?.built?.bases[sim.referenceOf("base")], name).toBe(sim.tags.get(sim.referenceOf("base")));
  });

  it("a base that is retried plans its whole closure: the diamond's end is built once", async () => {
    const sim = await builtDiamond();
    sim.outcome = (repository, nth) => (repository === "base" && nth === 2 ? "Failed" : "Succeeded");
    await sim.push(diamond({ base: "base v2" }), commitOf(2));
    await sim.settle();
    const failed = (await sim.runs()).find((r) => r.status === "Failed")!;
    await sim.word(request("retry-requested", failed));
    await sim.settle();
    expect(diamond().map((i) => sim.builds(i.name))).toEqual([3, 2, 2, 2, 2]);
  });

  it("a track that is removed and made again does not take the old run's result", async () => {
    const sim = new Simulation();
    const image = (files: string): SimImage[] => [{ name: "web", files }];
    await sim.push(image("v1"), commitOf(1));
    await sim.settle({ until: () => sim.acrRuns.length === 1 });
    await sim.push([], commitOf(2));
    await sim.settle({ until: () => sim.logs.length >= 0 });
    await sim.push(image("v3"), commitOf(3));
    await sim.settle();
    const [track] = await sim.tracks();
    expect(track?.built?.commit).toBe(commitOf(3));
    expect(sim.tags.get(sim.referenceOf("web"))).toBe(track?.built?.digest);
    // Nor is it built beside it: the later one to push would win.
    const [old, next] = sim.acrRuns;
    expect(next!.acceptedAt).toBeGreaterThanOrEqual(Date.parse(old!.finishTime!));
    expect(await sim.leftovers()).toEqual([]);
  });

  it("a base that changes all the time does not keep its dependent from being built for longer than max-hold", async () => {
    const sim = await builtDiamond();
    const began = sim.now;
    for (let i = 0; i < 24; i++) {
      await sim.push(diamond({ base: `base ${i}`, runtime: `runtime ${i}` }), commitOf(100 + i));
      const until = sim.now + 300_000;
      sim.buildSeconds = 290;
      await sim.settle({ until: () => sim.now >= until });
    }
    expect(sim.now - began).toBeGreaterThan(2 * 3_600_000 - 60_000);
    expect(sim.builds("runtime")).toBeGreaterThanOrEqual(3);
  });

  it("somebody else's build at the moment a reply is lost does not block the run", async () => {
    const sim = new Simulation();
    sim.onStart = (nth) => {
      if (nth === 1) sim.foreignRun();
      return nth === 1 ? "lose-request" : "accept";
    };
    await sim.push(diamond().slice(0, 1), commitOf(1));
    await sim.settle();
    expect((await sim.runs())[0]).toMatchObject({ status: "Succeeded", attempt: 2 });
  });

  it("somebody else's log that cannot be read then keeps neither the registry waiting nor, for ever, the run", async () => {
    const sim = new Simulation();
    sim.foreignLogFails = true;
    sim.onStart = (nth) => {
      if (nth === 1) sim.foreignRun();
      return nth === 1 ? "lose-request" : "accept";
    };
    await sim.push(diamond().slice(0, 1), commitOf(1));
    await sim.settle({ hours: 0.05 });
    await sim.push([...diamond().slice(0, 1), { name: "other", files: "o" }], commitOf(2));
    await sim.settle({ hours: 0.05 });
    expect(statuses(await sim.runs())).toEqual(["base Scheduling", "other Succeeded"]);
    await sim.settle();
    expect((await sim.runs())[0]).toMatchObject({ status: "Succeeded", attempt: 2 });
  });

  it("an attempt that was given up is watched for an hour, whether ACR answers or not", async () => {
    const sim = new Simulation();
    sim.onStart = (nth) => (nth === 1 ? "lose-request" : "accept");
    await sim.push(diamond().slice(0, 1), commitOf(1));
    await sim.settle({ hours: 0.5 });
    const { partition } = await sim.registry();
    const watched = () => sim.rows.list(partition, rangeOf("watch"), 1);
    expect(await watched()).toHaveLength(1);
    sim.acrDown = true;
    await sim.settle({ hours: 2 });
    expect(await watched()).toEqual([]);
  });

  it("what policy no longer allows is not published, even if it was planned", async () => {
    const sim = await builtDiamond();
    sim.mayPublish = false;
    await sim.push(diamond({ app: "v2" }), commitOf(2));
    await sim.settle();
    expect((await runsAfter(sim, commitOf(2)))[0]).toMatchObject({
      status: "Skipped",
      ended: { code: "not-allowed-to-publish" },
    });
    expect(sim.builds("app")).toBe(1);
  });

  it("a run that is cancelled while its reply is lost is not asked for again", async () => {
    const sim = new Simulation();
    sim.onStart = () => "lose-request";
    await sim.push(diamond().slice(0, 1), commitOf(1));
    await sim.settle({ hours: 0.01 });
    const [run] = await sim.runs();
    await sim.word({
      kind: "cancel-requested",
      id: "c1",
      cause: { kind: "request", id: "c1", action: "cancel", at: "" },
      run: run!.id,
    });
    await sim.settle();
    expect((await sim.runs())[0]).toMatchObject({ status: "Canceled", attempt: 1 });
    expect((await sim.decisions()).find((d) => d.id === "c1")?.done).toContain("canceling");
  });

  it("a dependent that was never built is built once its base is", async () => {
    const sim = new Simulation();
    sim.outcome = (repository, nth) => (repository === "base" && nth === 1 ? "Failed" : "Succeeded");
    await sim.push(diamond().slice(0, 2), commitOf(1));
    await sim.settle();
    const [base] = await sim.runs();
    await sim.word(request("retry-requested", base!));
    await sim.settle();
    expect(sim.builds("runtime")).toBe(1);
    expect((await sim.tracks()).every((t) => t.built)).toBe(true);
  });

  it("a registry that does not answer is asked three times in twenty seconds, also when nothing else goes on", async () => {
    const sim = new Simulation();
    sim.moveTag(debian, digestOf(1));
    sim.silent.add(debian);
    await sim.push([{ name: "a", files: "a", on: [debian] }], commitOf(1));
    const began = sim.now;
    await sim.settle({ until: () => sim.acrRuns.length === 1 });
    expect(sim.now - began).toBeGreaterThan(20_000);
    expect(sim.now - began).toBeLessThan(30_000);
  });

  it("a registry that does not answer for a moment is no cycle", async () => {
    const sim = new Simulation();
    sim.tags.set("docker.io/library/node:20", "sha256:node");
    sim.silent.add("docker.io/library/node:20");
    const images: readonly SimImage[] = [
      { name: "base", files: "b", on: ["docker.io/library/node:20"] },
      { name: "web", files: "w", on: ["base"] },
    ];
    await sim.push(images, commitOf(1));
    await sim.settle({ hours: 0.001 });
    sim.silent.clear();
    await sim.settle();
    const runs = await sim.runs();
    expect(statuses(runs)).toEqual(["base Succeeded", "web Succeeded"]);
    expect(runs.flatMap((r) => r.notes ?? [])).toEqual([]);
  });

  it("a plan of any size fits its transactions", async () => {
    for (const [count, bases] of [
      [16, 6],
      [40, 3],
      [12, 9],
      [30, 0],
      [9, 20],
    ] as const) {
      const sim = new Simulation();
      const on = Array.from({ length: bases }, (_, i) => `docker.io/library/b${i}:1`);
      for (const base of on) sim.tags.set(base, "sha256:b");
      const images = (files: string) =>
        Array.from(
          { length: count },
          (_, i): SimImage => ({ name: `i${i}`, files, on: i === count - 1 ? on : on.slice(0, 2) }),
        );
      sim.maxRuns = 0;
      await sim.push(images("v1"), commitOf(1));
      await sim.settle({ hours: 0.02 });
      await sim.push(images("v2"), commitOf(2));
      await sim.settle({ hours: 0.02 });
      expect((await sim.runs()).filter((r) => r.status === "Planned")).toHaveLength(count);
      expect((await sim.leftovers()).filter((k) => k.startsWith("stuck") || k.startsWith("in|"))).toEqual([]);
    }
  });
});
