import { beforeEach, describe, expect, it } from "vitest";
import { defaultWaves } from "../../src/core/config/platform.ts";
import type { AcrRun } from "../../src/core/run/acr-run.ts";
import { defaultTiming, runIdOf } from "../../src/core/run/desk.ts";
import { keys } from "../../src/core/state/keys.ts";
import type { Live, Run } from "../../src/core/state/rows.ts";
import { TransientError } from "../../src/errors.ts";
import type { ReconcilePorts } from "../../src/handlers/pass/pass.ts";
import { reconcileRegistry } from "../../src/handlers/reconcile-registry.ts";
import type { Registry } from "../../src/handlers/registries.ts";
import { attemptOf, runOf, trackKeyOf, trackOf } from "../core/state/rows-of.ts";
import { Outside } from "./outside.ts";

const digest = `sha256:${"d".repeat(64)}`;
let outside: Outside;
let registry: Registry;
/** What ACR answers for each of its runs that has ended. */
let records: Map<string, AcrRun | Error>;
let lists: number;
/** Runs that ACR lists as created since. */
let created: readonly AcrRun[];
let cancelled: string[];

beforeEach(async () => {
  outside = new Outside();
  registry = { ...(await outside.registries().find("acme")), maxRuns: 10 };
  records = new Map();
  lists = 0;
  created = [];
  cancelled = [];
});

/** Runs at ACR that have ended there, as none is in its list of open ones any more. */
async function linked(...names: readonly string[]): Promise<void> {
  for (const [i, image] of names.entries()) {
    const seq = 12 + i;
    const run = runOf({ seq, image, repository: image, status: "Running", attempt: 1, acrRunId: `cf${i}` });
    const attempt = attemptOf({ run: run.id, stage: "linked", acrRunId: `cf${i}`, calledAt: attemptOf().startedAt });
    const live: Live = { priority: 1, seq, run: run.id, attempt: 1 };
    const active = { id: run.id, order: seq, waves: run.waves };
    await outside.put(registry.partition, {
      [keys.run(seq)]: run,
      [keys.attempt(run.id, 1)]: attempt,
      [keys.live(seq)]: live,
      [trackKeyOf(image)]: trackOf(image, [], { active }),
    });
    const output = { registry: "acme.azurecr.io", repository: image, tag: "main", digest };
    records.set(`cf${i}`, { acrRunId: `cf${i}`, status: "Succeeded", outputImages: [output] });
  }
}

function ports(): ReconcilePorts {
  const { rows, queues, clock: now, newId, log } = outside;
  return {
    registry,
    rows,
    queues,
    acr: {
      openRuns: async () => [],
      runsCreatedSince: async () => {
        lists++;
        return created;
      },
      run: async (id) => {
        const answer = records.get(id);
        if (answer instanceof Error) throw answer;
        return answer;
      },
      startRun: async () => ({ kind: "throttled", retryAfterSeconds: 60 }),
      cancelRun: async (id) => void cancelled.push(id),
      logHead: async (id) => ({ kind: "text", text: `Creating Docker network: slipway-acme-${id.slice(2)}-1, driver` }),
    },
    resolveDigest: async () => ({ kind: "absent" }),
    now,
    newId,
    timing: defaultTiming,
    policy: { waves: defaultWaves, freeze: [] },
    mayPublish: () => true,
    log,
  };
}
const pass = () => reconcileRegistry({ registry: "acme" }, ports());
const statusOf = async (seq: number) =>
  (await outside.value<Run>(registry.partition, keys.run(seq)))?.status ?? runIdOf("acme", seq);
const silent = (retryAfterSeconds?: number) =>
  new TransientError("503", retryAfterSeconds === undefined ? {} : { retryAfterSeconds });

describe("a run whose record ACR does not give", () => {
  it("keeps no other run of the registry from being seen, and is asked for again by the next pass", async () => {
    await linked("a", "b");
    records.set("cf0", silent());
    await pass();
    expect([await statusOf(12), await statusOf(13)]).toEqual(["Running", "Succeeded"]);
    expect(outside.sentTo("registries")).toMatchObject([{ body: { nudge: expect.any(String) } }]);
  });

  it("is an outage when there are several, which is waited for", async () => {
    await linked("a", "b", "c", "d", "e");
    for (const id of ["cf0", "cf1", "cf2", "cf3"]) records.set(id, silent());
    await expect(pass()).rejects.toThrow(TransientError);
    expect(await statusOf(16)).toBe("Running");
  });

  it("ends the pass at once when ACR asks to be left alone", async () => {
    await linked("a", "b");
    records.set("cf0", silent(30));
    await expect(pass()).rejects.toThrow(TransientError);
    expect(await statusOf(13)).toBe("Running");
  });
});

describe("attempts that were given up", () => {
  const givenUp = async (seq: number, calledAt: string) => {
    const run = runIdOf("acme", seq);
    const until = new Date(outside.now + 3_600_000).toISOString();
    await outside.put(registry.partition, {
      [keys.attempt(run, 1)]: attemptOf({ run, stage: "ended", calledAt }),
      [keys.watch(run, 1)]: { run, attempt: 1, until },
    });
  };

  it("are looked for once a pass, all in one list, and stopped when they turn up", async () => {
    for (const seq of [20, 21, 22]) await givenUp(seq, `2026-11-23T11:5${seq - 20}:00.000Z`);
    // Something ends, so that the pass goes round more than once.
    await linked("a");
    created = [
      { acrRunId: "cf22", status: "Running", createTime: "2026-11-23T11:52:01.000Z", outputImages: [] },
      // ACR's clock may be behind ours, by less than a minute.
      { acrRunId: "cf20", status: "Queued", createTime: "2026-11-23T11:49:30.000Z", outputImages: [] },
      // Before the call, so it is none of ours, whatever its log says.
      { acrRunId: "cf21", status: "Running", createTime: "2026-11-23T11:40:00.000Z", outputImages: [] },
    ];
    await pass();
    expect([lists, cancelled]).toEqual([1, ["cf20", "cf22"]]);
    expect(await statusOf(12)).toBe("Succeeded");
  });
});
