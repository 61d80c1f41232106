/** Waves of twenty images and more: which image goes first, what stops the others, and what lets them go on. */
import { describe, expect, it } from "vitest";
import { openIn } from "../../src/core/run/wave.ts";
import { rangeOf } from "../../src/core/state/keys.ts";
import type { Run, Wave } from "../../src/core/state/rows.ts";
import { commitOf, digestOf as d, debian, type SimImage, Simulation, source } from "../support/simulation.ts";

/** A large wave: one level of twenty-four, and one on top. */
const wide: readonly SimImage[] = [
  ...Array.from({ length: 24 }, (_, i) => ({ name: `w${String(i).padStart(2, "0")}`, files: `${i}`, on: [debian] })),
  { name: "top", files: "top", on: ["w00", "w23"] },
];

async function built(images: readonly SimImage[] = wide): Promise<Simulation> {
  const sim = new Simulation();
  sim.moveTag(debian, d(1));
  await sim.push(images, commitOf(1));
  await sim.settle();
  return sim;
}

/** The base has moved, the canary has failed on it, and the wave has stopped. */
async function stopped(): Promise<Simulation> {
  const sim = await built();
  sim.outcome = () => "Failed";
  sim.moveTag(debian, d(2));
  sim.tellTag(debian);
  await sim.settle();
  return sim;
}

async function waves(sim: Simulation): Promise<readonly Wave[]> {
  const { partition } = await sim.registry();
  return (await sim.rows.list(partition, rangeOf("wave"), 1000)).map((r) => r.value as Wave);
}

/** The wave a move of the base set off, the newest last. */
async function baseWaves(sim: Simulation): Promise<readonly Wave[]> {
  const all = (await waves(sim)).filter((w) => w.cause.kind === "registry-event");
  return [...all].sort((a, b) => (a.at < b.at ? -1 : 1));
}

const planned = async (sim: Simulation) => (await sim.runs()).filter((r) => r.status === "Planned");
const heldBy = (runs: readonly Run[]) => [...new Set(runs.map((r) => r.hold?.kind))];

/** The base moves while ACR takes nothing, so that everything stays planned. */
async function plannedOnly(sim: Simulation): Promise<Wave> {
  const { maxRuns } = sim;
  sim.maxRuns = 0;
  sim.moveTag(debian, d(2));
  sim.tellTag(debian);
  await sim.settle({ hours: 0.05 });
  sim.maxRuns = maxRuns;
  return (await baseWaves(sim)).at(-1)!;
}

const asked = <A extends "pause" | "resume" | "cancel" | "continue" | "stop" | "retry">(action: A) =>
  ({ kind: "request", id: action, action, at: "2026-11-23T12:00:00Z" }) as const;
const pause = (sim: Simulation, image: string, action: "pause" | "resume" = "pause") =>
  sim.word({ kind: "pause-requested", id: `${action}-${image}`, cause: asked(action), action, image, why: "incident" });

describe("a large wave holds itself back", () => {
  it("builds one image of the level first, and the others when that is good", async () => {
    const sim = await built(wide);
    const before = sim.acrRuns.length;
    sim.maxRuns = 10;
    sim.moveTag(debian, d(2));
    sim.tellTag(debian);
    await sim.settle({ until: () => sim.acrRuns.length > before });
    await sim.settle({ hours: 5 / 3600 });
    expect(sim.acrRuns.length - before).toBe(1);
    const waiting = (await sim.runs()).filter((r) => r.status === "Planned" && r.hold?.kind === "canary");
    expect(waiting.length).toBe(23);
    await sim.settle();
    expect(sim.acrRuns.length - before).toBe(25);
  });

  it("stops when the canary fails, says so, and goes on when a person or the next base says so", async () => {
    const sim = await built(wide);
    const before = sim.acrRuns.length;
    sim.outcome = () => "Failed";
    sim.moveTag(debian, d(2));
    sim.tellTag(debian);
    await sim.settle();
    expect(sim.acrRuns.length - before).toBe(1);
    const held = (await sim.runs()).filter((r) => r.hold?.kind === "wave-stopped");
    expect(held.length).toBeGreaterThan(20);
    expect(held[0]?.hold).toMatchObject({ why: expect.stringContaining("its canary") });
    sim.outcome = () => "Succeeded";
    sim.moveTag(debian, d(3));
    sim.tellTag(debian);
    await sim.settle();
    expect((await sim.runs()).filter((r) => r.status === "Planned")).toEqual([]);
    expect(sim.acrRuns.length - before).toBe(1 + 25);
  });

  it("stops when a person cancels its canary", async () => {
    const sim = await built();
    const wave = await plannedOnly(sim);
    const [canary] = Object.values(wave.canaries);
    await sim.word({ kind: "cancel-requested", id: "no", cause: asked("cancel"), run: canary!.run });
    const before = sim.acrRuns.length;
    await sim.settle({ hours: 2 });
    expect((await baseWaves(sim)).at(-1)).toMatchObject({ state: "stopped", stoppedBy: "canary" });
    expect(sim.acrRuns.length).toBe(before);
  });

  it("does not stop when nothing of it is left to be stopped", async () => {
    const sim = await built(wide.filter((i) => i.name !== "top"));
    sim.maxRuns = 1;
    sim.waves = { ...sim.waves, stopAfter: 1, stopAfterPercent: 0 };
    const builds = sim.acrRuns.length + 24;
    sim.outcome = () => (sim.acrRuns.length === builds ? "Failed" : "Succeeded");
    sim.moveTag(debian, d(2));
    sim.tellTag(debian);
    await sim.settle();
    expect((await baseWaves(sim)).at(-1)).toMatchObject({ state: "open", ended: { Succeeded: 23, Failed: 1 } });
  });

  it("stops when its failure budget is used up, and a person may let it go on", async () => {
    const sim = await built(wide);
    const before = sim.acrRuns.length;
    sim.waves = { ...sim.waves, stopAfter: 3, stopAfterPercent: 0 };
    sim.outcome = (repository) => (repository === "w00" ? "Succeeded" : "Failed");
    sim.moveTag(debian, d(2));
    sim.tellTag(debian);
    await sim.settle();
    expect(sim.acrRuns.length - before).toBeLessThan(1 + 3 + sim.maxRuns + 1);
    const held = (await sim.runs()).find((r) => r.hold?.kind === "wave-stopped");
    sim.outcome = () => "Succeeded";
    const cause = { kind: "request", id: "go-on", action: "continue", at: "2026-11-23T12:00:00Z" } as const;
    await sim.word({ kind: "wave-requested", id: "go-on", cause, wave: held!.waves.at(-1)!, action: "continue" });
    await sim.settle();
    expect((await sim.runs()).filter((r) => r.status === "Planned")).toEqual([]);
  });
  it("makes no canary of what changed by itself: a push that changes many images builds them all", async () => {
    const sim = await built();
    const before = sim.acrRuns.length;
    sim.maxRuns = 30;
    await sim.push(
      wide.map((i) => ({ ...i, files: `${i.files} v2` })),
      commitOf(2),
    );
    await sim.settle({ until: () => sim.acrRuns.length >= before + 24 });
    expect((await planned(sim)).map((r) => r.image)).toEqual(["top"]);
  });

  it("counts what may become runs, not what is only described otherwise", async () => {
    const images: readonly SimImage[] = [
      { name: "a", files: "a" },
      ...Array.from({ length: 25 }, (_, i) => ({ name: `o${i}`, files: "o" })),
    ];
    const sim = await built(images);
    await sim.push(
      images.map((i) => (i.name === "a" ? { ...i, files: "a2" } : { ...i, owner: "team-o" })),
      commitOf(2),
    );
    await sim.settle();
    const wave = (await waves(sim)).find((w) => w.id.startsWith("delivery-2"));
    expect(wave).toMatchObject({ planned: 1, large: false });
  });
});

describe("the canary of a level", () => {
  it("is another image when a commit replaces it while it waits", async () => {
    const sim = await built();
    const wave = await plannedOnly(sim);
    const { image } = Object.values(wave.canaries)[0]!;
    await sim.push(
      wide.map((i) => (i.name === image ? { ...i, files: "changed" } : i)),
      commitOf(2),
    );
    await sim.settle({ hours: 24 });
    expect(await planned(sim)).toEqual([]);
  });

  it("is another image when a newer wave takes it over and holds it", async () => {
    const alpine = "docker.io/library/alpine:3";
    const images = wide.map((i) => (i.name === "w00" ? { ...i, on: [debian, alpine] } : i));
    const sim = new Simulation();
    for (const tag of [debian, alpine]) sim.moveTag(tag, d(1));
    await sim.push(images, commitOf(1));
    await sim.settle();
    const wave = await plannedOnly(sim);
    expect(Object.values(wave.canaries)).toMatchObject([{ image: "w00" }]);
    sim.maxRuns = 0;
    sim.moveTag(alpine, d(3));
    sim.tellTag(alpine);
    await sim.settle({ hours: 0.05 });
    const newer = (await baseWaves(sim)).at(-1)!;
    await sim.word({ kind: "wave-requested", id: "halt", cause: asked("stop"), wave: newer.id, action: "stop" });
    await sim.settle({ hours: 0.05 });
    sim.maxRuns = 2;
    await sim.settle({ hours: 24 });
    expect((await planned(sim)).map((r) => `${r.image} ${r.hold?.kind}`)).toEqual(["w00 wave-stopped", "top base"]);
  });

  it("is another image when it is paused: one paused image does not pause the wave", async () => {
    const sim = await built();
    await pause(sim, "w00");
    const before = sim.acrRuns.length;
    sim.moveTag(debian, d(2));
    sim.tellTag(debian);
    await sim.settle({ hours: 24 });
    expect((await planned(sim)).map((r) => `${r.image} ${r.hold?.kind}`)).toEqual(["w00 paused", "top base"]);
    expect(sim.acrRuns.length - before).toBe(23);
    await pause(sim, "w00", "resume");
    await sim.settle();
    expect(await planned(sim)).toEqual([]);
  });

  it("is another image when it is paused after it was chosen", async () => {
    const sim = await built();
    const wave = await plannedOnly(sim);
    const { image } = Object.values(wave.canaries)[0]!;
    const before = sim.acrRuns.length;
    await pause(sim, image);
    await sim.settle({ hours: 24 });
    expect(heldBy((await planned(sim)).filter((r) => r.image !== "top"))).toEqual(["paused"]);
    expect(sim.acrRuns.length - before).toBe(23);
  });

  it("proves nothing when it is not built after all: another one is built first", async () => {
    const images: readonly SimImage[] = [
      { name: "g", files: "g", on: [debian] },
      { name: "h", files: "h", on: [debian] },
      // The first of the second level stands on what will fail.
      ...Array.from({ length: 20 }, (_, i) => ({
        name: `t${String(i).padStart(2, "0")}`,
        files: "t",
        on: [i === 0 ? "h" : "g"],
      })),
    ];
    const sim = await built(images);
    sim.maxRuns = 50;
    sim.outcome = (repository) => (repository === "g" ? "Succeeded" : "Failed");
    const before = sim.acrRuns.length;
    sim.moveTag(debian, d(2));
    sim.tellTag(debian);
    await sim.settle({ hours: 3 });
    const third = sim.acrRuns.slice(before).filter((r) => r.repository.startsWith("t"));
    expect(third.length).toBe(1);
    expect((await baseWaves(sim)).at(-1)).toMatchObject({ state: "stopped", stoppedBy: "canary" });
  });
});

describe("a wave that has stopped", () => {
  it("goes on with the next good build of what stopped it", async () => {
    const sim = await built();
    const before = sim.acrRuns.length;
    sim.outcome = () => "Failed";
    sim.moveTag(debian, d(2));
    sim.tellTag(debian);
    await sim.settle();
    expect(sim.acrRuns.length - before).toBe(1);
    sim.outcome = () => "Succeeded";
    const failed = (await sim.runs()).find((r) => r.status === "Failed")!;
    await sim.word({ kind: "retry-requested", id: "again", cause: asked("retry"), run: failed.id });
    await sim.settle();
    expect(await planned(sim)).toEqual([]);
    expect(sim.acrRuns.length - before).toBe(1 + 25);
    expect((await baseWaves(sim)).at(-1)).toMatchObject({ state: "open" });
  });

  it("is what the commits of its images show, until it goes on", async () => {
    const sim = await stopped();
    const [held] = await planned(sim);
    const shown = () => sim.lastStatus(held!.commit, `slipway/${held!.image}`);
    expect(shown()).toMatchObject({
      state: "pending",
      description: expect.stringMatching(/^Waiting because wave .* is stopped/),
    });
    sim.outcome = () => "Succeeded";
    const [wave] = (await baseWaves(sim)).slice(-1);
    await sim.word({ kind: "wave-requested", id: "on", cause: asked("continue"), wave: wave!.id, action: "continue" });
    await sim.settle();
    expect(shown()).toMatchObject({ state: "success" });
  });

  it("is not let go by a push that is refused", async () => {
    const sim = await stopped();
    const before = [sim.acrRuns.length, (await planned(sim)).length];
    expect(before[1]).toBe(24);
    const taken = { name: "w00", files: "somebody else's", on: [debian] };
    await sim.push([taken], commitOf(2), { source: { ...source, id: 8, fullName: "acme/web" } });
    await sim.settle({ hours: 2 });
    expect([sim.acrRuns.length, (await planned(sim)).length]).toEqual(before);
  });

  it("goes on with all others that the same image stopped", async () => {
    const alpine = "docker.io/library/alpine:3";
    const images: readonly SimImage[] = [
      { name: "a-both", files: "1", on: [debian, alpine] },
      ...[debian, alpine].flatMap((base) =>
        Array.from({ length: 20 }, (_, i) => ({ name: `${base.slice(18, 21)}${i}`, files: "1", on: [base] })),
      ),
    ];
    const sim = new Simulation();
    for (const tag of [debian, alpine]) sim.moveTag(tag, d(1));
    await sim.push(images, commitOf(1));
    await sim.settle();
    sim.outcome = (repository) => (repository === "a-both" ? "Failed" : "Succeeded");
    for (const tag of [debian, alpine]) {
      sim.moveTag(tag, d(2));
      sim.tellTag(tag);
      await sim.settle();
    }
    expect((await baseWaves(sim)).map((w) => w.state)).toEqual(["stopped", "stopped"]);
    sim.outcome = () => "Succeeded";
    await sim.push([{ ...images[0]!, files: "2" }, ...images.slice(1)], commitOf(2));
    await sim.settle();
    expect(await planned(sim)).toEqual([]);
    expect((await baseWaves(sim)).map((w) => w.state)).toEqual(["open", "open"]);
  });

  it("goes on when a commit mends enough of what failed, however many levels it has", async () => {
    const sim = await built();
    sim.maxRuns = 10;
    sim.waves = { ...sim.waves, stopAfter: 3, stopAfterPercent: 0 };
    const broken = new Set(["w01", "w02", "w03"]);
    sim.outcome = (repository) => (broken.has(repository) ? "Failed" : "Succeeded");
    sim.moveTag(debian, d(2));
    sim.tellTag(debian);
    await sim.settle();
    expect((await baseWaves(sim)).at(-1)).toMatchObject({ state: "stopped", stoppedBy: "failures" });
    broken.delete("w02");
    await sim.push(
      wide.map((i) => (i.name === "w02" ? { ...i, files: "mended" } : i)),
      commitOf(2),
    );
    await sim.settle();
    expect(await planned(sim)).toEqual([]);
  });

  it("lets its runs go when the tag is put back: they end, for nothing has changed", async () => {
    const sim = await stopped();
    const before = sim.acrRuns.length;
    sim.moveTag(debian, d(1));
    sim.tellTag(debian);
    await sim.settle({ hours: 24 });
    expect(await planned(sim)).toEqual([]);
    expect((await waves(sim)).filter((w) => openIn(w) !== 0)).toEqual([]);
    expect(sim.acrRuns.length).toBe(before);
    const skipped = (await sim.runs()).filter((r) => r.status === "Skipped");
    expect([...new Set(skipped.map((r) => r.ended?.code))]).toEqual(["nothing-changed"]);
  });

  it("does not hold what stopped it when that is tried again by itself", async () => {
    const sim = await built();
    sim.outcome = () => "Error";
    sim.moveTag(debian, d(2));
    sim.tellTag(debian);
    await sim.live(0.2);
    expect((await baseWaves(sim)).at(-1)).toMatchObject({ state: "stopped", stoppedBy: "canary" });
    sim.outcome = () => "Succeeded";
    await sim.live(3);
    expect(await planned(sim)).toEqual([]);
    expect((await baseWaves(sim)).at(-1)).toMatchObject({ state: "open" });
  });

  it("nor what that stands on, which it holds too", async () => {
    const line = (files: string): readonly SimImage[] => [
      { name: "a", files },
      { name: "b", files: "b", on: ["a"] },
      { name: "c", files: "c", on: ["b"] },
    ];
    const sim = new Simulation();
    sim.waves = { ...sim.waves, largeFrom: 2 };
    sim.outcome = () => "Error";
    await sim.push(line("a"), commitOf(1));
    // What stands on what was never built fails: of the second wave it is the third image, for the second has just failed.
    const pushedAt = sim.now + 66_000;
    await sim.settle({ until: () => sim.now >= pushedAt });
    await sim.push(line("a2"), commitOf(2));
    await sim.settle({ hours: 0.2 });
    expect((await waves(sim)).map((w) => `${w.state} ${w.why?.replace(/ \(.*/, "")}`)).toEqual([
      "stopped its canary b ended Failed",
      "stopped its canary c ended Failed",
    ]);
    sim.outcome = () => "Succeeded";
    await sim.live(6);
    expect(await planned(sim)).toEqual([]);
    for (const { built } of await sim.tracks())
      for (const [base, digest] of Object.entries(built!.bases)) expect(digest).toBe(sim.tags.get(base));
  });

  it("holds that too when it was a person who stopped it", async () => {
    const sim = await built();
    sim.outcome = () => "Error";
    sim.moveTag(debian, d(2));
    sim.tellTag(debian);
    await sim.live(0.2);
    const wave = (await baseWaves(sim)).at(-1)!;
    await sim.word({ kind: "wave-requested", id: "halt", cause: asked("stop"), wave: wave.id, action: "stop" });
    sim.outcome = () => "Succeeded";
    const before = sim.acrRuns.length;
    await sim.live(3);
    expect(sim.acrRuns.length).toBe(before);
    expect((await planned(sim)).filter((r) => r.hold?.kind === "wave-stopped")).toHaveLength(24);
  });

  it("goes on when what failed has been built, however often that failed before", async () => {
    const sim = await built();
    sim.maxRuns = 30;
    sim.waves = { ...sim.waves, stopAfter: 3, stopAfterPercent: 0 };
    const bad = new Set(["w01", "w02", "w03"]);
    sim.outcome = (repository) => (bad.has(repository) ? "Error" : "Succeeded");
    // Somebody is left to be held.
    await pause(sim, "w05");
    sim.moveTag(debian, d(2));
    sim.tellTag(debian);
    await sim.live(7);
    expect(await baseWaves(sim)).toMatchObject([{ state: "stopped", stoppedBy: "failures" }]);
    bad.clear();
    await sim.live(24);
    await pause(sim, "w05", "resume");
    await sim.live(2);
    expect(await baseWaves(sim)).toMatchObject([{ state: "open" }]);
    expect(await planned(sim)).toEqual([]);
  });

  it("is not stopped by one image that fails again and again", async () => {
    const sim = await built();
    sim.maxRuns = 30;
    sim.waves = { ...sim.waves, stopAfter: 3, stopAfterPercent: 0 };
    sim.outcome = (repository) => (repository === "w01" ? "Error" : "Succeeded");
    await pause(sim, "w05");
    sim.moveTag(debian, d(2));
    sim.tellTag(debian);
    await sim.live(24);
    expect((await baseWaves(sim)).at(-1)!.ended.Error).toBeGreaterThan(3);
    expect(await baseWaves(sim)).toMatchObject([{ state: "open" }]);
  });

  it("by a person's word does not go on by itself", async () => {
    const sim = await built();
    const wave = await plannedOnly(sim);
    await sim.word({ kind: "wave-requested", id: "halt", cause: asked("stop"), wave: wave.id, action: "stop" });
    const before = sim.acrRuns.length;
    await sim.settle({ hours: 24 });
    expect(sim.acrRuns.length - before).toBe(0);
    expect(heldBy((await planned(sim)).filter((r) => r.image !== "top"))).toEqual(["wave-stopped"]);
    await sim.word({ kind: "wave-requested", id: "go", cause: asked("continue"), wave: wave.id, action: "continue" });
    await sim.settle();
    expect(await planned(sim)).toEqual([]);
  });

  it("does not take back what a newer wave has taken over", async () => {
    const sim = await built();
    sim.maxRuns = 10;
    sim.waves = { ...sim.waves, stopAfter: 3, stopAfterPercent: 0 };
    const bad = ["w01", "w02", "w03"];
    sim.outcome = (repository) => (bad.includes(repository) ? "Failed" : "Succeeded");
    const before = sim.acrRuns.length;
    sim.moveTag(debian, d(2));
    sim.tellTag(debian);
    await sim.settle({ until: () => sim.acrRuns.length >= before + 8 });
    // While those are being built the base moves again, so that they will be found stale when they end.
    sim.settleSeconds = 0;
    sim.moveTag(debian, d(3));
    sim.tellTag(debian);
    sim.outcome = (repository, nth) => (bad.includes(repository) && nth <= 2 ? "Failed" : "Succeeded");
    await sim.settle({ hours: 24 });
    expect(await planned(sim)).toEqual([]);
  });

  it("does not hold what is not of it: a commit above it is built", async () => {
    const sim = await stopped();
    sim.outcome = () => "Succeeded";
    sim.freeze = [];
    const wave = (await baseWaves(sim)).at(-1)!;
    await sim.word({ kind: "wave-requested", id: "halt", cause: asked("stop"), wave: wave.id, action: "stop" });
    await sim.push(
      wide.map((i) => (i.name === "top" ? { ...i, files: "hotfix" } : i)),
      commitOf(2),
    );
    await sim.settle();
    expect(sim.builds("top")).toBe(2);
    const top = (await sim.runs()).filter((r) => r.image === "top").at(-1)!;
    expect(top.reasons.map((r) => r.kind)).toEqual(["commit"]);
    expect(top.notes?.join()).toMatch(/did not wait for acme-\d+: built on/);
  });
});

describe("waves", () => {
  it("are counted by owner, whatever the owner is called", async () => {
    const owned: readonly SimImage[] = [
      { name: "a", files: "a", on: [debian], owner: "constructor" },
      { name: "b", files: "b", on: [debian], owner: "__proto__" },
      { name: "c", files: "c", on: [debian], owner: "constructor" },
      { name: "e", files: "e", on: ["c"] },
    ];
    const sim = await built(owned);
    sim.outcome = (repository) => (repository === "c" ? "Failed" : "Succeeded");
    sim.moveTag(debian, d(2));
    sim.tellTag(debian);
    await sim.settle();
    expect(Object.entries((await baseWaves(sim)).at(-1)!.owners)).toEqual([
      ["constructor", { planned: 2, good: 1, bad: 1, neither: 0 }],
      ["__proto__", { planned: 1, good: 1, bad: 0, neither: 0 }],
      ["", { planned: 1, good: 0, bad: 0, neither: 1 }],
    ]);
  });

  it("are left by a run that has joined more than are counted, so that each comes to an end", async () => {
    const sim = await built([{ name: "a", files: "a", on: [debian] }]);
    await pause(sim, "a");
    sim.settleSeconds = 0;
    for (let n = 2; n < 26; n++) {
      sim.moveTag(debian, `sha256:${String(n).padStart(64, "0")}`);
      sim.tellTag(debian);
      await sim.settle({ hours: 0.02 });
    }
    await pause(sim, "a", "resume");
    await sim.settle();
    expect(await sim.leftovers()).toEqual([]);
    expect((await waves(sim)).filter((w) => openIn(w) !== 0)).toEqual([]);
  });
});
