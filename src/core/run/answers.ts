/** What comes back from the slow work done outside a pass, and what people ask of a run. */
import { leaveStale } from "../plan/base-ended.ts";
import { countSkipped, noProgress } from "../plan/progress.ts";
import type { Reason } from "../plan/reason.ts";
import { keys } from "../state/keys.ts";
import type { Attempt, Built, Inbox, Progress, Run, Track } from "../state/rows.ts";
import { cancelUncalled, declinedWith, endAttempt, failRun } from "./attempt.ts";
import { type Desk, getRun, getTrack } from "./desk.ts";
import { dueKey, endRun, isTerminal, moveRun, putRun } from "./transition.ts";

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
 * a base that could not be asked for at all. One that was another before and after went there and back while it was built:
 * the image is built once more.
 */
function compareBases(desk: Desk, run: Run, found: Readonly<Record<string, string>>): readonly string[] {
  const track = getTrack(desk.world, run.track);
  const built = track?.built;
  if (!track || built?.run !== run.id || track.definition.compat || Object.keys(found).length === 0) return [];
  const others = disagreements(built, found);
  const isOther = others.length > 0 && !isBelieved(track, run, others);
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
  // Not proved, the track is stale already.
  if (!built.proved || news.length === 0) return [];
  leaveStale(desk, told, news, run, run.lineage ?? []);
  return news.map((o) => `ACR says that it was built on ${o.reference} ${o.from}; before and after it was ${o.to}`);
}

type BaseReason = Reason & { readonly kind: "base" };

/** The bases that ACR names with another digest than their registry did, each as a reason to build on the registry's. */
function disagreements(built: Built, found: Readonly<Record<string, string>>): readonly BaseReason[] {
  return Object.entries(built.bases).flatMap(([reference, to]): BaseReason[] => {
    const from = found[reference];
    return to === null || from === undefined || from === to ? [] : [{ kind: "base", reference, from, to }];
  });
}

/**
 * Said again of the build that was made for it, ACR means something else by it (nobody has seen what it says of an index),
 * and is not believed until it agrees.
 */
function isBelieved(track: Track, run: Run, others: readonly BaseReason[]): boolean {
  const isSaidAgain = others.some((o) =>
    run.reasons.some((r) => r.kind === "base" && r.reference === o.reference && r.from === o.from),
  );
  return !isSaidAgain && track.listIsOther !== true;
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
    cancelUncalled(desk, run, attempt);
  } else putRun(desk, { ...run, cancelRequested: true });
  return { ...noProgress, done: `canceling ${run.id} (${run.image})` };
}
