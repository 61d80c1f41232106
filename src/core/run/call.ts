/**
 * Asking ACR for a run, which has no idempotency key (R3): the attempt is written before the call, and after a lost reply
 * the run is looked for before another one is asked for.
 */
import { keys } from "../state/keys.ts";
import type { Attempt, Run, Throttle, Watch } from "../state/rows.ts";
import { type AcrRun, isAcrTerminal, type StartOutcome } from "./acr-run.ts";
import { cancelUncalled, endAttempt, failRun, tryAgain } from "./attempt.ts";
import { type Desk, isoOf } from "./desk.ts";
import { markerOf } from "./task-yaml.ts";
import { moveRun, putRun } from "./transition.ts";

/** Calls without an answer before a run is given up: some requests ACR may never answer. */
const callsMost = 5;

/** Step one: written before the call, so that nobody can call without having said so. */
export function beginCall(desk: Desk, run: Run, attempt: Attempt): Attempt {
  const calling: Attempt = {
    ...attempt,
    stage: "calling",
    calledAt: isoOf(desk.now),
    deadline: isoOf(desk.now + desk.timing.callTimeout * 1000),
  };
  desk.world.put(keys.attempt(run.id, attempt.number), calling);
  moveRun(desk, run, "Scheduling");
  return calling;
}

/** Step two: what came of it. */
export function endCall(desk: Desk, run: Run, attempt: Attempt, outcome: StartOutcome): void {
  switch (outcome.kind) {
    case "accepted":
      link(desk, run, attempt, outcome.run);
      return;
    case "throttled":
      desk.world.put(keys.throttle, { until: isoOf(desk.now + outcome.retryAfterSeconds * 1000) } satisfies Throttle);
      desk.world.put(keys.attempt(run.id, attempt.number), { ...attempt, stage: "prepared" } satisfies Attempt);
      return;
    case "refused":
      if (mayBecomeAllowed(desk, attempt, outcome.code)) {
        waitForRole(desk, run, attempt, outcome.code);
        return;
      }
      endAttempt(desk, attempt, outcome.code);
      failRun(desk, run, "Failed", "acr-refused", `ACR refused the run: ${outcome.code}: ${outcome.message}`);
      return;
    case "unknown":
      desk.world.put(keys.attempt(run.id, attempt.number), { ...attempt, stage: "lost" } satisfies Attempt);
      putRun(desk, {
        ...run,
        notes: [
          ...(run.notes ?? []),
          `attempt ${attempt.number}: ACR's reply was lost (${outcome.message}); looking for the run`,
        ],
      });
  }
}

export function link(desk: Desk, run: Run, attempt: Attempt, seen: AcrRun): void {
  desk.world.put(keys.attempt(run.id, attempt.number), {
    ...attempt,
    stage: "linked",
    acrRunId: seen.acrRunId,
  } satisfies Attempt);
  desk.world.put(keys.acrRun(seen.acrRunId), { run: run.id, attempt: attempt.number });
  moveRun(desk, run, run.status === "Scheduling" ? "Queued" : run.status, { acrRunId: seen.acrRunId });
}

/** A role that is missing now is often granted minutes later; failing a whole wave for it would help nobody. */
function mayBecomeAllowed(desk: Desk, attempt: Attempt, code: string): boolean {
  return code === "AuthorizationFailed" && desk.now - Date.parse(attempt.startedAt) < desk.timing.patience * 1000;
}

function waitForRole(desk: Desk, run: Run, attempt: Attempt, code: string): void {
  desk.world.put(keys.throttle, { until: isoOf(desk.now + 60_000) } satisfies Throttle);
  desk.world.put(keys.attempt(run.id, attempt.number), { ...attempt, stage: "prepared" } satisfies Attempt);
  const note = `ACR answers ${code}: does our identity have its role on the registry?`;
  if (!run.notes?.includes(note)) putRun(desk, { ...run, notes: [...(run.notes ?? []), note] });
}

/** What the beginning of a candidate's log says; `unknown` when there is none, `unreadable` when it may be read later. */
export type LogHead =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "unknown" }
  | { readonly kind: "unreadable" };

/**
 * ACR's engine prints the name of the default network before any step runs; ours carries the attempt. A run that has
 * ended without naming it ran no step of ours; if its log is gone, what it pushed still tells.
 */
export function whoseRun(desk: Desk, attempt: Attempt, log: LogHead, seen: AcrRun): "ours" | "another" | "undecided" {
  const marker = markerOf(attempt.run, attempt.number);
  const named = log.kind === "text" ? /Creating Docker network: ([A-Za-z0-9_.-]+)/.exec(log.text)?.[1] : undefined;
  if (named !== undefined) return named === marker ? "ours" : "another";
  if (!isAcrTerminal(seen.status)) return "undecided";
  if (seen.outputImages.some((o) => o.tag !== undefined && attempt.uniqueTags.includes(o.tag))) return "ours";
  // The last of a log may be written after the run is over.
  const endedAt = Date.parse(seen.finishTime ?? seen.createTime ?? "");
  const grace = log.kind === "unreadable" ? desk.timing.watch : desk.timing.findGrace;
  const settled = Number.isNaN(endedAt) || desk.now > endedAt + grace * 1000;
  return (log.kind === "text" && log.text !== "") || settled ? "another" : "undecided";
}

/** No candidate is ours and none can turn up any more: the call had no effect. Nothing else may conclude that. */
export function giveUpLost(desk: Desk, run: Run, attempt: Attempt): void {
  const until = isoOf(desk.now + desk.timing.watch * 1000);
  const watch: Watch = { run: run.id, attempt: attempt.number, until };
  desk.world.put(keys.watch(run.id, attempt.number), watch);
  if (run.cancelRequested) cancelUncalled(desk, run, attempt);
  else if (attempt.number >= callsMost) {
    endAttempt(desk, attempt, "never started");
    failRun(desk, run, "Error", "acr-error", `ACR gave no answer to ${callsMost} calls and started nothing`);
  } else tryAgain(desk, run, attempt, "ACR never started the run it was asked for");
}

export function mayGiveUp(desk: Desk, attempt: Attempt): boolean {
  return desk.now > Date.parse(attempt.deadline ?? "") + desk.timing.findGrace * 1000;
}
