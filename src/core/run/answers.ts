/** What comes back from the slow work done outside a pass, and what people ask of a run. */
import { leaveStale } from "../plan/base-ended.ts";
import { planLater } from "../plan/later.ts";
import { countSkipped, noProgress } from "../plan/progress.ts";
import type { Reason } from "../plan/reason.ts";
import { keys } from "../state/keys.ts";
import type { Attempt, Built, Inbox, Live, Progress, Run, Track } from "../state/rows.ts";
import { type Desk, getRun, getTrack, isoOf } from "./desk.ts";
import { type EndCode, isInputFault } from "./end-code.ts";
import { digestsNow } from "./place.ts";
import { renderRun } from "./render-run.ts";
import { dueKey, endRun, isTerminal, moveRun, owe, putRun } from "./transition.ts";

/** An answer counts only for the attempt that is still waiting for it. */
function awaited(
  desk: Desk,
  word: { readonly run: string; readonly attempt: number },
): { run: Run; attempt: Attempt } | undefined {
  const run = getRun(desk.world, word.run);
  const attempt = run && desk.world.get<Attempt>(keys.attempt(word.run, word.attempt));
  return run && attempt && run.attempt === word.attempt ? { run, attempt } : undefined;
}

function settleDue(desk: Desk, kind: "prepare" | "collect", run: Run, attempt: number): void {
  const due = dueKey({ kind, run: run.id, attempt, seq: run.seq });
  if (desk.world.get(due) !== undefined) desk.world.remove(due);
}

export function contextPrepared(desk: Desk, word: Inbox & { kind: "context-prepared" }): void {
  const found = awaited(desk, word);
  if (found?.attempt.stage !== "preparing") return;
  settleDue(desk, "prepare", found.run, word.attempt);
  desk.world.put(keys.attempt(word.run, word.attempt), {
    ...found.attempt,
    stage: "prepared",
    sourceLocation: word.sourceLocation,
  } satisfies Attempt);
}

export function contextFailed(desk: Desk, word: Inbox & { kind: "context-failed" }): void {
  const found = awaited(desk, word);
  if (found?.attempt.stage !== "preparing") return;
  settleDue(desk, "prepare", found.run, word.attempt);
  endAttempt(desk, found.attempt, word.message);
  failRun(desk, found.run, "Failed", word.code, word.message);
}

export function logCollected(desk: Desk, word: Inbox & { kind: "log-collected" }): void {
  const run = getRun(desk.world, word.run);
  if (!run) return;
  settleDue(desk, "collect", run, word.attempt);
  const log = word.bytes > 0 ? { log: { blob: word.blob, bytes: word.bytes } } : {};
  // ACR says "exit status 1"; the log says which command and why. Keep both.
  const ended =
    run.ended && word.failure && run.status === "Failed"
      ? { ended: { ...run.ended, message: `${run.ended.message}: ${word.failure}` } }
      : {};
  if (!isTerminal(run.status) || run.attempt !== word.attempt || run.log) return;
  const notes = word.foundBases ? compareBases(desk, run, word.foundBases) : [];
  const noted = notes.length > 0 ? { notes: [...(run.notes ?? []), ...notes] } : {};
  moveRun(desk, run, run.status, { ...log, ...ended, ...noted });
}

/**
 * What ACR says is inside. It proves what the registry said before the build and could not be asked for afterwards, and names
 * a base that could not be asked for at all. One that was another before and after went there and
 * back while it was built: the image is built once more. If that is said of the next build too, ACR means something else by
 * it (nobody has seen what it says of an index), and is not believed until it agrees.
 */
function compareBases(desk: Desk, run: Run, found: Readonly<Record<string, string>>): readonly string[] {
  const track = getTrack(desk.world, run.track);
  const built = track?.built;
  if (!track || built?.run !== run.id || track.definition.compat || Object.keys(found).length === 0) return [];
  const others = Object.entries(built.bases).flatMap(([reference, to]): (Reason & { kind: "base" })[] => {
    const from = found[reference];
    return to === null || from === undefined || from === to ? [] : [{ kind: "base", reference, from, to }];
  });
  const isSaidAgain = others.some((o) =>
    run.reasons.some((r) => r.kind === "base" && r.reference === o.reference && r.from === o.from),
  );
  const isOther = others.length > 0 && (isSaidAgain || track.listIsOther === true);
  const news = isOther ? [] : others;
  const isProvedNow = !built.proved && isProvedBy(desk, built.bases, found);
  const bases = { ...built.bases };
  for (const [reference, digest] of Object.entries(found)) bases[reference] ??= digest;
  const told: Track = {
    ...track,
    listIsOther: isOther || undefined,
    built: { ...built, bases, proved: isProvedNow || (built.proved && news.length === 0) },
  };
  desk.world.put(track.key, told);
  if (built.proved && news.length > 0) leaveStale(desk, told, news, run, run.lineage ?? []);
  return news.map((o) => `ACR says that it was built on ${o.reference} ${o.from}; before and after it was ${o.to}`);
}

/** The registry said so before, ACR says the same, and no look since says otherwise. */
function isProvedBy(desk: Desk, bases: Built["bases"], found: Readonly<Record<string, string>>): boolean {
  if (!Object.entries(bases).every(([base, digest]) => digest !== null && found[base] === digest)) return false;
  return [...desk.world.digests(Object.keys(bases))].every(
    ([base, now]) => now.kind !== "found" || now.digest === bases[base],
  );
}

/** Cancels at once what ACR does not know of; asks ACR to cancel the rest, and waits for what it says. */
export function requestCancel(desk: Desk, runId: string): Progress {
  const run = getRun(desk.world, runId);
  if (!run) return countSkipped(noProgress, "run-not-found", undefined, `there is no run ${runId}`);
  if (isTerminal(run.status))
    return countSkipped(noProgress, "run-already-ended", run.image, `${run.id} has ended: ${run.status}`);
  const attempt = run.attempt > 0 ? desk.world.get<Attempt>(keys.attempt(run.id, run.attempt)) : undefined;
  if (run.status === "Planned")
    endRun(
      desk,
      run,
      "Canceled",
      { ended: { code: "canceled", message: "canceled before it was scheduled" } },
      { declined: declinedWith(desk, run) },
    );
  else if (attempt && (attempt.stage === "preparing" || attempt.stage === "prepared")) {
    if (attempt.stage === "preparing") settleDue(desk, "prepare", run, run.attempt);
    endAttempt(desk, attempt, "canceled");
    failRun(desk, run, "Canceled", "canceled", "canceled before it reached ACR");
  } else putRun(desk, { ...run, cancelRequested: true });
  return { ...noProgress, done: `canceling ${run.id} (${run.image})` };
}

const declinedMost = 16;

/** Waves that a person cancelled the track's run in, the newest last: the others may still be under way. */
function declinedWith(desk: Desk, run: Run): readonly string[] {
  const before = desk.world.get<Track>(run.track)?.declined ?? [];
  return [...new Set([...before, ...run.waves])].slice(-declinedMost);
}

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

/** A fresh attempt of the same run, with what was frozen: a new context is uploaded, a new marker is used. */
export function tryAgain(desk: Desk, run: Run, last: Attempt, why: string): void {
  endAttempt(desk, last, why);
  if (last.acrRunId) owe(desk, { kind: "collect", run: run.id, attempt: last.number, seq: run.seq });
  const number = last.number + 1;
  const rendered = renderRun(last.definition, run, number);
  if (!rendered.ok) {
    failRun(desk, run, "Failed", "value-refused", rendered.message);
    return;
  }
  // The bases may have moved since the last attempt, and this one will be built on what they are now.
  const bases = digestsNow(desk, Object.keys(last.bases));
  desk.world.put(keys.attempt(run.id, number), {
    run: run.id,
    number,
    stage: "preparing",
    startedAt: isoOf(desk.now),
    definition: last.definition,
    wanted: last.wanted,
    bases,
    stableTags: rendered.stableTags,
    uniqueTags: rendered.uniqueTags,
    buildArgs: rendered.buildArgs,
  } satisfies Attempt);
  desk.world.put(keys.live(run.seq), { seq: run.seq, run: run.id, attempt: number } satisfies Live);
  const moved = moveRun(desk, run, "Preparing", {
    attempt: number,
    bases,
    acrRunId: undefined,
    notes: [...(run.notes ?? []), `attempt ${number}: ${why}`],
  });
  owe(desk, { kind: "prepare", run: moved.id, attempt: number, seq: moved.seq });
}
