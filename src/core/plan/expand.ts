/**
 * Works an inbox row off, as much of it as fits one transaction. Until the row is gone it can be picked up again by
 * anyone: the stored plan and cursor say how far it has come.
 */
import { contextFailed, contextPrepared, logCollected, requestCancel } from "../run/answers.ts";
import { type Desk, seqOf } from "../run/desk.ts";
import { keys, rangeOf } from "../state/keys.ts";
import type { Expansion, ExpansionCursor, Inbox, PlanItem, Progress, Track } from "../state/rows.ts";
import { applyItem, type PlannedWord } from "./apply-item.ts";
import { planAfterRun } from "./base-ended.ts";
import { acceptedOf, acceptHead, markTaken } from "./head.ts";
import { planOfWave, planPause, requestWave } from "./hold-requests.ts";
import { type Plan, planRef } from "./plan-ref.ts";
import { planRequest, planStale } from "./plan-request.ts";
import { countSkipped, noProgress } from "./progress.ts";
import {
  type DecidedWord,
  decide,
  decideAtOnce,
  isDecided,
  isShort,
  keepFacts,
  pointFromEvent,
} from "./record-decision.ts";
import { planTagMoved } from "./tag-moved.ts";

/**
 * Table storage takes 100 operations a transaction. One is the lease and seven close the row: the decision, its pointer, a
 * second pointer or the ref's head, its facts, the plan's last part, the cursor and the row itself. An item must fit whole:
 * bases and tags are capped where a ref is read, so that even one that replaces them all and supersedes a planned run does.
 */
const operationsPerStep = 92;

/** A plan of more items than this is stored before the first of them is carried out, so that it is made once. */
const itemsUnstored = 20;

/** A part of a stored plan: about 200 KiB of JSON and 40 KiB compressed, where a row takes 900 and a transaction 4,096. */
const itemsPerPart = 500;

/** All parts are written in one transaction. A plan of more than 40,000 items has larger parts instead. */
const partsMost = 80;

/** Items that are asked together what they have to know, so that reading takes a few rounds for all of them. */
const itemsAskedAtOnce = 100;

/** Returns whether the row is done with. */
export function expand(desk: Desk, inboxKey: string, word: Inbox): boolean {
  desk.world.beginFacts();
  switch (word.kind) {
    case "ref-moved":
      if (!accept(desk, word)) break;
      return expandPlan(desk, inboxKey, word, () => planRef(desk, word.snapshot));
    case "run-ended":
      return expandPlan(desk, inboxKey, word, () => ({ plan: planAfterRun(desk, word), progress: noProgress }));
    case "track-stale":
      return expandPlan(desk, inboxKey, word, () => planStale(desk, word));
    case "wave-changed":
      return expandPlan(desk, inboxKey, word, () => planOfWave(desk, word));
    case "wave-requested":
      decideAtOnce(desk, word, () => requestWave(desk, word));
      break;
    case "pause-requested":
      if (isDecided(desk, word.id)) break;
      return expandPlan(desk, inboxKey, word, () => planPause(desk, word));
    case "tag-moved":
      if (!isDecided(desk, word.id)) return expandPlan(desk, inboxKey, word, () => planTagMoved(desk, word));
      pointFromEvent(desk, word);
      break;
    case "retry-requested":
    case "rebuild-requested":
      if (isDecided(desk, word.id)) break;
      return expandPlan(desk, inboxKey, word, () => planRequest(desk, word));
    case "cancel-requested":
      decideAtOnce(desk, word, () => requestCancel(desk, word.run));
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
  const accepted = acceptedOf(desk, snapshot);
  const isOurs = accepted?.generation === snapshot.generation && accepted.by === word.id;
  if (accepted && !isOurs && snapshot.generation <= accepted.generation) {
    decideAtOnce(desk, word, () => {
      const progress = desk.world.get<ExpansionCursor>(keys.expansionCursor(word.id))?.progress ?? noProgress;
      return countSkipped(progress, "superseded-event", undefined, "a later reading of this ref was already accepted");
    });
    return false;
  }
  if (!isOurs) acceptHead(desk, word);
  return true;
}

function expandPlan(desk: Desk, inboxKey: string, word: PlannedWord, makePlan: () => Plan): boolean {
  const { world } = desk;
  const cursor = world.get<ExpansionCursor>(keys.expansionCursor(word.id));
  if (cursor) return carryOn(desk, inboxKey, word, cursor);
  const { plan, progress } = makePlan();
  const mark = world.mark();
  if (plan.length <= itemsUnstored) {
    const reached = carryOut(desk, word, plan, { from: 0, runs: runsOf(plan), progress });
    if (reached.next === plan.length) {
      // With what carrying it out looked at, such as the planned run that was joined.
      if (isDecision(word)) keepFacts(desk, word);
      return finish(desk, inboxKey, word, reached.progress);
    }
    world.rewind(mark);
  }
  if (isDecision(word)) {
    lookAtPlanned(desk, plan);
    keepFacts(desk, word);
  }
  storePlan(desk, word, plan, progress);
  return false;
}

/** A stored plan is carried out after its facts are kept. What it joins will have ended when the decision is made again. */
function lookAtPlanned({ world }: Desk, plan: readonly PlanItem[]): void {
  if (!isShort(world.facts())) return;
  const planned = world.getAll<Track>(plan.map((item) => item.track)).flatMap((track) => track?.planned ?? []);
  world.getAll(planned.map(({ id }) => keys.run(seqOf(id))));
}

function isDecision(word: PlannedWord): word is PlannedWord & DecidedWord {
  return "cause" in word && word.kind !== "track-stale";
}

function storePlan(desk: Desk, word: PlannedWord, plan: readonly PlanItem[], progress: Progress): void {
  const partSize = Math.max(itemsPerPart, Math.ceil(plan.length / partsMost));
  for (let from = 0; from < plan.length; from += partSize)
    desk.world.put(keys.expansion(word.id, from / partSize), {
      plan: plan.slice(from, from + partSize),
    } satisfies Expansion);
  desk.world.put(keys.expansionCursor(word.id), {
    next: 0,
    size: plan.length,
    runs: runsOf(plan),
    partSize,
    progress,
  } satisfies ExpansionCursor);
}

/** Items that may become runs: what only changes how an image is described has no level. */
function runsOf(plan: readonly PlanItem[]): number {
  return plan.filter((item) => "level" in item && item.level !== undefined).length;
}

/** As many items of the present part as fit one transaction. A part that is done with goes with its last item. */
function carryOn(desk: Desk, inboxKey: string, word: PlannedWord, cursor: ExpansionCursor): boolean {
  const { world } = desk;
  const { size, runs, partSize } = cursor;
  const part = Math.floor(cursor.next / partSize);
  const partKey = keys.expansion(word.id, part);
  const { plan } = world.get<Expansion>(partKey)!;
  const begin = part * partSize;
  const reached = carryOut(desk, word, plan, { from: cursor.next - begin, runs, progress: cursor.progress });
  const next = begin + reached.next;
  if (reached.next === plan.length) world.remove(partKey);
  if (next === size) return finish(desk, inboxKey, word, reached.progress);
  world.put(keys.expansionCursor(word.id), { ...cursor, next, progress: reached.progress } satisfies ExpansionCursor);
  return false;
}

/** Returns the first item that did not fit any more. */
function carryOut(
  desk: Desk,
  word: PlannedWord,
  items: readonly PlanItem[],
  { from, runs, progress }: { readonly from: number; readonly runs: number; readonly progress: Progress },
): { readonly next: number; readonly progress: Progress } {
  const { world } = desk;
  let counted = progress;
  for (let next = from; next < items.length; next++) {
    const mark = world.mark();
    const before = counted;
    const [after] = world.askTogether(
      items
        .slice(next, next + itemsAskedAtOnce)
        .map((item) => () => applyItem(desk, word, item, { runs, progress: before })),
    );
    if (world.size > operationsPerStep && mark.size > 1) {
      world.rewind(mark);
      return { next, progress: counted };
    }
    counted = after;
  }
  return { next: items.length, progress: counted };
}

function finish(desk: Desk, inboxKey: string, word: PlannedWord, progress: Progress): true {
  if (word.kind === "ref-moved") markTaken(desk, word.snapshot);
  if (isDecision(word)) decide(desk, word, progress);
  close(desk, inboxKey, word.id);
  return true;
}

function close(desk: Desk, inboxKey: string, wordId: string): void {
  forgetPlan(desk, wordId);
  desk.world.remove(inboxKey);
}

/** What is left of a stored plan: nothing, or one part if everything went well. */
export function forgetPlan(desk: Desk, wordId: string): void {
  const cursorKey = keys.expansionCursor(wordId);
  if (desk.world.get(cursorKey) === undefined) return;
  desk.world.remove(cursorKey);
  for (const part of desk.world.range(rangeOf("expansion", wordId), partsMost)) desk.world.remove(part.key);
}
