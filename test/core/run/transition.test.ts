import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { endRun, isTerminal, mayMove, moveRun, putRun, rankOf } from "../../../src/core/run/transition.ts";
import { keys } from "../../../src/core/state/keys.ts";
import type { Run, RunStatus, Track } from "../../../src/core/state/rows.ts";
import { decide } from "../state/decide.ts";
import { runOf, stored, trackKeyOf, trackOf } from "../state/rows-of.ts";

const open = ["Planned", "Preparing", "Scheduling", "Queued", "Started", "Running"] as const;
const ends = ["Succeeded", "Failed", "Canceled", "Error", "Timeout", "Skipped", "Superseded"] as const;
const all: readonly RunStatus[] = [...open, ...ends];
const anyStatus = fc.constantFrom(...all);

describe("a run's status", () => {
  it("never leaves an end", () => {
    for (const end of ends) for (const to of all) expect(mayMove(end, to), `${end} to ${to}`).toBe(false);
  });

  it("moves forward along the road and to any end from anywhere on it", () => {
    for (const [i, from] of open.entries()) {
      for (const to of open.slice(i + 1)) expect(mayMove(from, to), `${from} to ${to}`).toBe(true);
      for (const to of ends) expect(mayMove(from, to), `${from} to ${to}`).toBe(true);
    }
  });

  it("goes back only to prepare or schedule another attempt", () => {
    for (const [i, from] of open.entries())
      for (const to of open.slice(0, i))
        expect(mayMove(from, to), `${from} to ${to}`).toBe(to === "Preparing" || to === "Scheduling");
  });

  it("through any sequence of observations ends at most once and is never planned again", () => {
    fc.assert(
      fc.property(fc.array(anyStatus, { maxLength: 30 }), (wishes) => {
        let status: RunStatus = "Planned";
        const path: RunStatus[] = [status];
        for (const wish of wishes) {
          if (!mayMove(status, wish)) continue;
          // Whoever moved backwards has begun a new attempt.
          if (rankOf(wish) < rankOf(status)) expect(["Preparing", "Scheduling"]).toContain(wish);
          status = wish;
          path.push(status);
        }
        expect(path.filter(isTerminal).length).toBeLessThanOrEqual(1);
        expect(path.findIndex(isTerminal)).toBeOneOf([-1, path.length - 1]);
        expect(path.indexOf("Planned", 1)).toBe(-1);
      }),
    );
  });

  it("that may not be is our bug and stops the pass", () => {
    const run = runOf({ status: "Succeeded" });
    expect(() => decide({}, (desk) => moveRun(desk, run, "Running"))).toThrow("may not move from Succeeded to Running");
  });
});

describe("a moved run", () => {
  it("has the time of each status when it was first seen, and owes GitHub a word", () => {
    const run = runOf({ status: "Queued", times: { Planned: "t0", Running: "t1" } });
    const { value, writes } = decide({ now: "2026-11-23T13:00:00.000Z" }, (desk) => moveRun(desk, run, "Started"));
    expect(value.times).toEqual({ Planned: "t0", Running: "t1", Started: "2026-11-23T13:00:00.000Z" });
    expect(decide({}, (desk) => moveRun(desk, value, "Running")).value.times.Running).toBe("t1");
    expect(writes.get(keys.due("report", run.id))).toMatchObject({ kind: "report", run: run.id });
  });

  it("moves between the lists by status and stays in the others", () => {
    const run = runOf({ status: "Queued" });
    const { writes } = decide({}, (desk) => moveRun(desk, run, "Running"));
    const queued = keys.runOfStatus("Queued", run.seq);
    expect(writes.has(queued) && writes.get(queued)).toBeUndefined();
    for (const index of [
      keys.runOfStatus("Running", run.seq),
      keys.runOfImage("web", run.seq),
      keys.runOfSource(7, run.seq),
      keys.runOfCommit(run.commit, run.seq),
      keys.runOfBranch("main", run.seq),
    ])
      expect(writes.get(index), index).toMatchObject({ id: run.id, status: "Running" });
  });

  it("shows an end only once it has one", () => {
    const at = (run: Run) => keys.runOfImage("web", run.seq);
    const running = runOf({ status: "Running" });
    expect(decide({}, (desk) => putRun(desk, running)).writes.get(at(running))).not.toHaveProperty("endedAt");
    const ended = runOf({
      status: "Failed",
      times: { Planned: "t0", Failed: "t9" },
      ended: { code: "build-failed", message: "m" },
    });
    expect(decide({}, (desk) => putRun(desk, ended)).writes.get(at(ended))).toMatchObject({
      endedAt: "t9",
      outcome: "m",
    });
  });
});

describe("an ended run", () => {
  const ended = { code: "canceled", message: "by somebody" } as const;
  const openRun = (run: Run) => ({ id: run.id, order: run.order, waves: run.waves });

  it("frees its place and its track, and leaves word for those who wait", () => {
    const run = runOf({ place: "ready|1" });
    const track = trackOf("web", [], { planned: openRun(run) });
    const { writes } = decide({ rows: stored([track]) }, (desk) => endRun(desk, run, "Canceled", { ended }));
    expect(writes.has("ready|1") && writes.get("ready|1")).toBeUndefined();
    expect(writes.get(track.key)).toMatchObject({ image: "web", planned: undefined });
    const words = [...writes].filter(([k]) => k.startsWith("in|")).map(([, word]) => word);
    expect(words).toEqual([expect.objectContaining({ kind: "run-ended", run: run.id, makes: track.makes })]);
  });

  it("of a track that was made again meanwhile leaves that track alone", () => {
    const run = runOf();
    const track = trackOf("web", [], { active: { id: "acme-99", order: 99, waves: [] } });
    const { writes } = decide({ rows: stored([track]) }, (desk) =>
      endRun(desk, run, "Succeeded", { ended }, { failures: 5 }),
    );
    expect(writes.has(track.key)).toBe(false);
  });

  it("of a retired track takes the track with it", () => {
    const run = runOf({ status: "Running" });
    const track: Track = trackOf("web", [], { retired: true, active: openRun(run) });
    const { writes } = decide({ rows: stored([track]) }, (desk) => endRun(desk, run, "Failed", { ended }));
    expect(writes.has(trackKeyOf("web")) && writes.get(trackKeyOf("web"))).toBeUndefined();
  });
});
