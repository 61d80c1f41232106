/** An attempt of a run, from its opening to its end; and the end of a run that was not built. */
import { planLater } from "../plan/later.ts";
import { keys } from "../state/keys.ts";
import type { Attempt, Live, Run, Track } from "../state/rows.ts";
import { type Desk, isoOf } from "./desk.ts";
import { type EndCode, isInputFault } from "./end-code.ts";
import { digestsNow } from "./place.ts";
import { renderRun } from "./render-run.ts";
import { endRun, moveRun, owe } from "./transition.ts";

/**
 * Takes a slot at ACR for a run, freezes what it builds and owes its context. False: its tags or build arguments cannot be
 * rendered, so the run has failed instead.
 */
export function openAttempt(
  desk: Desk,
  run: Run,
  number: number,
  frozen: Pick<Attempt, "definition" | "wanted" | "bases">,
  changes: Partial<Run>,
): boolean {
  const rendered = renderRun(frozen.definition, run, number);
  if (!rendered.ok) {
    failRun(desk, run, "Failed", "value-refused", rendered.message);
    return false;
  }
  desk.world.put(keys.attempt(run.id, number), {
    run: run.id,
    number,
    stage: "preparing",
    startedAt: isoOf(desk.now),
    ...frozen,
    stableTags: rendered.stableTags,
    uniqueTags: rendered.uniqueTags,
    buildArgs: rendered.buildArgs,
  } satisfies Attempt);
  desk.world.put(keys.live(run.seq), {
    priority: run.priority,
    seq: run.seq,
    run: run.id,
    attempt: number,
  } satisfies Live);
  moveRun(desk, run, "Preparing", { attempt: number, bases: frozen.bases, ...changes });
  owe(desk, { kind: "prepare", run: run.id, attempt: number, seq: run.seq });
  return true;
}

/** A fresh attempt of the same run, with what was frozen: a new context is uploaded, a new marker is used. */
export function tryAgain(desk: Desk, run: Run, last: Attempt, why: string): void {
  endAttempt(desk, last, why);
  if (last.acrRunId) owe(desk, { kind: "collect", run: run.id, attempt: last.number, seq: run.seq });
  const { definition, wanted } = last;
  // The bases may have moved since the last attempt, and this one will be built on what they are now.
  const bases = digestsNow(desk, Object.keys(last.bases));
  const number = last.number + 1;
  const notes = [...(run.notes ?? []), `attempt ${number}: ${why}`];
  openAttempt(desk, run, number, { definition, wanted, bases }, { acrRunId: undefined, notes });
}

/** `how` is for people; `changes`: what ACR said of it at last. */
export function endAttempt(desk: Desk, attempt: Attempt, how: string, changes: Partial<Attempt> = {}): void {
  desk.world.put(keys.attempt(attempt.run, attempt.number), {
    ...attempt,
    ...changes,
    stage: "ended",
    ended: how,
    endedAt: isoOf(desk.now),
  } satisfies Attempt);
}

/** Ends a run that was not built; the track counts what its inputs did. What was done to it is tried again later. */
export function failRun(
  desk: Desk,
  run: Run,
  status: "Failed" | "Error" | "Timeout" | "Canceled",
  code: EndCode,
  message: string,
): void {
  if (run.status !== "Planned") desk.world.remove(keys.live(run.seq));
  // However it ended: an earlier run of the track may count on this one to look at the stable tags (R6).
  if (run.attempt > 0) owe(desk, { kind: "collect", run: run.id, attempt: run.attempt, seq: run.seq });
  // Asked to cancel, ACR may end it otherwise: a person did not want it all the same.
  const isDeclined = status === "Canceled" || run.cancelRequested === true;
  // A base that is not there costs no build, and may come.
  const isFailure = isInputFault(code) && code !== "base-not-found";
  const whyLater = isInputFault(code) ? "its base may come" : "not a fault of the image";
  const later = isDeclined || isFailure ? undefined : planLater(desk, run, whyLater);
  const notes = later ? { notes: [...(run.notes ?? []), later.note] } : {};
  const failures = desk.world.get<Track>(run.track)?.failures ?? 0;
  endRun(
    desk,
    run,
    status,
    { ended: { code, message }, ...notes },
    {
      ...(isFailure ? { failures: failures + 1 } : {}),
      ...(isDeclined ? { declined: declinedWith(desk, run) } : {}),
      ...(run.bases && (isDeclined || isInputFault(code)) ? { tried: run.bases } : {}),
      fault: later?.fault,
    },
  );
}

/** For a run that is to be cancelled and that ACR does not know of. */
export function cancelUncalled(desk: Desk, run: Run, attempt: Attempt): void {
  endAttempt(desk, attempt, "canceled");
  failRun(desk, run, "Canceled", "canceled", "canceled before it reached ACR");
}

const declinedMost = 16;

/** Waves that a person cancelled the track's run in, the newest last: the others may still be under way. */
export function declinedWith(desk: Desk, run: Run): readonly string[] {
  const before = desk.world.get<Track>(run.track)?.declined ?? [];
  return [...new Set([...before, ...run.waves])].slice(-declinedMost);
}
