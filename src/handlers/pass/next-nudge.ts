import { getRun, isoOf } from "../../core/run/desk.ts";
import { keys, timeOf } from "../../core/state/keys.ts";
import type { Attempt, Run } from "../../core/state/rows.ts";
import type { Pass } from "./pass.ts";

/** When to look again, and the id that makes all other nudges of that kind stale. */
export async function nextNudge(pass: Pass): Promise<{ readonly id: string; readonly at: string } | undefined> {
  const { now, newId } = pass.ports;
  const moments: number[] = pass.progressed ? [now()] : [];
  if (await pass.hasWords()) moments.push(now());
  for (const { run: runId, attempt: number } of await pass.live()) {
    const [run, attempt] = await pass.decide(
      (desk) => [getRun(desk.world, runId), desk.world.get<Attempt>(keys.attempt(runId, number))] as const,
    );
    moments.push(now() + (run && attempt ? lookAgainMs(run, attempt, now()) : 0));
  }
  for (const segment of ["wait", "later"]) for (const row of await pass.list(segment, 1)) moments.push(timeOf(row.key));
  // An attempt that was given up may still turn up and push.
  if ((await pass.list("watch", 1)).length > 0) moments.push(now() + 60_000);
  if (moments.length === 0 && (await pass.list("ready", 1)).length > 0) moments.push(now() + 5_000);
  if (moments.length === 0) return undefined;
  return { id: newId(), at: isoOf(Math.max(now(), Math.min(...moments))) };
}

/** Young runs are looked at often, old ones seldom: a 20-second build is noticed in seconds, an hour's build costs 240 looks. */
function lookAgainMs(run: Run, attempt: Attempt, now: number): number {
  if (attempt.stage === "preparing") return 60_000;
  if (attempt.stage === "prepared") return 5_000;
  if (attempt.stage === "calling" || attempt.stage === "lost") return 5_000;
  const age = now - Date.parse(run.times.Queued ?? run.times.Scheduling ?? isoOf(now));
  return Math.min(15_000, Math.max(1_000, age / 8));
}
