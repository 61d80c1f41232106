import * as fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { rankOf } from "../../src/core/run/transition.ts";
import type { CommitStatus, SourceRepository } from "../../src/core/source.ts";
import { keys } from "../../src/core/state/keys.ts";
import type { Run, RunStatus } from "../../src/core/state/rows.ts";
import { PermanentError, TransientError } from "../../src/errors.ts";
import { platformPartition } from "../../src/handlers/registries.ts";
import { type ReportPorts, reportRun } from "../../src/handlers/report-run.ts";
import { commitA, runOf, source } from "../core/state/rows-of.ts";
import { Outside } from "./outside.ts";

type Post = (source: SourceRepository, sha: string, status: CommitStatus) => Promise<void>;

class World extends Outside {
  readonly posted: { readonly sha: string; readonly status: CommitStatus }[] = [];
  post: Post = async (_source, sha, status) => {
    this.posted.push({ sha, status });
  };
  readonly #registries = this.registries();

  ports(): ReportPorts {
    return {
      rows: this.rows,
      registries: this.#registries,
      github: { postStatus: (...args) => this.post(...args) },
      publicUrl: "https://slipway.example/api",
      log: this.log,
    };
  }
  async partition(): Promise<string> {
    return (await this.#registries.find("acme")).partition;
  }
  /** The run as it is now, with the word that is owed about it. */
  async run(change: Partial<Run> = {}): Promise<Run> {
    const run = runOf(change);
    const due = { kind: "report", run: run.id, attempt: 0, seq: run.seq };
    await this.put(await this.partition(), { [keys.run(run.seq)]: run, [keys.due("report", run.id)]: due });
    return run;
  }
  report(run: Pick<Run, "id">): Promise<void> {
    return reportRun({ kind: "run", registry: "acme", run: run.id }, this.ports());
  }
  async isOwed(run: Run): Promise<boolean> {
    return (await this.value(await this.partition(), keys.due("report", run.id))) !== undefined;
  }
  states(): readonly string[] {
    return this.posted.map((p) => p.status.description.split(":")[0]!);
  }
}

let world: World;
beforeEach(() => {
  world = new World();
});
const ended = { code: "build-failed", message: "made a mistake" } as const;

describe("a report", () => {
  it("says the run as it is when the message arrives, and is owed no longer", async () => {
    const run = await world.run({ status: "Failed", ended });
    await world.report(run);
    expect(world.posted).toEqual([
      {
        sha: commitA,
        status: {
          state: "failure",
          context: "slipway/web",
          description: "made a mistake",
          targetUrl: "https://slipway.example/api/runs/acme-12",
        },
      },
    ]);
    expect(await world.isOwed(run)).toBe(false);
  });

  it("that comes twice says it once", async () => {
    const run = await world.run();
    await world.report(run);
    await world.report(run);
    expect(world.posted).toHaveLength(1);
  });

  it("of the same status with more to say is news", async () => {
    await world.report(await world.run());
    await world.report(await world.run({ hold: { kind: "base", runs: ["acme-11"] } }));
    expect(world.states()).toEqual(["Planned", expect.stringContaining("Waiting for acme-11")]);
  });

  it("of an older run is silent once a newer one of the same image and commit has spoken", async () => {
    const old = await world.run({ seq: 11 });
    await world.report(await world.run({ seq: 12 }));
    await world.report(old);
    expect(world.posted).toHaveLength(1);
    expect(await world.isOwed(old)).toBe(false);
  });

  it("of another commit or another image is nobody's business but its own", async () => {
    await world.report(await world.run({ seq: 13 }));
    await world.report(await world.run({ seq: 11, commit: "c".repeat(40) }));
    await world.report(await world.run({ seq: 12, image: "api" }));
    expect(world.posted).toHaveLength(3);
  });

  it("of a run that only follows its bases says its end alone, unless it waits for people; then all that comes of it", async () => {
    const hold = { kind: "paused", scope: "image", why: "incident" } as const;
    const states = async (...runs: readonly Partial<Run>[]) => {
      const before = world.posted.length;
      for (const run of runs) await world.report(await world.run({ priority: 2, ...run }));
      return world.posted.slice(before).map((p) => p.status.state);
    };
    const [building, failed] = [{ status: "Running" }, { status: "Failed", ended }] as const;
    expect(await states({ seq: 20 }, { seq: 20, ...building }, { seq: 20, ...failed })).toEqual(["failure"]);
    const held = await states({ seq: 21 }, { seq: 21, hold }, { seq: 21, ...building }, { seq: 21, ...failed });
    expect(held).toEqual(["pending", "pending", "failure"]);
  });

  it("of a commit that was told much already says only how runs end", async () => {
    const states = async (seq: number) => {
      const before = world.posted.length;
      await world.report(await world.run({ seq }));
      await world.report(await world.run({ seq, status: "Failed", ended }));
      return world.posted.slice(before).map((p) => p.status.state);
    };
    for (let seq = 100; seq < 500; seq++) expect(await states(seq)).toEqual(["pending", "failure"]);
    expect(await states(500)).toEqual(["failure"]);
    const waiting = await world.run({ seq: 501 });
    await world.report(waiting);
    expect(await world.isOwed(waiting)).toBe(false);
  });

  it("that read the run before it moved on, and is slow, says nothing old", async () => {
    const run = await world.run({ status: "Running", acrRunId: "cf1" });
    const read = world.rows.read.bind(world.rows);
    world.rows.read = async (partition, row) => {
      if (row.startsWith("said")) {
        // The slow one has its run in hand; another is through with the newer one before it looks what was said.
        world.rows.read = read;
        await world.report(await world.run({ status: "Failed", ended }));
      }
      return read(partition, row);
    };
    await world.report(run);
    expect(world.posted.map((p) => p.status.state)).toEqual(["failure"]);
  });

  it("that was overtaken while it was posted leaves the newer word owed", async () => {
    const run = await world.run({ status: "Queued", acrRunId: "cf1" });
    world.post = async (_source, sha, status) => {
      world.posted.push({ sha, status });
      await world.run({ status: "Running", acrRunId: "cf1" });
    };
    await world.report(run);
    expect(await world.isOwed(run)).toBe(true);
  });
});

describe("a commit's status", () => {
  const road: readonly RunStatus[] = ["Planned", "Preparing", "Scheduling", "Queued", "Running", "Succeeded"];
  /** Per step: a run moves on, a message of it is delivered, or a post that hangs at GitHub comes through or dies. */
  const step = fc.oneof(
    fc.record({ move: fc.nat({ max: 1 }) }),
    fc.record({ deliver: fc.nat({ max: 1 }) }),
    fc.record({ finish: fc.nat({ max: 3 }), dies: fc.boolean() }),
    fc.record({ wait: fc.constantFrom(1, 31) }),
  );

  it("never goes backwards, however late, often and mixed up messages are, and ends with the last word", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const w = new World();
        const at = [0, 0];
        const runs = [11, 12];
        const seen: { readonly seq: number; readonly rank: number }[] = [];
        const hanging: { readonly go: (dies: boolean) => void; readonly done: Promise<void> }[] = [];
        const put = (i: number) =>
          w.run({ seq: runs[i], status: road[at[i]!], acrRunId: `cf${runs[i]}`, digest: "sha256:d" });
        w.post = (_source, _sha, status) =>
          new Promise((resolve, reject) => {
            const seq = Number(status.targetUrl?.split("-").at(-1));
            const rank = rankOf(road[at[runs.indexOf(seq)]!]!);
            // GitHub takes it when it answers; nobody moves the run while its post is on its way in this world.
            hanging.push({
              go: (dies) => {
                if (dies) reject(new TransientError("the process died"));
                else {
                  seen.push({ seq, rank });
                  resolve();
                }
              },
              done: Promise.resolve(),
            });
          });
        const deliveries: Promise<void>[] = [];
        const deliver = (i: number) => {
          const attempt = w.report({ id: `acme-${runs[i]}` }).catch((error: unknown) => {
            if (!(error instanceof TransientError)) throw error;
          });
          deliveries.push(attempt);
        };
        await put(0);
        await put(1);
        for (const s of steps) {
          if ("move" in s && hanging.length === 0 && at[s.move]! < road.length - 1) {
            at[s.move]!++;
            await put(s.move);
          } else if ("deliver" in s) deliver(s.deliver);
          else if ("finish" in s) hanging.splice(s.finish % Math.max(1, hanging.length), 1)[0]?.go(s.dies);
          else if ("wait" in s && hanging.length === 0) w.now += s.wait * 1000;
          await settle();
        }
        // Everything that is owed comes again until it is done.
        for (let i = 0; i < 6; i++) {
          while (hanging.length > 0) hanging.shift()!.go(false);
          await settle();
          w.now += 31_000;
          deliver(i % 2);
          await settle();
        }
        while (hanging.length > 0) hanging.shift()!.go(false);
        await Promise.all(deliveries);
        for (const [i, one] of seen.entries()) {
          const before = seen[i - 1];
          if (before) expect(one.seq > before.seq || (one.seq === before.seq && one.rank >= before.rank)).toBe(true);
        }
        expect(seen.at(-1)).toEqual({ seq: 12, rank: rankOf(road[at[1]!]!) });
      }),
      { numRuns: 60 },
    );
  });
});

/** Lets everything that can go on without GitHub go on. */
async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}

describe("a reporter that died between its claim and GitHub's answer", () => {
  it("is waited for, and after half a minute its word is said by another", async () => {
    const run = await world.run();
    const say = world.post;
    world.post = async () => {
      throw new Error("killed");
    };
    await expect(world.report(run)).rejects.toThrow("killed");
    world.post = say;
    world.now += 29_000;
    await expect(world.report(run)).rejects.toMatchObject({ name: "TransientError", retryAfterSeconds: 2 });
    expect(world.posted).toEqual([]);
    world.now += 1000;
    await world.report(run);
    expect(world.posted).toHaveLength(1);
    expect(await world.isOwed(run)).toBe(false);
  });

  it("keeps a later word from being said at the same time, but not from being said", async () => {
    const run = await world.run();
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const say = world.post;
    world.post = async (...args) => {
      await gate;
      await say(...args);
    };
    const first = world.report(run);
    await settle();
    const later = await world.run({ status: "Failed", ended });
    await expect(world.report(later)).rejects.toThrow(TransientError);
    release();
    await first;
    await world.report(later);
    expect(world.posted.map((p) => p.status.state)).toEqual(["pending", "failure"]);
  });
});

describe("GitHub that refuses", () => {
  const refuse = (code: string) => {
    world.post = async () => {
      throw new PermanentError(code, `GitHub says ${code}`);
    };
  };

  it("a commit it no longer has is told nothing any more: logged, and not owed", async () => {
    refuse("github-not-found");
    const run = await world.run();
    await world.report(run);
    expect(await world.isOwed(run)).toBe(false);
    expect(world.logs).toEqual([
      {
        message: "status refused by GitHub",
        fields: expect.objectContaining({ context: "slipway/web", sha: commitA }),
      },
    ]);
  });

  it.each(["github-credentials", "github-forbidden", "github-not-installed"])(
    "us for %s is asked again: it comes back, and the commit must not stay pending",
    async (code) => {
      refuse(code);
      const run = await world.run();
      await expect(world.report(run)).rejects.toMatchObject({ name: "TransientError", retryAfterSeconds: 60 });
      expect(await world.isOwed(run)).toBe(true);
    },
  );
});

describe("a note", () => {
  const noteKey = keys.due("note", "delivery-1");
  const statuses: readonly CommitStatus[] = [
    { state: "failure", context: "slipway/config", description: "line 3" },
    { state: "failure", context: "slipway/web", description: "no Dockerfile" },
  ];

  it("is said in all its parts and then forgotten; asked for again it is nothing", async () => {
    await world.put(platformPartition, { [noteKey]: { id: "delivery-1", source, sha: commitA, statuses, at: "" } });
    await reportRun({ kind: "note", note: "delivery-1" }, world.ports());
    await reportRun({ kind: "note", note: "delivery-1" }, world.ports());
    expect(world.posted.map((p) => p.status)).toEqual(statuses);
    expect(await world.value(platformPartition, noteKey)).toBeUndefined();
  });

  it("stays owed until GitHub has taken all of it", async () => {
    await world.put(platformPartition, { [noteKey]: { id: "delivery-1", source, sha: commitA, statuses, at: "" } });
    world.post = async (_source, _sha, status) => {
      if (status.context === "slipway/web") throw new TransientError("502");
    };
    await expect(reportRun({ kind: "note", note: "delivery-1" }, world.ports())).rejects.toThrow("502");
    expect(await world.value(platformPartition, noteKey)).toBeDefined();
  });
});

describe("a message", () => {
  it("about a run nobody knows is done with, so that it does not come for ever", async () => {
    const due = keys.due("report", "acme-99");
    await world.put(await world.partition(), { [due]: { kind: "report", run: "acme-99", attempt: 0, seq: 99 } });
    await world.report({ id: "acme-99" });
    expect(await world.value(await world.partition(), due)).toBeUndefined();
    expect(await world.value(await world.partition(), keys.said(7, commitA, "slipway/web"))).toBeUndefined();
  });
});
