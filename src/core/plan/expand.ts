/**
 * Works an inbox row off, as much of it as fits one transaction. Until the row is gone it can be picked up again by
 * anyone: the stored plan and cursor say how far it has come.
 */
import { contextFailed, contextPrepared, logCollected, requestCancel } from "../run/answers.ts";
import { type Desk, getRun, getTrack, isoOf, seqOf } from "../run/desk.ts";
import { placeRun } from "../run/place.ts";
import { keys, rangeOf } from "../state/keys.ts";
import type {
  AcceptedRef,
  Decision,
  DecisionFacts,
  Expansion,
  ExpansionCursor,
  Inbox,
  PlanItem,
  Progress,
  RefSnapshot,
  Track,
} from "../state/rows.ts";
import type { Facts } from "../state/world.ts";
import { afterBase, planAfterRun } from "./base-ended.ts";
import { markTaken } from "./head.ts";
import { planOfWave, planPause, requestWave } from "./hold-requests.ts";
import { type Plan, planRef } from "./plan-ref.ts";
import { planRequest, planStale, type RequestWord } from "./plan-request.ts";
import { countPlanned, countSkipped, noProgress } from "./progress.ts";
import type { Cause } from "./reason.ts";
import { planTagMoved } from "./tag-moved.ts";
import {
  type ItemOutcome,
  type RetireReason,
  retireTrack,
  takeDependent,
  takeImage,
  takeMoved,
  takeSelf,
} from "./take-image.ts";

/**
 * Table storage takes 100 operations a transaction. One is the lease and eight close the row: the decision, its two pointers,
 * its facts, the ref's head, the plan's last part, the cursor and the row itself. An item must fit whole: bases and tags are capped where a ref is read, so that even
 * one that replaces them all and supersedes a planned run does.
 */
const operationsPerStep = 91;

/** A plan of more items than this is stored before the first of them is carried out, so that it is made once. */
const itemsUnstored = 20;

/** A part of a stored plan: about 200 KiB of JSON and 40 KiB compressed, where a row takes 900 and a transaction 4,096. */
const itemsPerPart = 500;

/** All parts are written in one transaction. A plan of more than 40,000 items has larger parts instead. */
const partsMost = 80;

/** Items that are asked together what they have to know, so that reading takes a few rounds for all of them. */
const itemsAskedAtOnce = 100;

/** A decision is kept with its word and what it was made from up to this many characters, so that they fit a row; of larger ones only the word, if that does. */
const factsMost = 1_500_000;

type PlannedWord =
  | Extract<
      Inbox,
      { kind: "ref-moved" | "run-ended" | "track-stale" | "tag-moved" | "wave-changed" | "pause-requested" }
    >
  | RequestWord;

type DecidedWord = Exclude<Extract<Inbox, { readonly cause: Cause }>, { kind: "track-stale" }>;

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
  const acceptedKey = keys.acceptedRef(snapshot.source.id, snapshot.ref);
  const accepted = desk.world.get<AcceptedRef>(acceptedKey);
  const isOurs = accepted?.generation === snapshot.generation && accepted.by === word.id;
  if (accepted && !isOurs && snapshot.generation <= accepted.generation) {
    decideAtOnce(desk, word, () => {
      const progress = desk.world.get<ExpansionCursor>(keys.expansionCursor(word.id))?.progress ?? noProgress;
      return countSkipped(progress, "superseded-event", undefined, "a later reading of this ref was already accepted");
    });
    return false;
  }
  if (!isOurs)
    desk.world.put(acceptedKey, {
      generation: snapshot.generation,
      by: word.id,
      commit: snapshot.commit ?? null,
      at: isoOf(desk.now),
      refused: snapshot.refused.map((r) => r.image),
    } satisfies AcceptedRef);
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

/** Of what the other words lead to, the word before them has said it. */
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

function keepFacts(desk: Desk, word: DecidedWord): void {
  const stored = desk.world.facts();
  // A word was a row before, so that much more of it fits one.
  const kept: DecisionFacts = isShort(stored, JSON.stringify(word).length) ? { word, stored } : { word };
  desk.world.put(keys.facts(word.id), kept);
}

/** Looks no further than what may be kept: a large plan is made from tens of megabytes. */
function isShort(facts: Facts, besides = 0): boolean {
  let length = besides;
  for (const group of [facts.rows, facts.ranges, facts.digests])
    for (const fact of group) {
      length += JSON.stringify(fact).length;
      if (length > factsMost) return false;
    }
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

function applyItem(
  desk: Desk,
  word: PlannedWord,
  item: PlanItem,
  { runs, progress }: { readonly runs: number; readonly progress: Progress },
): Progress {
  if (item.kind === "place") {
    const planned = getTrack(desk.world, item.track)?.planned;
    const run = planned && getRun(desk.world, planned.id);
    if (run) placeRun(desk, run);
    return progress;
  }
  if (word.kind === "run-ended") {
    if (item.kind === "base-ended") afterBase(desk, item, word.run);
    return progress;
  }
  if (word.kind === "wave-changed" || word.kind === "pause-requested") return progress;
  const outcome = outcomeOf(desk, word, item, runs);
  return outcome.kind === "planned"
    ? countPlanned(progress, item.image, outcome.run.id)
    : countSkipped(progress, outcome.reason, item.image, outcome.message);
}

function outcomeOf(
  desk: Desk,
  word: Exclude<PlannedWord, { kind: "run-ended" | "wave-changed" | "pause-requested" }>,
  item: PlanItem,
  size: number,
): ItemOutcome {
  const context = {
    cause: word.cause,
    size,
    ...(word.kind === "track-stale" ? { waves: word.waves, inherits: true } : { waves: [word.id], inherits: false }),
  };
  if (word.kind === "tag-moved" && item.kind === "moved") return takeMoved(desk, item, word, context);
  if (word.kind === "ref-moved") {
    if (item.kind === "take") return takeImage(desk, item, word.snapshot, context);
    if (item.kind === "retire") return retireTrack(desk, item.track, whyRetired(word.snapshot, item.image));
  }
  if (item.kind === "self")
    return takeSelf(desk, item, word as RequestWord | (Inbox & { kind: "track-stale" }), context);
  const lineage = word.kind === "track-stale" ? [...word.lineage, word.track] : undefined;
  return takeDependent(desk, item as PlanItem & { kind: "dependent" }, context, lineage);
}

function whyRetired({ commit, unwatched }: RefSnapshot, image: string): RetireReason {
  if (commit === undefined) return "ref-deleted";
  return unwatched?.includes(image) ? "ref-not-watched" : "image-removed";
}

/** The first record of an event stands: told again after a crash, it would say that there was nothing left to do. */
function isDecided(desk: Desk, id: string): boolean {
  return desk.world.get(keys.decided(id)) !== undefined;
}

/** What needs no plan. */
function decideAtOnce(desk: Desk, word: DecidedWord, work: () => Progress): void {
  if (isDecided(desk, word.id)) return;
  const progress = work();
  keepFacts(desk, word);
  decide(desk, word, progress);
}

function decide(desk: Desk, word: DecidedWord, progress: Progress): void {
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
  if (word.kind === "tag-moved") pointFromEvent(desk, word);
}

/** The word has an id of its own, for several senders may tell of one move; people ask for the event that the causes name. */
function pointFromEvent({ world }: Desk, { id, cause }: Extract<DecidedWord, { kind: "tag-moved" }>): void {
  if (cause.kind === "registry-event") world.put(keys.decided(cause.id), world.get(keys.decided(id)));
}
