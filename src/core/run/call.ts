/**
 * Asking ACR for a run, which has no idempotency key (R3): the attempt is written before the call, and after a lost reply
 * the run is looked for before another one is asked for.
 */
import { keys } from "../state/keys.ts";
import type { Attempt, Run } from "../state/rows.ts";
import type { AcrRun, StartOutcome } from "./acr-run.ts";
import { endAttempt, failRun, tryAgain } from "./answers.ts";
import { type Desk, isoOf } from "./desk.ts";
import { markerOf } from "./task-yaml.ts";
import { moveRun, putRun } from "./transition.ts";

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
      desk.world.put(keys.throttle, { until: isoOf(desk.now + outcome.retryAfterSeconds * 1000) });
      desk.world.put(keys.attempt(run.id, attempt.number), { ...attempt, stage: "prepared" } satisfies Attempt);
      return;
    case "refused":
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

/** What the log of a candidate says about whose run it is. */
export type LogHead =
  | { readonly kind: "text"; readonly text: string; readonly ended: boolean }
  | { readonly kind: "unknown" };

/** ACR's engine prints the name of the default network before any step runs; ours carries the attempt. */
export function whoseRun(attempt: Attempt, log: LogHead, seen: AcrRun): "ours" | "another" | "undecided" {
  const text = log.kind === "text" ? log.text : "";
  const marker = markerOf(attempt.run, attempt.number);
  if (new RegExp(`(^|[^A-Za-z0-9.-])${escapeForRegExp(marker)}($|[^A-Za-z0-9.-])`).test(text)) return "ours";
  if (/Creating Docker network: /.test(text)) return "another";
  const over =
    seen.finishTime !== undefined || ["Succeeded", "Failed", "Canceled", "Error", "Timeout"].includes(seen.status);
  // Ended without ever naming our network: it ran no step of ours, so it pushed nothing of ours.
  return over && log.kind === "text" && log.ended ? "another" : "undecided";
}

/** No candidate is ours and none can turn up any more: the call had no effect. Nothing else may conclude that. */
export function giveUpLost(desk: Desk, run: Run, attempt: Attempt): void {
  desk.world.put(keys.watch(run.id, attempt.number), {
    run: run.id,
    attempt: attempt.number,
    until: isoOf(desk.now + desk.timing.watch * 1000),
  });
  tryAgain(desk, run, attempt, "ACR never started the run it was asked for");
}

export function mayGiveUp(desk: Desk, attempt: Attempt): boolean {
  return desk.now > Date.parse(attempt.deadline ?? "") + desk.timing.findGrace * 1000;
}

function escapeForRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
