/**
 * Works an inbox row off, as much of it as fits one transaction. Until the row is gone it can be picked up again by
 * anyone: the stored plan and cursor say how far it has come.
 */

import { contextFailed, contextPrepared, logCollected, requestCancel } from "../run/answers.ts";
import { type Desk, getRun, getTrack, isoOf, refName } from "../run/desk.ts";
import { isTerminal } from "../run/transition.ts";
import { keys, rangeOf } from "../state/keys.ts";
import type { Decision, Expansion, Inbox, PlanItem, Progress, Track } from "../state/rows.ts";
import { afterBase, planAfterRun } from "./base-ended.ts";
import { openRun } from "./open-run.ts";
import { planRef } from "./plan-ref.ts";
import { countPlanned, countSkipped, noProgress } from "./progress.ts";
import type { Cause, SkipReason } from "./reason.ts";
import { retireTrack, takeDependent, takeImage } from "./take-image.ts";

/**
 * Table storage takes 100 operations a transaction; one is the lease, and one item must fit whole: an image with the most
 * bases allowed, superseding a planned run.
 */
export const operationsPerStep = 95;

/** Returns whether the row is done with. */
export function expand(desk: Desk, inboxKey: string, word: Inbox): boolean {
  switch (word.kind) {
    case "ref-moved":
      return expandRefMoved(desk, inboxKey, word);
    case "run-ended":
      return expandPlan(desk, inboxKey, word, () => ({ plan: planAfterRun(desk, word), progress: noProgress }));
    case "context-prepared":
      contextPrepared(desk, word);
      break;
    case "context-failed":
      contextFailed(desk, word);
      break;
    case "log-collected":
      logCollected(desk, word);
      break;
    case "cancel-requested":
      decideRequest(desk, word, () => requestCancel(desk, word.run));
      break;
    case "retry-requested":
      decideRequest(desk, word, () => retry(desk, word));
      break;
    case "rebuild-requested":
      decideRequest(desk, word, () => rebuild(desk, word));
      break;
  }
  desk.world.remove(inboxKey);
  return true;
}

function expandRefMoved(desk: Desk, inboxKey: string, word: Inbox & { kind: "ref-moved" }): boolean {
  const { snapshot } = word;
  const acceptedKey = keys.acceptedRef(snapshot.source.id, snapshot.ref);
  const accepted = desk.world.get<{ generation: number }>(acceptedKey);
  const started = desk.world.get<Expansion>(keys.expansion(word.id)) !== undefined;
  if (!started && accepted && snapshot.generation <= accepted.generation) {
    // Read earlier than what has been accepted since: following it would move the stable tag back to an old head.
    decide(
      desk,
      word,
      countSkipped(noProgress, "superseded-event", undefined, "a later reading of this ref was already accepted"),
    );
    desk.world.remove(inboxKey);
    return true;
  }
  desk.world.put(acceptedKey, {
    generation: snapshot.generation,
    commit: snapshot.commit ?? null,
    at: isoOf(desk.now),
  });
  return expandPlan(desk, inboxKey, word, () => planRef(desk, snapshot));
}

function expandPlan(
  desk: Desk,
  inboxKey: string,
  word: Inbox & { kind: "ref-moved" | "run-ended" },
  makePlan: () => { plan: readonly PlanItem[]; progress: Progress },
): boolean {
  const expansionKey = keys.expansion(word.id);
  const stored = desk.world.get<Expansion>(expansionKey);
  const { plan, progress: startProgress } = stored ?? makePlan();
  let progress = startProgress;
  for (let cursor = stored?.cursor ?? 0; cursor < plan.length; cursor++) {
    const mark = desk.world.mark();
    const next = applyItem(desk, word, plan[cursor]!, progress);
    // Two more rows follow: the decision and its pointer, or the expansion.
    if (desk.world.size > operationsPerStep - 3 && mark.size > 2) {
      desk.world.rewind(mark);
      desk.world.put(expansionKey, { plan, cursor, progress } satisfies Expansion);
      return false;
    }
    progress = next;
  }
  if (word.kind === "ref-moved") decide(desk, word, progress);
  if (stored) desk.world.remove(expansionKey);
  desk.world.remove(inboxKey);
  return true;
}

function applyItem(
  desk: Desk,
  word: Inbox & { kind: "ref-moved" | "run-ended" },
  item: PlanItem,
  progress: Progress,
): Progress {
  if (word.kind === "run-ended") {
    if (item.kind === "base-ended") afterBase(desk, item, word.run);
    return progress;
  }
  const context = { cause: word.cause, wave: word.id };
  const outcome =
    item.kind === "take"
      ? takeImage(desk, item, word.snapshot, context)
      : item.kind === "dependent"
        ? takeDependent(desk, item, context)
        : retireTrack(desk, item.track, word.snapshot.commit === undefined ? "ref-deleted" : "image-removed");
  return outcome.kind === "planned"
    ? countPlanned(progress, item.kind === "base-ended" ? "" : item.image, outcome.run.id)
    : countSkipped(progress, outcome.reason, item.kind === "base-ended" ? "" : item.image, outcome.message);
}

function decide(desk: Desk, word: Inbox & { kind: "ref-moved" }, progress: Progress): void {
  const { source, ref, commit } = word.snapshot;
  const why =
    progress.plannedCount === 0 && progress.skipped.length === 0
      ? countSkipped(progress, "ref-not-watched", undefined)
      : progress;
  putDecision(desk, {
    id: word.id,
    at: isoOf(desk.now),
    registry: desk.registry.alias,
    cause: word.cause,
    source,
    ref,
    ...(commit ? { commit } : {}),
    ...why,
  });
}

function putDecision(desk: Desk, decision: Decision): void {
  const decisionKey = keys.decision(desk.now, decision.id);
  desk.world.put(decisionKey, decision);
  desk.world.put(keys.decided(decision.id), { key: decisionKey });
}

/** A request with an id that was already decided is the same request, sent again (Idempotency-Key). */
function decideRequest(desk: Desk, word: Inbox & { cause: Cause }, decideOn: () => Progress): void {
  if (desk.world.get(keys.decided(word.id)) !== undefined) return;
  const progress = decideOn();
  putDecision(desk, {
    id: word.id,
    at: isoOf(desk.now),
    registry: desk.registry.alias,
    cause: word.cause,
    ...progress,
  });
}

function refuse(reason: SkipReason, message: string): Progress {
  return countSkipped(noProgress, reason, undefined, message);
}

function retry(desk: Desk, word: Inbox & { kind: "retry-requested" }): Progress {
  const run = getRun(desk.world, word.run);
  if (!run) return refuse("run-not-found", `there is no run ${word.run}`);
  if (!isTerminal(run.status)) return refuse("already-planned", `${run.id} has not ended: it is ${run.status}`);
  const track = getTrack(desk.world, run.track);
  if (!track) return refuse("image-removed", `${run.image} is no longer built from ${refName(run.ref)}`);
  return request(desk, track, word, "retry", run.id);
}

function rebuild(desk: Desk, word: Inbox & { kind: "rebuild-requested" }): Progress {
  const found = desk.world
    .range<{ track: string }>(rangeOf("image", word.image), 1000)
    .flatMap((r) => getTrack(desk.world, r.value.track) ?? [])
    .filter(
      (t) =>
        (word.ref === undefined || t.ref === word.ref) &&
        (word.sourceId === undefined || t.source.id === word.sourceId),
    );
  // A rebuild of thousands of branches at once is nobody's wish: one transaction's worth, or be more precise.
  if (found.length > 5) return refuse("image-not-found", `${found.length} refs build ${word.image}: name one with ref`);
  if (found.length === 0)
    return refuse("image-not-found", `no image ${word.image}${word.ref ? ` is built from ${word.ref}` : ""}`);
  return found.reduce((progress, track) => {
    const { planned } = request(desk, track, word, "rebuild");
    return countPlanned(progress, track.image, planned[0]!.run);
  }, noProgress);
}

function request(
  desk: Desk,
  track: Track,
  word: Inbox & { cause: Cause },
  action: "retry" | "rebuild",
  of?: string,
): Progress {
  const { run } = openRun(desk, track, {
    wanted: { ...track.wanted, occurrence: word.id },
    reasons: [{ kind: "request", action, id: word.id, ...(of ? { of } : {}) }],
    cause: word.cause,
    waves: [word.id],
  });
  return countPlanned(noProgress, track.image, run.id);
}
