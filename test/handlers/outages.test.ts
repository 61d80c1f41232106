import { describe, expect, it } from "vitest";
import { commitOf, digestOf as d, debian, type SimImage, Simulation } from "../support/simulation.ts";

const image = (files: string): readonly SimImage[] => [{ name: "a", files }];

describe("an outage of ACR", () => {
  it("leaves as many nudges in the queue after six hours as after one, and what was under way ends after it", async () => {
    const sim = new Simulation();
    sim.buildSeconds = 600;
    await sim.push(image("a"), commitOf(1));
    await sim.settle({ until: () => sim.acrRuns.length === 1 });
    sim.acrDown = true;
    for (let hour = 0; hour < 6; hour++) {
      await sim.live(1);
      expect(sim.queued("registries")).toBeLessThan(4);
    }
    sim.acrDown = false;
    await sim.live(1);
    expect((await sim.runs()).map((r) => r.status)).toEqual(["Succeeded"]);
  });
});

describe("a run that ends for no fault of its inputs", () => {
  const onDebian: readonly SimImage[] = [
    { name: "a", files: "a", on: [debian] },
    { name: "b", files: "b", on: ["a"] },
  ];
  const faults = {
    refused: (sim: Simulation, on: boolean) => {
      sim.onStart = () => (on ? "refuse" : "accept");
    },
    "in error": (sim: Simulation, on: boolean) => {
      sim.outcome = () => (on ? "Error" : "Succeeded");
    },
    "without a context": (sim: Simulation, on: boolean) => {
      sim.gitHubDown = on;
    },
  };
  const story = async (how: keyof typeof faults, images = onDebian) => {
    const sim = new Simulation();
    sim.moveTag(debian, d(1));
    await sim.push(images, commitOf(1));
    await sim.settle();
    faults[how](sim, true);
    sim.moveTag(debian, d(2));
    sim.tellTag(debian);
    return sim;
  };
  const standsOn = async (sim: Simulation, image: string) =>
    Object.values((await sim.tracks()).find((t) => t.image === image)!.built!.bases)[0];

  it.each(["refused", "in error", "without a context"] as const)(
    "(%s) is planned again by itself, with what stands on it, once that has passed",
    async (how) => {
      const sim = await story(how);
      await sim.live(0.75);
      const ended = (await sim.runs()).find((r) => r.image === "a" && r.ended && r.status !== "Succeeded");
      expect(ended?.notes?.join()).toMatch(/not a fault of the image: planned again at 2026-11-23T/);
      faults[how](sim, false);
      await sim.live(2);
      expect(await standsOn(sim, "a")).toBe(d(2));
      expect(await standsOn(sim, "b")).toBe(sim.tags.get(sim.referenceOf("a")));
      expect((await sim.tracks())[0]).toMatchObject({ failures: 0 });
      expect((await sim.tracks())[0]).not.toHaveProperty("fault");
      const runs = await sim.runs();
      await sim.live(72);
      expect(await sim.runs()).toHaveLength(runs.length);
    },
  );

  it("is tried seven times in three days, ever later, and does not count as one that keeps failing", async () => {
    const sim = await story("refused", onDebian.slice(0, 1));
    await sim.live(100);
    const refused = (await sim.runs()).filter((r) => r.status === "Failed");
    const ends = refused.map((r) => Date.parse(r.times.Failed!));
    const hours = ends.slice(1).map((end, i) => Math.round(((end - ends[i]!) / 3_600_000) * 10) / 10);
    expect(hours).toEqual([0.3, 1, 4, 16, 24, 24]);
    expect(refused.at(-1)?.notes?.join()).toContain("tried again for three days: waits for a change or a person");
    expect((await sim.tracks())[0]).toMatchObject({ failures: 0, fault: { times: 7 } });
    faults.refused(sim, false);
    sim.moveTag(debian, d(3));
    sim.tellTag(debian);
    await sim.settle();
    expect(await standsOn(sim, "a")).toBe(d(3));
  });

  it("is not planned again when a commit built the image meanwhile", async () => {
    const sim = await story("refused", onDebian.slice(0, 1));
    await sim.settle({ hours: 0.1 });
    faults.refused(sim, false);
    await sim.push([{ name: "a", files: "a2", on: [debian] }], commitOf(2));
    await sim.live(100);
    expect((await sim.runs()).map((r) => r.status)).toEqual(["Succeeded", "Failed", "Succeeded"]);
  });

  it("is not planned again beside a run of it that is under way", async () => {
    const sim = await story("refused", onDebian.slice(0, 1));
    await sim.settle({ hours: 0.1 });
    faults.refused(sim, false);
    sim.buildSeconds = 3600;
    const cause = { kind: "request", id: "again", action: "rebuild", at: "" } as const;
    await sim.word({ kind: "rebuild-requested", id: "again", cause, image: "a" });
    await sim.live(3);
    expect((await sim.runs()).map((r) => r.status)).toEqual(["Succeeded", "Failed", "Succeeded"]);
  });

  it("still does what a person asked for", async () => {
    const sim = await story("refused", [{ name: "a", files: "a" }]);
    const cause = { kind: "request", id: "again", action: "rebuild", at: "" } as const;
    await sim.word({ kind: "rebuild-requested", id: "again", cause, image: "a" });
    await sim.settle({ hours: 0.1 });
    expect((await sim.runs()).map((r) => r.status)).toEqual(["Succeeded", "Failed"]);
    faults.refused(sim, false);
    await sim.live(1);
    expect(sim.builds("a")).toBe(2);
  });

  it("keeps its promise to a person also for what keeps failing", async () => {
    const sim = new Simulation();
    const ask = (id: string) =>
      sim.word({
        kind: "rebuild-requested",
        id,
        cause: { kind: "request", id, action: "rebuild", at: "" },
        image: "a",
      });
    sim.outcome = () => "Failed";
    await sim.push(image("a"), commitOf(1));
    await sim.settle();
    for (const id of ["again-1", "again-2"]) {
      await ask(id);
      await sim.settle();
    }
    expect(await sim.tracks()).toMatchObject([{ failures: 3 }]);
    faults.refused(sim, true);
    await ask("again-3");
    await sim.settle({ hours: 0.1 });
    expect((await sim.runs()).at(-1)?.notes?.join()).toContain("planned again at");
    faults.refused(sim, false);
    sim.outcome = () => "Succeeded";
    await sim.live(1);
    expect((await sim.runs()).at(-1)?.status).toBe("Succeeded");
  });
});

describe("an outage of GitHub", () => {
  it("leaves one or two reports of a run in the queue however long it takes, and the commit is told after it", async () => {
    const sim = new Simulation();
    await sim.push(image("a"), commitOf(1));
    await sim.settle({ until: () => sim.acrRuns.length === 1 });
    sim.gitHubDown = true;
    for (let hour = 0; hour < 24; hour++) {
      await sim.live(1);
      expect(sim.queued("reports")).toBeLessThan(4);
    }
    sim.gitHubDown = false;
    await sim.live(2);
    expect(sim.lastStatus(commitOf(1), "slipway/a")?.state).toBe("success");
    expect(await sim.leftovers()).toEqual([]);
  });

  it("gives slots back after half an hour: the runs whose context cannot be had end and say why", async () => {
    const sim = new Simulation();
    sim.gitHubDown = true;
    await sim.push([...image("a"), { name: "b", files: "b" }, { name: "c", files: "c" }], commitOf(1));
    await sim.live(0.6);
    expect((await sim.runs()).map((r) => r.status)).toEqual(["Failed", "Failed", "Preparing"]);
    expect((await sim.runs())[0]?.ended).toEqual({
      code: "gave-up",
      message: "its context could not be sent to ACR for half an hour: GitHub answers 503",
    });
  });
});
