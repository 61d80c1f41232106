/**
 * Works an inbox row off, as much of it as fits one transaction. Until the row is gone it can be picked up again by
 * anyone: the stored plan and cursor say how far it has come.
 */
import { contextFailed, contextPrepared, logCollected, requestCancel } from "../run/answers.ts";
import { type Desk, isoOf } from "../run/desk.ts";
import { keys } from "../state/keys.ts";
import type { Decision, Expansion, ExpansionCursor, Inbox, PlanItem, Progress } from "../state/rows.ts";
import { afterBase, planAfterRun } from "./base-ended.ts";
import { type Plan, planRef } from "./plan-ref.ts";
import { planRequest, planStale, type RequestWord } from "./plan-request.ts";
import { countPlanned, countSkipped, noProgress } from "./progress.ts";
import { type ItemOutcome, retireTrack, takeDependent, takeImage, takeSelf } from "./take-image.ts";

/**
 * Table storage takes 100 operations a transaction. One is the lease and five close the row: the decision, its pointer, the
 * plan, the cursor and the row itself. An item must fit whole: bases and tags are capped where a ref is read, so that even
 * one that replaces them all and supersedes a planned run does.
 */
const operationsPerStep = 94;

type PlannedWord = Extract<Inbox, { kind: "ref-moved" | "run-ended" | "track-stale" }> | RequestWord;

/** Returns whether the row is done with. */
export function expand(desk: Desk, inboxKey: string, word: Inbox): boolean {
  switch (word.kind) {
    case "ref-moved":
      if (!accept(desk, word)) break;
      return expandPlan(desk, inboxKey, word, () => planRef(desk, word.snapshot));
    case "run-ended":
      return expandPlan(desk, inboxKey, word, () => ({ plan: planAfterRun(desk, word), progress: noProgress }));
    case "track-stale":
      return expandPlan(desk, inboxKey, word, () => planStale(desk, word.track));
    case "retry-requested":
    case "rebuild-requested":
      if (isDecided(desk, word.id)) break;
      return expandPlan(desk, inboxKey, word, () => planRequest(desk, word));
    case "cancel-requested":
      if (!isDecided(desk, word.id)) decide(desk, word, requestCancel(desk, word.run));
      break;
    case "context-prepared":
      contextPrepared(desk, word);
      break;
    case "context-failed":
      contextFailed(desk, word);
      break;
    case "log-collected":
      logCollected(desk, word);
      break;
  }
  close(desk, inboxKey, word.id);
  return true;
}

/**
 * Whether a reading of a ref is followed. One that was read earlier than what has been accepted since is not, not even
 * half-way through: it would move stable tags back to an old head (R6).
 */
function accept(desk: Desk, word: Inbox & { kind: "ref-moved" }): boolean {
  const { snapshot } = word;
  const acceptedKey = keys.acceptedRef(snapshot.source.id, snapshot.ref);
  const accepted = desk.world.get<{ generation: number; by: string }>(acceptedKey);
  const isOurs = accepted?.generation === snapshot.generation && accepted.by === word.id;
  if (accepted && !isOurs && snapshot.generation <= accepted.generation) {
    const progress = desk.world.get<ExpansionCursor>(keys.expansionCursor(word.id))?.progress ?? noProgress;
    decide(
      desk,
      word,
      countSkipped(progress, "superseded-event", undefined, "a later reading of this ref was already accepted"),
    );
    return false;
  }
  if (!isOurs)
    desk.world.put(acceptedKey, {
      generation: snapshot.generation,
      by: word.id,
      commit: snapshot.commit ?? null,
      at: isoOf(desk.now),
    });
  return true;
}

function expandPlan(desk: Desk, inboxKey: string, word: PlannedWord, makePlan: () => Plan): boolean {
  const cursorKey = keys.expansionCursor(word.id);
  const cursor = desk.world.get<ExpansionCursor>(cursorKey);
  const made = cursor ? undefined : makePlan();
  const plan = made?.plan ?? desk.world.get<Expansion>(keys.expansion(word.id))!.plan;
  let progress = cursor?.progress ?? made!.progress;
  for (let next = cursor?.next ?? 0; next < plan.length; next++) {
    const mark = desk.world.mark();
    const after = applyItem(desk, word, plan[next]!, progress);
    if (desk.world.size > operationsPerStep && mark.size > 1) {
      desk.world.rewind(mark);
      if (made) desk.world.put(keys.expansion(word.id), { plan } satisfies Expansion);
      desk.world.put(cursorKey, { next, progress } satisfies ExpansionCursor);
      return false;
    }
    progress = after;
  }
  if ("cause" in word && word.kind !== "track-stale") decide(desk, word, progress);
  close(desk, inboxKey, word.id);
  return true;
}

function close(desk: Desk, inboxKey: string, wordId: string): void {
  for (const key of [keys.expansion(wordId), keys.expansionCursor(wordId)])
    if (desk.world.get(key) !== undefined) desk.world.remove(key);
  desk.world.remove(inboxKey);
}

function applyItem(desk: Desk, word: PlannedWord, item: PlanItem, progress: Progress): Progress {
  if (word.kind === "run-ended") {
    if (item.kind === "base-ended") afterBase(desk, item, word.run);
    return progress;
  }
  const outcome = outcomeOf(desk, word, item);
  return outcome.kind === "planned"
    ? countPlanned(progress, item.image, outcome.run.id)
    : countSkipped(progress, outcome.reason, item.image, outcome.message);
}

function outcomeOf(desk: Desk, word: Exclude<PlannedWord, { kind: "run-ended" }>, item: PlanItem): ItemOutcome {
  const waves = word.kind === "track-stale" ? word.waves : [word.id];
  const context = { cause: word.cause, waves };
  if (word.kind === "ref-moved") {
    if (item.kind === "take") return takeImage(desk, item, word.snapshot, context);
    if (item.kind === "retire")
      return retireTrack(desk, item.track, word.snapshot.commit === undefined ? "ref-deleted" : "image-removed");
  }
  if (item.kind === "self")
    return takeSelf(desk, item.track, word as RequestWord | (Inbox & { kind: "track-stale" }), context);
  const lineage = word.kind === "track-stale" ? [...word.lineage, word.track] : undefined;
  return takeDependent(desk, item as PlanItem & { kind: "dependent" }, context, lineage);
}

/** The first record of an event stands: told again after a crash, it would say that there was nothing left to do. */
function isDecided(desk: Desk, id: string): boolean {
  return desk.world.get(keys.decided(id)) !== undefined;
}

function decide(
  desk: Desk,
  word: Extract<Inbox, { kind: "ref-moved" }> | RequestWord | Extract<Inbox, { kind: "cancel-requested" }>,
  progress: Progress,
): void {
  if (isDecided(desk, word.id)) return;
  const about =
    word.kind === "ref-moved"
      ? {
          source: word.snapshot.source,
          ref: word.snapshot.ref,
          ...(word.snapshot.commit ? { commit: word.snapshot.commit } : {}),
        }
      : {};
  const nothing = progress.plannedCount === 0 && progress.skipped.length === 0 && progress.done === undefined;
  const decision: Decision = {
    id: word.id,
    at: isoOf(desk.now),
    registry: desk.registry.alias,
    cause: word.cause,
    ...about,
    ...(nothing ? countSkipped(progress, "ref-not-watched", undefined) : progress),
  };
  const decisionKey = keys.decision(desk.now, word.id);
  desk.world.put(decisionKey, decision);
  desk.world.put(keys.decided(word.id), { key: decisionKey });
}
