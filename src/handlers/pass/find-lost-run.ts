/**
 * ACR has no idempotency key (R3). After a lost reply, or a pass that died while calling, the run is looked for among all
 * that were created since, by the marker in their logs; only when none can be ours is another one asked for.
 */

import { type AcrRun, isAcrTerminal } from "../../core/run/acr-run.ts";
import { giveUpLost, type LogHead, link, mayGiveUp, whoseRun } from "../../core/run/call.ts";
import { getRun, isoOf } from "../../core/run/desk.ts";
import { owe } from "../../core/run/transition.ts";
import { keys } from "../../core/state/keys.ts";
import type { Attempt, Run, Watch } from "../../core/state/rows.ts";
import { messageOf } from "../../errors.ts";
import { cancelAtAcr } from "./cancel-at-acr.ts";
import type { Pass } from "./pass.ts";

const clockSkewMs = 60_000;
const watchedAtOnce = 20;

/** Looks for the run that a lost reply may have left at ACR, before another one is asked for (R3). */
export async function findLostRun(pass: Pass, run: Run, attempt: Attempt): Promise<void> {
  // Asked before ACR is: a run that was accepted until then is in the answer, or is looked for again.
  const givesUp = await pass.decide((desk) => mayGiveUp(desk, attempt));
  const created = await createdSince(pass, attempt.calledAt!);
  const { ours, undecided, others } = await candidates(pass, attempt, created);
  if (ours) {
    await pass.decide((desk) => link(desk, getRun(desk.world, run.id)!, attempt, ours));
    return;
  }
  const excluded = [...(attempt.excluded ?? []), ...others];
  if (others.length > 0)
    await pass.decide((desk) =>
      desk.world.put(keys.attempt(run.id, attempt.number), { ...attempt, excluded } satisfies Attempt),
    );
  if (undecided === 0 && givesUp)
    await pass.decide((desk) => giveUpLost(desk, getRun(desk.world, run.id)!, { ...attempt, excluded }));
}

/**
 * An attempt that was given up may still turn up; it is stopped, so that it cannot move a stable tag back (R6). Looked for
 * once a pass, and in one list for all: after an outage there are many.
 */
export async function watchGivenUp(pass: Pass): Promise<void> {
  if (pass.hasWatched) return;
  pass.hasWatched = true;
  const watches: { readonly key: string; readonly watch: Watch; readonly attempt: Attempt }[] = [];
  for (const { key, value } of await pass.list("watch", watchedAtOnce)) {
    const watch = value as Watch;
    const attempt = await pass.decide((desk) => desk.world.get<Attempt>(keys.attempt(watch.run, watch.attempt)));
    // Before ACR is asked: a watch that cannot be kept ends all the same.
    if (Date.parse(watch.until) < pass.ports.now()) await endWatch(pass, key, watch);
    else if (attempt?.calledAt) watches.push({ key, watch, attempt });
  }
  const [first] = watches.map(({ attempt }) => attempt.calledAt!).sort();
  if (first === undefined) return;
  const created = await createdSince(pass, first);
  for (const { key, watch, attempt } of watches) {
    const { ours, others } = await candidates(pass, attempt, created);
    if (others.length > 0) {
      const excluded = [...(attempt.excluded ?? []), ...others];
      await pass.decide((desk) =>
        desk.world.put(keys.attempt(watch.run, watch.attempt), { ...attempt, excluded } satisfies Attempt),
      );
    }
    if (ours && isAcrTerminal(ours.status)) await endWatch(pass, key, watch);
    else if (ours) await cancelAtAcr(pass, ours.acrRunId);
  }
}

/** Whatever it pushed, the stable tags are looked at again. */
async function endWatch(pass: Pass, watchKey: string, watch: Watch): Promise<void> {
  await pass.decide((desk) => {
    desk.world.remove(watchKey);
    const run = getRun(desk.world, watch.run);
    if (run) owe(desk, { kind: "collect", run: run.id, attempt: watch.attempt, seq: run.seq });
  });
}

interface Candidates {
  readonly ours: AcrRun | undefined;
  readonly undecided: number;
  readonly others: readonly string[];
}

/** Two clocks: ACR's may be behind the one that wrote the attempt. */
function sinceOf(calledAt: string): string {
  return isoOf(Date.parse(calledAt) - clockSkewMs);
}

function createdSince(pass: Pass, calledAt: string): Promise<readonly AcrRun[]> {
  return pass.ports.acr.runsCreatedSince(sinceOf(calledAt));
}

async function candidates(pass: Pass, attempt: Attempt, created: readonly AcrRun[]): Promise<Candidates> {
  const { rows, registry } = pass.ports;
  const others: string[] = [];
  let undecided = 0;
  const since = sinceOf(attempt.calledAt!);
  for (const seen of created) {
    if (seen.createTime !== undefined && seen.createTime < since) continue;
    await pass.lease.renewIfOld();
    if (attempt.excluded?.includes(seen.acrRunId)) continue;
    if ((await rows.read(registry.partition, keys.acrRun(seen.acrRunId))).row) continue;
    const log = await headOfLog(pass, seen.acrRunId);
    const whose = await pass.decide((desk) => whoseRun(desk, attempt, log, seen));
    if (whose === "ours") return { ours: seen, undecided, others };
    if (whose === "another") others.push(seen.acrRunId);
    else undecided++;
  }
  return { ours: undefined, undecided, others };
}

/** One stranger's log that cannot be read must not hold up the registry. */
async function headOfLog(pass: Pass, acrRunId: string): Promise<LogHead> {
  try {
    return await pass.ports.acr.logHead(acrRunId);
  } catch (error) {
    pass.ports.log("log cannot be read", { acrRunId, why: messageOf(error) });
    return { kind: "unreadable" };
  }
}
