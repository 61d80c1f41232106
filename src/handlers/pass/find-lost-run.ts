/**
 * ACR has no idempotency key (R3). After a lost reply, or a pass that died while calling, the run is looked for among all
 * that were created since, by the marker in their logs; only when none can be ours is another one asked for.
 */
import { type AcrRun, isAcrTerminal } from "../../core/run/acr-run.ts";
import { giveUpLost, type LogHead, link, mayGiveUp, whoseRun } from "../../core/run/call.ts";
import { getRun, isoOf } from "../../core/run/desk.ts";
import { owe } from "../../core/run/transition.ts";
import { keys } from "../../core/state/keys.ts";
import type { Attempt, Run } from "../../core/state/rows.ts";
import { cancelAtAcr } from "./cancel-at-acr.ts";
import type { Pass } from "./pass.ts";

/** ACR's clock may be behind the one that wrote the attempt. */
const clockSkewMs = 60_000;
const watchedAtOnce = 20;

/** Looks for the run that a lost reply may have left at ACR, before another one is asked for (R3). */
export async function findLostRun(pass: Pass, run: Run, attempt: Attempt): Promise<void> {
  // Asked before ACR is: a run that was accepted until then is in the answer, or is looked for again.
  const givesUp = await pass.decide((desk) => mayGiveUp(desk, attempt));
  const { ours, undecided, others } = await candidates(pass, attempt, attempt.calledAt!);
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

/** An attempt that was given up may still turn up; it is stopped, so that it cannot move a stable tag back (R6). */
export async function watchGivenUp(pass: Pass): Promise<void> {
  for (const row of await pass.list("watch", watchedAtOnce)) {
    const watched = row.value as { run: string; attempt: number; until: string };
    const attempt = await pass.decide((desk) => desk.world.get<Attempt>(keys.attempt(watched.run, watched.attempt)));
    if (!attempt?.calledAt) continue;
    // Asked before ACR is: a watch that cannot be kept ends all the same.
    const over = Date.parse(watched.until) < pass.ports.now();
    const { ours, others } = over ? nobody : await candidates(pass, attempt, attempt.calledAt);
    if (others.length > 0) {
      const excluded = [...(attempt.excluded ?? []), ...others];
      await pass.decide((desk) =>
        desk.world.put(keys.attempt(watched.run, watched.attempt), { ...attempt, excluded } satisfies Attempt),
      );
    }
    if (ours && !isAcrTerminal(ours.status)) await cancelAtAcr(pass, ours.acrRunId);
    if (over || (ours && isAcrTerminal(ours.status)))
      await pass.decide((desk) => {
        desk.world.remove(row.key);
        const run = getRun(desk.world, watched.run);
        // Whatever it pushed, the stable tags are looked at again.
        if (run) owe(desk, { kind: "collect", run: run.id, attempt: watched.attempt, seq: run.seq });
      });
  }
}

interface Candidates {
  readonly ours: AcrRun | undefined;
  readonly undecided: number;
  readonly others: readonly string[];
}

const nobody: Candidates = { ours: undefined, undecided: 0, others: [] };

async function candidates(pass: Pass, attempt: Attempt, sinceIso: string): Promise<Candidates> {
  const { acr, rows, registry } = pass.ports;
  const others: string[] = [];
  let undecided = 0;
  // Two clocks: ACR's may be behind the one that wrote the attempt.
  const since = isoOf(Date.parse(sinceIso) - clockSkewMs);
  for (const seen of await acr.runsCreatedSince(since)) {
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
    pass.ports.log("log cannot be read", { acrRunId, why: error instanceof Error ? error.message : String(error) });
    return { kind: "unreadable" };
  }
}
