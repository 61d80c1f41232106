import { describe, expect, it } from "vitest";
import { registryEventSenders } from "../../src/core/plan/reason.ts";
import type { Run } from "../../src/core/state/rows.ts";
import {
  commitOf,
  digestOf as d,
  debian,
  uneven as diamondOnDebian,
  main,
  type SimImage,
  Simulation,
  source,
} from "../support/simulation.ts";

const when = (run: Run | undefined) => run?.reasons.find((r) => r.kind === "base" && r.reference === debian);

/** With an image that stands on nothing. */
const uneven: readonly SimImage[] = [...diamondOnDebian, { name: "apart", files: "apart" }];

async function built(images: readonly SimImage[] = uneven): Promise<Simulation> {
  const sim = new Simulation();
  sim.moveTag(debian, d(1));
  await sim.push(images, commitOf(1));
  await sim.settle();
  return sim;
}

async function newRuns(sim: Simulation, before: number): Promise<readonly Run[]> {
  return (await sim.runs()).slice(before);
}

describe("a base that nobody here builds moves", () => {
  it("rebuilds what stands on it, each once, in order, with the digests as the reason", async () => {
    const sim = await built();
    const before = sim.acrRuns.length;
    sim.moveTag(debian, d(2));
    sim.tellTag(debian);
    await sim.settle();
    expect(sim.acrRuns.slice(before).map((r) => r.repository)).toEqual(["a", "b", "c", "e", "z"]);
    const [a, b] = await newRuns(sim, before);
    expect(when(a)).toEqual({ kind: "base", reference: debian, from: d(1), to: d(2) });
    expect(a?.cause).toMatchObject({ kind: "registry-event", sender: "acr-webhook", reference: debian });
    expect(b?.cause).toEqual({ kind: "run", id: a?.id });
    expect(a?.waves).toEqual(b?.waves);
  });

  it("makes one wave of the same fact, from every sender, each twice, in any order", async () => {
    const sim = await built();
    const before = sim.acrRuns.length;
    sim.moveTag(debian, d(2));
    for (const sender of registryEventSenders) for (const n of [1, 2]) sim.tellTag(debian, sender, `${sender}-${n}`);
    await sim.settle();
    sim.tellTag(debian, "event-grid", "late");
    await sim.settle();
    expect(sim.acrRuns.length - before).toBe(5);
    expect(new Set((await newRuns(sim, before)).flatMap((r) => r.waves)).size).toBe(1);
  });

  it("builds nothing for A→B→A within the settle time, and says so", async () => {
    const sim = await built();
    sim.tellTag(debian);
    await sim.settle();
    const before = sim.acrRuns.length;
    sim.moveTag(debian, d(2));
    sim.tellTag(debian, "acr-webhook", "to-b");
    sim.now += 2000;
    sim.moveTag(debian, d(1));
    sim.tellTag(debian, "acr-webhook", "back-to-a");
    await sim.settle();
    expect(sim.acrRuns.length).toBe(before);
    expect(sim.outcomes.at(-1)).toContain("nothing-changed");
  });

  it("builds once for a tag that is pushed in parts, and for the last of them", async () => {
    const sim = await built();
    const before = sim.acrRuns.length;
    for (const n of [2, 3, 4]) {
      sim.moveTag(debian, d(n));
      sim.tellTag(debian);
      sim.now += 10_000;
    }
    await sim.settle();
    expect(sim.acrRuns.length - before).toBe(5);
    expect(when((await newRuns(sim, before))[0])).toMatchObject({ to: d(4) });
  });

  it("is waited for at most ten settle times, however hot it is", async () => {
    const sim = await built();
    const before = sim.acrRuns.length;
    for (let n = 0; n < 40; n++) {
      sim.moveTag(debian, d(2 + (n % 7)));
      sim.tellTag(debian);
      await sim.settle({ hours: 20 / 3600 });
    }
    expect(sim.acrRuns.length).toBeGreaterThan(before);
    await sim.settle();
  });

  it("says that nobody stands on it when nobody does", async () => {
    const sim = await built();
    sim.moveTag("docker.io/library/alpine:3", d(9));
    sim.tellTag("docker.io/library/alpine:3");
    await sim.settle();
    expect(sim.outcomes.at(-1)).toBe("base-not-followed: no image stands on docker.io/library/alpine:3");
  });

  it("plans nothing for our own push, told while the run is still open or after it", async () => {
    const sim = await built();
    const before = sim.acrRuns.length;
    sim.settleSeconds = 0;
    await sim.push([{ ...uneven[0]!, files: "a2" }, ...uneven.slice(1)], commitOf(2));
    await sim.settle({ until: () => sim.acrRuns.length === before + 1 && sim.acrRuns.at(-1)?.status === "Succeeded" });
    sim.tellTag("a");
    await sim.settle();
    sim.tellTag("a");
    await sim.settle();
    expect(sim.acrRuns.slice(before).map((r) => r.repository)).toEqual(["a", "b", "c", "e", "z"]);
  });

  it.each(["somebody", "Slipway itself, after a run that failed"])(
    "takes dependents along when a stranger's push to our own tag is put back by %s",
    async (who) => {
      const sim = await built();
      const ours = sim.tags.get(sim.referenceOf("a"))!;
      const standsOn = async () =>
        (await sim.tracks()).find((t) => t.image === "b")!.built!.bases[sim.referenceOf("a")];
      sim.moveTag("a", d(7));
      sim.tellTag("a");
      await sim.settle();
      expect(await standsOn()).toBe(d(7));
      if (who === "somebody") sim.moveTag("a", ours);
      else {
        sim.outcome = (repository) => (repository === "a" ? "Failed" : "Succeeded");
        await sim.push([{ ...uneven[0]!, files: "broken" }, ...uneven.slice(1)], commitOf(2));
        await sim.settle();
      }
      expect(sim.tags.get(sim.referenceOf("a"))).toBe(ours);
      const before = sim.acrRuns.length;
      sim.tellTag("a");
      await sim.settle();
      expect(await standsOn()).toBe(ours);
      expect(sim.acrRuns.slice(before).map((r) => r.repository)).toEqual(["b", "c", "e", "z"]);
    },
  );

  it("joins a commit that arrives with it: one run with both reasons", async () => {
    const sim = await built();
    const before = sim.acrRuns.length;
    sim.settleSeconds = 0;
    sim.moveTag(debian, d(2));
    sim.tellTag(debian);
    await sim.push([{ ...uneven[0]!, files: "a2" }, ...uneven.slice(1)], commitOf(2));
    await sim.settle();
    const runs = (await newRuns(sim, before)).filter((r) => r.status === "Succeeded");
    expect(runs.map((r) => r.image)).toEqual(["a", "b", "c", "e", "z"]);
    expect(runs[0]?.reasons.map((r) => r.kind).sort()).toEqual(["base", "commit"]);
  });

  it("rebuilds each branch that stands on it at its own head", async () => {
    const sim = await built([{ name: "a", files: "a", on: [debian] }]);
    await sim.push([{ name: "a", files: "a of next", on: [debian] }], commitOf(2), { ref: "refs/heads/next" });
    await sim.settle();
    const before = (await sim.runs()).length;
    sim.moveTag(debian, d(2));
    sim.tellTag(debian);
    await sim.settle();
    const runs = await newRuns(sim, before);
    expect(runs.map((r) => [r.ref, r.commit])).toEqual([
      [main, commitOf(1)],
      ["refs/heads/next", commitOf(2)],
    ]);
  });

  it("is taken up again for a track that failed, until it has failed three times in a row", async () => {
    const sim = await built([{ name: "a", files: "a", on: [debian] }]);
    sim.outcome = () => "Failed";
    for (const n of [2, 3, 4, 5, 6]) {
      sim.moveTag(debian, d(n));
      sim.tellTag(debian);
      await sim.settle();
    }
    expect(sim.builds("a")).toBe(1 + 3);
    const last = (await sim.decisions()).find((x) => x.skipped.some((s) => s.reason === "keeps-failing"));
    expect(last?.skipped[0]?.message).toContain("waits for a commit or a person");
    sim.outcome = () => "Succeeded";
    await sim.push([{ name: "a", files: "mended", on: [debian] }], commitOf(3));
    await sim.settle();
    expect(sim.builds("a")).toBe(5);
  });
});

describe("an image that keeps failing", () => {
  const line: readonly SimImage[] = [
    { name: "a", files: "a", on: [debian] },
    { name: "b", files: "b", on: ["a"] },
    { name: "c", files: "c", on: ["b"] },
  ];
  const moved = async (sim: Simulation, n: number) => {
    sim.moveTag(debian, d(n));
    sim.tellTag(debian);
    await sim.settle();
  };

  it("is not built for its base, nor is what stands on it; the decision says so of both", async () => {
    const sim = await built(line);
    sim.outcome = (repository) => (repository === "b" ? "Failed" : "Succeeded");
    for (const n of [2, 3, 4]) await moved(sim, n);
    const before = await sim.runs();
    await moved(sim, 5);
    expect((await newRuns(sim, before.length)).map((r) => `${r.image} ${r.status}`)).toEqual(["a Succeeded"]);
    expect((await sim.decisions())[0]?.skipped).toEqual([
      {
        reason: "keeps-failing",
        count: 1,
        images: ["c"],
        message: `its base ${sim.referenceOf("b")} keeps failing and is not built`,
      },
      {
        reason: "keeps-failing",
        count: 1,
        images: ["b"],
        message: expect.stringContaining("waits for a commit or a person"),
      },
    ]);
  });

  it("is none that has lacked one base after another: built when the last of them has come", async () => {
    const names = ["a", "b", "c", "e"];
    const bases = names.map((name): SimImage => ({ name, files: name }));
    const sim = new Simulation();
    const on = names.map((name) => sim.referenceOf(name));
    await sim.push([{ name: "all", files: "all", on }], commitOf(9), {
      source: { ...source, id: 8, fullName: "acme/web" },
    });
    await sim.settle();
    for (let n = 1; n <= bases.length; n++) {
      await sim.push(bases.slice(0, n), commitOf(n));
      await sim.settle();
    }
    const lacked = (await sim.runs()).filter((r) => r.ended?.code === "base-not-found");
    expect(lacked.length).toBeGreaterThanOrEqual(3);
    expect(sim.builds("all")).toBe(1);
  });

  it("still does when its owner is another one", async () => {
    const sim = await built(line.slice(0, 1));
    sim.outcome = () => "Failed";
    for (const n of [2, 3, 4]) await moved(sim, n);
    const before = sim.builds("a");
    await sim.push([{ ...line[0]!, owner: "team-b" }], commitOf(2));
    await moved(sim, 5);
    expect(sim.builds("a")).toBe(before);
    expect((await sim.tracks())[0]?.failures).toBe(3);
  });

  it("does not keep what stands on another base too from being built for that", async () => {
    const sim = await built([...line.slice(0, 2), { name: "c", files: "c", on: ["a", "b"] }]);
    sim.outcome = (repository) => (repository === "b" ? "Failed" : "Succeeded");
    for (const n of [2, 3, 4]) await moved(sim, n);
    const before = sim.builds("c");
    await moved(sim, 5);
    expect(sim.builds("c")).toBe(before + 1);
    expect((await sim.runs()).at(-1)?.reasons).toMatchObject([{ kind: "base", reference: sim.referenceOf("a") }]);
  });
});

describe("base_update that does not follow", () => {
  const off = { baseUpdate: "off" } as const;

  it("a base that nobody here builds: nothing is built, and the decision says so", async () => {
    const sim = await built([{ name: "a", files: "a", on: [debian], ...off }]);
    sim.moveTag(debian, d(2));
    sim.tellTag(debian);
    await sim.settle();
    expect(sim.builds("a")).toBe(1);
    expect((await sim.decisions())[0]?.skipped).toMatchObject([{ reason: "base-update-off", images: ["a"] }]);
  });

  it("a base that is built here: only the base is built, and the decision says so, whatever set it off", async () => {
    const images: readonly SimImage[] = [
      { name: "a", files: "a", on: [debian] },
      { name: "b", files: "b", on: ["a"], ...off },
    ];
    const sim = await built(images);
    const skipped = [
      { reason: "base-update-off", count: 1, images: ["b"], message: "base_update does not follow runtime bases here" },
    ];
    sim.moveTag(debian, d(2));
    sim.tellTag(debian);
    await sim.settle();
    expect((await sim.decisions())[0]?.skipped).toEqual(skipped);
    await sim.push([{ ...images[0]!, files: "a2" }, images[1]!], commitOf(2));
    await sim.settle();
    expect((await sim.decisions())[0]?.skipped).toEqual(skipped);
    expect([sim.builds("a"), sim.builds("b")]).toEqual([3, 1]);
  });

  it.each(["all", "runtime"] as const)(
    "and does from a commit on (%s): what moved before is made good, once",
    async (baseUpdate) => {
      const z = { name: "z", files: "z", on: ["a", debian] };
      const images = [{ name: "a", files: "a", on: [debian] }];
      const sim = await built([...images, { ...z, ...off }]);
      sim.moveTag(debian, d(2));
      sim.tellTag(debian);
      await sim.settle();
      expect([sim.builds("a"), sim.builds("z")]).toEqual([2, 1]);
      await sim.push([...images, { ...z, baseUpdate }], commitOf(2));
      await sim.settle();
      expect([sim.builds("a"), sim.builds("z")]).toEqual([2, 2]);
      const [run] = (await sim.runs()).filter((r) => r.image === "z").slice(-1);
      const changes = [{ key: "on.base_update", from: "off", to: baseUpdate }];
      expect(run?.reasons).toEqual([{ kind: "definition", changes }]);
      await sim.push([...images, { ...z, ...off }], commitOf(3));
      await sim.push([...images, { ...z, baseUpdate }], commitOf(4));
      await sim.settle();
      expect(sim.builds("z"), "nothing has moved meanwhile").toBe(2);
    },
  );
});

describe("a base that moves to what failed before", () => {
  it("does not build it again, although its owner is another one meanwhile", async () => {
    const sim = await built([{ name: "a", files: "a", on: [debian] }]);
    sim.outcome = () => "Failed";
    const move = async (n: number) => {
      sim.moveTag(debian, d(n));
      sim.tellTag(debian);
      await sim.settle();
    };
    await move(2);
    expect(sim.builds("a")).toBe(2);
    await sim.push([{ name: "a", files: "a", on: [debian], owner: "team-a" }], commitOf(2));
    await sim.settle();
    await move(1);
    await move(2);
    expect(sim.builds("a")).toBe(2);
    expect((await sim.decisions())[0]?.skipped[0]?.message).toBe("was tried on this digest, in vain");
  });
});

describe("a digest that only a build has met", () => {
  const alone: readonly SimImage[] = [{ name: "a", files: "a", on: [debian] }];
  const meets = async (outcome: "Succeeded" | "Failed") => {
    const sim = await built(alone);
    sim.tellTag(debian, "base-check");
    await sim.settle();
    sim.moveTag(debian, d(2));
    sim.outcome = () => outcome;
    await sim.push([{ ...alone[0]!, files: "a2" }], commitOf(2));
    await sim.settle();
    sim.outcome = () => "Succeeded";
    sim.moveTag(debian, d(1));
    sim.tellTag(debian, "base-check");
    await sim.settle();
    return (await sim.tracks())[0];
  };

  it("is not stayed on when the tag goes back to the one that is known", async () => {
    expect((await meets("Succeeded"))?.built).toMatchObject({ commit: commitOf(2), bases: { [debian]: d(1) } });
  });

  it("does not keep what failed on it from being built when it is gone", async () => {
    expect((await meets("Failed"))?.built).toMatchObject({ commit: commitOf(2), bases: { [debian]: d(1) } });
  });

  it("is news to the others when it stays", async () => {
    const sim = await built([...alone, { name: "b", files: "b", on: [debian] }]);
    sim.tellTag(debian, "base-check");
    await sim.settle();
    sim.moveTag(debian, d(2));
    await sim.push(
      [
        { ...alone[0]!, files: "a2" },
        { name: "b", files: "b", on: [debian] },
      ],
      commitOf(2),
    );
    await sim.settle();
    sim.tellTag(debian, "base-check");
    await sim.settle();
    expect((await sim.tracks()).map((t) => [t.image, t.built?.bases[debian]])).toEqual([
      ["a", d(2)],
      ["b", d(2)],
    ]);
    expect([sim.builds("a"), sim.builds("b")]).toEqual([2, 2]);
    expect(when((await sim.runs()).at(-1))).toMatchObject({ from: d(1), to: d(2) });
  });
});

describe("an image that did not change with the last commits", () => {
  const alone: readonly SimImage[] = [{ name: "a", files: "a", on: [debian] }];
  const moved = async (sim: Simulation) => {
    sim.moveTag(debian, d(2));
    sim.tellTag(debian);
    await sim.settle();
    return (await sim.runs()).at(-1);
  };

  it("is built for its base at the head of its ref, whose commit shows it", async () => {
    const sim = await built(alone);
    await sim.push(alone, commitOf(2));
    await sim.settle();
    expect(sim.builds("a")).toBe(1);
    const run = await moved(sim);
    expect([run?.status, run?.commit]).toEqual(["Succeeded", commitOf(2)]);
    expect(sim.statuses.at(-1)).toMatchObject({ sha: commitOf(2), status: { state: "success" } });
  });

  it("is built at the commit before when the head's Dockerfile was refused", async () => {
    const sim = await built(alone);
    await sim.push([], commitOf(2), { refused: [{ image: "a", reason: "dockerfile-invalid", message: "no" }] });
    await sim.settle();
    expect((await moved(sim))?.commit).toBe(commitOf(1));
    expect(sim.builds("a")).toBe(2);
  });
});

describe("a commit that could not be built", () => {
  const alone: SimImage = { name: "a", files: "a", on: [debian] };

  it("because of its base is built when that goes back to what the last good build stands on", async () => {
    const sim = await built([alone]);
    sim.moveTag(debian, d(2));
    sim.outcome = (_, nth) => (nth === 2 ? "Failed" : "Succeeded");
    await sim.push([{ ...alone, files: "a2" }], commitOf(2));
    await sim.settle();
    sim.tellTag(debian);
    await sim.settle();
    expect((await sim.runs()).at(-1)).toMatchObject({ status: "Failed", bases: { [debian]: d(2) } });
    sim.moveTag(debian, d(1));
    sim.tellTag(debian);
    await sim.settle();
    expect((await sim.tracks())[0]?.built?.commit).toBe(commitOf(2));
    expect((await sim.runs()).at(-1)?.reasons).toEqual([{ kind: "base", reference: debian, from: d(2), to: d(1) }]);
  });

  it("for want of its base is built when that is back, although it is the same as before", async () => {
    const sim = await built([alone]);
    sim.tags.delete(debian);
    sim.tellTag(debian, "base-check");
    await sim.settle();
    await sim.push([{ ...alone, files: "a2" }], commitOf(2));
    await sim.settle();
    expect((await sim.runs()).at(-1)?.ended?.code).toBe("base-not-found");
    sim.moveTag(debian, d(1));
    sim.tellTag(debian);
    await sim.settle();
    expect((await sim.tracks())[0]?.built?.commit).toBe(commitOf(2));
  });

  it("for want of its base, which was gone for a moment that nobody saw, is built within the hour", async () => {
    const sim = await built([alone]);
    sim.tags.delete(debian);
    await sim.push([{ ...alone, files: "a2" }], commitOf(2));
    await sim.settle({ hours: 0.1 });
    sim.moveTag(debian, d(1));
    await sim.live(1);
    expect((await sim.tracks())[0]?.built?.commit).toBe(commitOf(2));
  });

  it("for want of its base is looked at for three days without another run", async () => {
    const sim = new Simulation();
    await sim.push([alone], commitOf(1));
    await sim.live(44);
    expect((await sim.runs()).map((r) => r.ended?.code)).toEqual(["base-not-found"]);
    sim.moveTag(debian, d(1));
    await sim.live(24);
    expect(sim.builds("a")).toBe(1);
  });

  it("with three failures of one definition is not given up with another", async () => {
    const sim = await built([alone]);
    sim.outcome = () => "Failed";
    for (const n of [2, 3, 4]) {
      sim.moveTag(debian, d(n));
      sim.tellTag(debian);
      await sim.settle();
    }
    await sim.push([{ ...alone, compat: true }], commitOf(2));
    await sim.settle();
    const before = sim.builds("a");
    sim.moveTag(debian, d(5));
    sim.tellTag(debian);
    await sim.settle();
    expect(sim.builds("a")).toBe(before + 1);
  });
});

describe("what ACR says that a build stood on", () => {
  const alone: readonly SimImage[] = [{ name: "a", files: "a", on: [debian] }];
  const runs = async (sim: Simulation) => (await sim.runs()).map((r) => [r.status, r.reasons]);

  it("proves nothing where the base went there and back meanwhile: it is built once more, and the run says why", async () => {
    const sim = new Simulation();
    sim.moveTag(debian, d(1));
    await sim.push(alone, commitOf(1));
    await sim.settle({ until: () => sim.queued("run-work") > 0 });
    sim.moveTag(debian, d(2));
    await sim.settle({ until: () => sim.acrRuns[0]?.status === "Running" });
    sim.moveTag(debian, d(1));
    await sim.settle();
    expect(await runs(sim)).toEqual([
      ["Succeeded", [{ kind: "first-build" }]],
      ["Succeeded", [{ kind: "base", reference: debian, from: d(2), to: d(1) }]],
    ]);
    expect((await sim.runs())[0]?.notes).toEqual([
      `ACR says that it was built on ${debian} ${d(2)}; before and after it was ${d(1)}`,
    ]);
    expect((await sim.tracks())[0]?.built).toMatchObject({ proved: true, bases: { [debian]: d(1) } });
  });

  it("builds once more where it never agrees with the registry, and is not believed from then on", async () => {
    const sim = new Simulation();
    sim.moveTag(debian, d(1));
    sim.saysStoodOn = () => d(9);
    await sim.push(alone, commitOf(1));
    await sim.live(24);
    expect(sim.builds("a")).toBe(2);
    expect((await sim.tracks())[0]?.built?.proved).toBe(true);
    await sim.push([{ ...alone[0]!, files: "a2" }], commitOf(2));
    sim.saysStoodOn = () => d(8);
    await sim.live(24);
    expect(sim.builds("a")).toBe(3);
    sim.saysStoodOn = () => undefined;
    await sim.push([{ ...alone[0]!, files: "a3" }], commitOf(3));
    await sim.live(24);
    expect((await sim.tracks())[0]?.listIsOther).toBeUndefined();
    expect(sim.builds("a")).toBe(4);
  });

  it("is what an image stands on whose base could not be asked for", async () => {
    const sim = new Simulation();
    sim.moveTag(debian, d(1));
    sim.silent.add(debian);
    await sim.push(alone, commitOf(1));
    await sim.settle();
    expect((await sim.tracks())[0]?.built).toMatchObject({ proved: false, bases: { [debian]: d(1) } });
    sim.silent.delete(debian);
    sim.tellTag(debian, "base-check");
    await sim.settle();
    expect([sim.builds("a"), (await sim.decisions())[0]?.skipped[0]?.reason]).toEqual([1, "nothing-changed"]);
  });

  it("proves what was inside when the base could not be asked for afterwards: the same again is not built", async () => {
    const sim = new Simulation();
    sim.moveTag(debian, d(1));
    await sim.push(alone, commitOf(1));
    await sim.settle({ until: () => sim.acrRuns.length === 1 });
    sim.silent.add(debian);
    await sim.settle();
    expect((await sim.tracks())[0]?.built).toMatchObject({ proved: true, bases: { [debian]: d(1) } });
    sim.silent.delete(debian);
    sim.maxRuns = 0;
    await sim.push([{ ...alone[0]!, files: "a2" }], commitOf(2));
    await sim.push(alone, commitOf(3));
    sim.maxRuns = 2;
    await sim.settle();
    expect(sim.builds("a")).toBe(1);
  });

  it("is not asked about a base that could be asked for again before the build was over: it is built once more", async () => {
    const sim = new Simulation();
    sim.moveTag(debian, d(1));
    sim.silent.add(debian);
    await sim.push(alone, commitOf(1));
    await sim.settle({ until: () => sim.acrRuns.length === 1 });
    sim.moveTag(debian, d(2));
    sim.silent.delete(debian);
    await sim.settle();
    expect((await sim.tracks())[0]?.built).toMatchObject({ proved: true, bases: { [debian]: d(2) } });
    expect(sim.builds("a")).toBe(2);
  });
});

describe("a base that moves under a build and back again before the next", () => {
  const cause = { kind: "request", id: "p", action: "pause", at: "2026-11-23T12:00:00Z" } as const;
  const builtOn = async (image: Partial<SimImage>) => {
    const sim = new Simulation();
    sim.moveTag(debian, d(1));
    await sim.push([{ name: "a", files: "a", on: [debian], ...image }], commitOf(1));
    await sim.settle({ until: () => sim.acrRuns.length === 1 });
    await sim.word({ kind: "pause-requested", id: "p1", cause, action: "pause", image: "a", why: "to look on" });
    sim.moveTag(debian, d(2));
    await sim.settle({ hours: 1 });
    expect((await sim.runs()).map((r) => r.status)).toEqual(["Succeeded", "Planned"]);
    sim.moveTag(debian, d(1));
    await sim.word({ kind: "pause-requested", id: "p2", cause, action: "resume", image: "a", why: "" });
    await sim.settle();
    return sim;
  };

  it("leaves in doubt what was built on: it is built again", async () => {
    const sim = await builtOn({});
    expect(sim.builds("a")).toBe(2);
  });

  it("is no doubt with compat, because the digest stood in the Dockerfile: nothing is built", async () => {
    const sim = await builtOn({ compat: true });
    expect(sim.builds("a")).toBe(1);
    expect((await sim.tracks())[0]?.built).toMatchObject({ proved: true, bases: { [debian]: d(1) } });
    expect((await sim.runs()).at(-1)).toMatchObject({ status: "Skipped", ended: { code: "nothing-changed" } });
  });
});

describe("the first news of a tag", () => {
  const alone: readonly SimImage[] = [{ name: "a", files: "a", on: [debian] }];

  it("does not build again what failed on that very digest; the next move does", async () => {
    const sim = new Simulation();
    sim.outcome = () => "Failed";
    sim.moveTag(debian, d(1));
    await sim.push(alone, commitOf(1));
    await sim.settle();
    sim.tellTag(debian, "base-check");
    await sim.settle();
    expect(sim.builds("a")).toBe(1);
    sim.moveTag(debian, d(2));
    sim.tellTag(debian);
    await sim.settle();
    expect(sim.builds("a")).toBe(2);
  });

  it("builds what failed on the digest before it, although nobody saw the tag move", async () => {
    const sim = new Simulation();
    sim.outcome = () => "Failed";
    sim.moveTag(debian, d(1));
    await sim.push(alone, commitOf(1));
    await sim.settle({ until: () => sim.acrRuns.length === 1 });
    sim.moveTag(debian, d(2));
    await sim.settle();
    sim.tellTag(debian, "base-check");
    await sim.settle();
    expect(sim.builds("a")).toBe(2);
  });

  it.each(["Planned", "Running"] as const)("does not build what a person cancelled while it was %s", async (status) => {
    const sim = new Simulation();
    sim.moveTag(debian, d(1));
    if (status === "Planned") sim.maxRuns = 0;
    await sim.push(alone, commitOf(1));
    await sim.settle({ hours: 10 / 3600 });
    const run = (await sim.runs())[0]!;
    expect(run.status).toBe(status);
    const cause = { kind: "request", id: "c", action: "cancel", at: "" } as const;
    await sim.word({ kind: "cancel-requested", id: "c", cause, run: run.id });
    sim.maxRuns = 2;
    await sim.settle();
    expect((await sim.runs()).map((r) => r.status)).toEqual(["Canceled"]);
    sim.tellTag(debian, "base-check");
    await sim.settle();
    expect((await sim.runs()).map((r) => r.status)).toEqual(["Canceled"]);
    // What was never released never stood on anything that could have moved.
    const reason = status === "Planned" ? "base-first-seen" : "nothing-changed";
    expect((await sim.decisions())[0]?.skipped).toMatchObject([{ reason, images: ["a"] }]);
  });

  it("plans nothing for what is planned already", async () => {
    const sim = new Simulation();
    sim.maxRuns = 0;
    sim.moveTag(debian, d(1));
    await sim.push(alone, commitOf(1));
    await sim.settle({ hours: 0.01 });
    sim.tellTag(debian);
    await sim.settle({ hours: 0.1 });
    expect((await sim.decisions())[0]?.skipped).toMatchObject([{ reason: "already-planned", images: ["a"] }]);
    expect(await sim.runs()).toHaveLength(1);
  });

  it("builds what failed because there was no such image", async () => {
    const sim = new Simulation();
    await sim.push(alone, commitOf(1));
    await sim.settle();
    expect((await sim.runs())[0]?.ended?.code).toBe("base-not-found");
    sim.moveTag(debian, d(1));
    sim.tellTag(debian);
    await sim.settle();
    expect(sim.builds("a")).toBe(1);
  });
});

describe("three bases in one window", () => {
  it("become one run with three reasons", async () => {
    const bases = ["docker.io/library/x:1", "docker.io/library/y:1", "docker.io/library/w:1"];
    const sim = new Simulation();
    for (const base of bases) sim.moveTag(base, d(1));
    await sim.push([{ name: "a", files: "a", on: bases }], commitOf(1));
    await sim.settle();
    for (const base of bases) {
      sim.moveTag(base, d(2));
      sim.tellTag(base);
    }
    await sim.settle();
    const runs = (await sim.runs()).slice(1).filter((r) => r.status === "Succeeded");
    expect(runs.length).toBe(1);
    expect(runs[0]?.reasons.length).toBe(3);
  });
});

describe("while the wave of a base runs", () => {
  /** The wave has begun: a is at ACR, all others wait for it. */
  async function begun(images: readonly SimImage[] = uneven): Promise<{ sim: Simulation; before: number }> {
    const sim = await built(images);
    const before = sim.acrRuns.length;
    sim.moveTag(debian, d(2));
    sim.tellTag(debian);
    await sim.settle({ until: () => sim.acrRuns.length > before });
    return { sim, before };
  }
  async function expectFresh(sim: Simulation): Promise<void> {
    expect(await sim.leftovers()).toEqual([]);
    for (const { image, built, wanted } of await sim.tracks()) {
      expect(built?.inputs, image).toBe(wanted.inputs);
      for (const [base, digest] of Object.entries(built!.bases))
        expect(digest, `${image} on ${base}`).toBe(sim.tags.get(base));
    }
  }

  it("a commit to a dependent joins it: built once, from the new files on the new base", async () => {
    const { sim, before } = await begun();
    await sim.push(
      uneven.map((image) => (image.name === "z" ? { ...image, files: "z2" } : image)),
      commitOf(2),
    );
    await sim.settle();
    expect(sim.acrRuns.slice(before).map((r) => r.repository)).toEqual(["a", "b", "c", "e", "z"]);
    const z = (await sim.runs()).filter((r) => r.image === "z" && r.status === "Succeeded").at(-1);
    expect(z?.commit).toBe(commitOf(2));
    expect(new Set(z?.reasons.map((r) => r.kind))).toEqual(new Set(["base", "commit"]));
    await expectFresh(sim);
  });

  it("the same base moves again: what was not built yet is built once, on the newest", async () => {
    const { sim, before } = await begun();
    sim.settleSeconds = 0;
    sim.moveTag(debian, d(3));
    sim.tellTag(debian);
    await sim.settle();
    expect(sim.acrRuns.slice(before).map((r) => r.repository)).toEqual(["a", "a", "b", "c", "e", "z"]);
    await expectFresh(sim);
  });

  it("the graph is turned around: everything ends on what the new one says", async () => {
    const { sim } = await begun([
      { name: "a", files: "a", on: [debian] },
      { name: "b", files: "b", on: ["a"] },
    ]);
    await sim.push(
      [
        { name: "b", files: "b2", on: [debian] },
        { name: "a", files: "a2", on: ["b"] },
      ],
      commitOf(2),
    );
    await sim.settle();
    await expectFresh(sim);
    const last = (await sim.runs()).filter((r) => r.status === "Succeeded").slice(-2);
    expect(last.map((r) => r.image)).toEqual(["b", "a"]);
  });

  it("an image in the middle fails: what stands on it stays on the last good one and says so, the rest goes on", async () => {
    const sim = await built();
    const before = sim.acrRuns.length;
    sim.outcome = (repository) => (repository === "c" ? "Failed" : "Succeeded");
    sim.moveTag(debian, d(2));
    sim.tellTag(debian);
    await sim.settle();
    expect(sim.acrRuns.slice(before).map((r) => r.repository)).toEqual(["a", "b", "c", "z"]);
    const ends = new Map((await newRuns(sim, before)).map((r) => [r.image, r]));
    expect(ends.get("e")?.ended).toMatchObject({ code: "base-failed", message: expect.stringContaining("/c:main") });
    expect(ends.get("z")?.notes?.join()).toContain("/e:main");
    expect(await sim.leftovers()).toEqual([]);
  });

  it("one of two bases fails and the other is the same: not built, because of the one", async () => {
    const images = (r: string, t: string): readonly SimImage[] => [
      { name: "r", files: r },
      { name: "t", files: t },
      { name: "app", files: "app", on: ["r", "t"] },
    ];
    const sim = await built(images("r", "t"));
    sim.maxRuns = 0;
    await sim.push(images("r2", "t2"), commitOf(2));
    await sim.settle({ hours: 0.01 });
    await sim.push(images("r2", "t"), commitOf(3));
    sim.outcome = (repository) => (repository === "r" ? "Failed" : "Succeeded");
    sim.maxRuns = 2;
    await sim.settle();
    const last = new Map((await sim.runs()).map((r) => [r.image, r]));
    expect(last.get("t")?.ended?.code).toBe("nothing-changed");
    expect(last.get("app")?.ended).toEqual({
      code: "base-failed",
      message: `its base ${sim.referenceOf("r")} was not built: ${last.get("r")!.id} ended Failed; the image stays on the last good one`,
    });
    expect(sim.statuses.filter(({ status }) => status.context === "slipway/app").at(-1)?.status.state).toBe("error");
    expect(sim.builds("app")).toBe(1);
  });

  it("images that stand on each other and on it are built once round the circle and once more, and say so", async () => {
    const { sim, before } = await begun([
      { name: "x", files: "x", on: [debian] },
      { name: "y", files: "y", on: ["x"] },
    ]);
    await sim.settle();
    await sim.push(
      [
        { name: "x", files: "x", on: [debian, "y"] },
        { name: "y", files: "y", on: ["x"] },
      ],
      commitOf(2),
    );
    await sim.settle();
    const turned = sim.acrRuns.length;
    expect(turned).toBeGreaterThan(before);
    sim.moveTag(debian, d(3));
    sim.tellTag(debian);
    await sim.settle();
    const again = sim.acrRuns.slice(turned).map((r) => r.repository);
    // Once round the circle, and once more with what that made; not for ever.
    expect(again).toEqual(["x", "y", "x", "y"]);
    const { notes } = (await sim.runs()).at(-1)!;
    expect(notes?.join()).toContain("so it is not built again");
    expect(await sim.leftovers()).toEqual([]);
  });
});

describe("pauses and freezes", () => {
  const cause = { kind: "request", id: "p", action: "pause", at: "2026-11-23T12:00:00Z" } as const;

  it("hold what merely happened, not what a person asks for, until they end", async () => {
    const sim = await built([{ name: "a", files: "a", on: [debian] }]);
    await sim.word({ kind: "pause-requested", id: "p1", cause, action: "pause", image: "a", why: "incident" });
    sim.moveTag(debian, d(2));
    sim.tellTag(debian);
    await sim.settle();
    expect(sim.builds("a")).toBe(1);
    expect((await sim.runs()).at(-1)?.hold).toEqual({ kind: "paused", scope: "image", why: "incident" });
    await sim.word({ kind: "pause-requested", id: "p2", cause, action: "resume", image: "a", why: "" });
    await sim.settle();
    expect(sim.builds("a")).toBe(2);
  });

  it("are what the commit shows, also once the base it waited for before is built", async () => {
    const images = (files: string): readonly SimImage[] => [
      { name: "a", files, on: [debian] },
      { name: "z", files, on: ["a"] },
    ];
    const sim = await built(images("1"));
    await sim.word({ kind: "pause-requested", id: "p1", cause, action: "pause", image: "z", why: "incident" });
    await sim.push(images("2"), commitOf(2));
    await sim.settle();
    expect(sim.builds("a")).toBe(2);
    expect(sim.lastStatus(commitOf(2), "slipway/z")?.description).toMatch(
      /^Waiting because the image is paused: incident/,
    );
  });

  it("take no paused base for a cycle", async () => {
    const sim = await built();
    await sim.word({ kind: "pause-requested", id: "p1", cause, action: "pause", image: "a", why: "incident" });
    sim.moveTag(debian, d(2));
    sim.tellTag(debian);
    await sim.settle();
    expect(sim.acrRuns.length).toBe(6);
    await sim.word({ kind: "pause-requested", id: "p2", cause, action: "resume", image: "a", why: "" });
    await sim.settle();
    expect(sim.acrRuns.length).toBe(11);
    expect((await sim.runs()).some((r) => r.outOfCycle)).toBe(false);
  });

  it("hold no commit and no person's request above a paused base", async () => {
    const sim = await built();
    await sim.word({ kind: "pause-requested", id: "p1", cause, action: "pause", image: "a", why: "incident" });
    sim.moveTag(debian, d(2));
    sim.tellTag(debian);
    await sim.settle();
    await sim.push(
      uneven.map((i) => (i.name === "b" ? { ...i, files: "hotfix" } : i)),
      commitOf(2),
    );
    const rebuild = { kind: "request", id: "r", action: "rebuild", at: "2026-11-23T12:00:00Z" } as const;
    await sim.word({ kind: "rebuild-requested", id: "r", cause: rebuild, image: "c" });
    await sim.settle({ hours: 1 });
    expect([sim.builds("a"), sim.builds("b"), sim.builds("c")]).toEqual([1, 2, 2]);
    await sim.word({ kind: "pause-requested", id: "p2", cause, action: "resume", image: "a", why: "" });
    await sim.settle();
    // Built again on what was held, and nothing is left.
    expect([sim.builds("a"), sim.builds("b"), sim.builds("c")]).toEqual([2, 3, 3]);
    expect(await sim.leftovers()).toEqual([]);
  });

  it("are over within half an hour when a freeze is lifted before its end", async () => {
    const sim = await built([{ name: "a", files: "a", on: [debian] }]);
    sim.freeze = [{ kind: "once", from: sim.now, until: sim.now + 14 * 24 * 3_600_000, why: "holidays" }];
    sim.moveTag(debian, d(2));
    sim.tellTag(debian);
    await sim.settle({ hours: 1 });
    expect(sim.builds("a")).toBe(1);
    sim.freeze = [];
    await sim.settle({ hours: 0.6 });
    expect(sim.builds("a")).toBe(2);
  });

  it("end by themselves when the freeze does", async () => {
    const sim = await built([{ name: "a", files: "a", on: [debian] }]);
    const until = sim.now + 3 * 3_600_000;
    sim.freeze = [{ kind: "once", from: sim.now, until, why: "Black Friday" }];
    sim.moveTag(debian, d(2));
    sim.tellTag(debian);
    await sim.settle({ hours: 2 });
    expect((await sim.runs()).at(-1)?.hold).toMatchObject({ kind: "frozen", why: "Black Friday" });
    await sim.settle({ hours: 5 });
    expect(sim.builds("a")).toBe(2);
    expect(Date.parse((await sim.runs()).at(-1)!.times.Preparing!)).toBeGreaterThanOrEqual(until);
  });
});

describe("dependents of another repository", () => {
  it("are rebuilt in the same wave", async () => {
    const sim = await built();
    const other = { ...source, id: 8, fullName: "acme/web" };
    await sim.push([{ name: "web", files: "web", on: [sim.referenceOf("z")] }], commitOf(9), { source: other });
    await sim.settle();
    const before = sim.acrRuns.length;
    sim.moveTag(debian, d(2));
    sim.tellTag(debian);
    await sim.settle();
    expect(sim.acrRuns.slice(before).at(-1)?.repository).toBe("web");
    expect(sim.builds("web")).toBe(2);
  });
});
