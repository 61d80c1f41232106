/** The record of what was decided for an event, and what it was made from. */
import { type Desk, isoOf } from "../run/desk.ts";
import { keys } from "../state/keys.ts";
import type { Decision, DecisionFacts, Inbox, Progress } from "../state/rows.ts";
import type { Facts } from "../state/world.ts";
import { countSkipped } from "./progress.ts";
import type { Cause } from "./reason.ts";

/** A decision is kept with its word and what it was made from up to this many characters, so that they fit a row; of larger ones only the word, if that does. */
const factsMost = 1_500_000;

/** A word whose outcome is recorded as its event's. Of what the other words lead to, the word before them has said it. */
export type DecidedWord = Exclude<Extract<Inbox, { readonly cause: Cause }>, { kind: "track-stale" }>;

/** The first record of an event stands: told again after a crash, it would say that there was nothing left to do. */
export function isDecided(desk: Desk, id: string): boolean {
  return desk.world.get(keys.decided(id)) !== undefined;
}

/** What needs no plan. */
export function decideAtOnce(desk: Desk, word: DecidedWord, work: () => Progress): void {
  if (isDecided(desk, word.id)) return;
  const progress = work();
  keepFacts(desk, word);
  decide(desk, word, progress);
}

export function decide(desk: Desk, word: DecidedWord, progress: Progress): void {
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
export function pointFromEvent({ world }: Desk, { id, cause }: Extract<DecidedWord, { kind: "tag-moved" }>): void {
  if (cause.kind === "registry-event") world.put(keys.decided(cause.id), world.get(keys.decided(id)));
}

export function keepFacts(desk: Desk, word: DecidedWord): void {
  const stored = desk.world.facts();
  // A word was a row before, so that much more of it fits one.
  const kept: DecisionFacts = isShort(stored, JSON.stringify(word).length) ? { word, stored } : { word };
  desk.world.put(keys.facts(word.id), kept);
}

/** Looks no further than what may be kept: a large plan is made from tens of megabytes. */
export function isShort(facts: Facts, besides = 0): boolean {
  let length = besides;
  for (const group of [facts.rows, facts.ranges, facts.digests])
    for (const fact of group) {
      length += JSON.stringify(fact).length;
      if (length > factsMost) return false;
    }
  return true;
}
