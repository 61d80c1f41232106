/** Carries out one item of a plan and counts what became of it. */
import { type Desk, getRun, getTrack } from "../run/desk.ts";
import { placeRun } from "../run/place.ts";
import { isLarge } from "../run/wave.ts";
import type { Inbox, PlanItem, Priority, Progress, RefSnapshot } from "../state/rows.ts";
import { afterBase } from "./base-ended.ts";
import { refuseAtHead } from "./head.ts";
import type { RequestWord } from "./plan-request.ts";
import { countPlanned, countSkipped } from "./progress.ts";
import {
  type ItemOutcome,
  type RetireReason,
  retireTrack,
  takeDependent,
  takeImage,
  takeMoved,
  takeSelf,
} from "./take-image.ts";

/** Words that lead to a plan. */
export type PlannedWord =
  | Extract<
      Inbox,
      { kind: "ref-moved" | "run-ended" | "track-stale" | "tag-moved" | "wave-changed" | "pause-requested" }
    >
  | RequestWord;

export function applyItem(
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
  const outcome = takeItem(desk, word, item, runs);
  return outcome.kind === "planned"
    ? countPlanned(progress, item.image, outcome.run.id)
    : countSkipped(progress, outcome.reason, item.image, outcome.message);
}

function takeItem(
  desk: Desk,
  word: Exclude<PlannedWord, { kind: "run-ended" | "wave-changed" | "pause-requested" }>,
  item: PlanItem,
  size: number,
): ItemOutcome {
  const context = {
    cause: word.cause,
    size,
    ...(word.kind === "track-stale" ? { waves: word.waves, inherits: true } : { waves: [word.id], inherits: false }),
    lineage: lineageOf(word, item),
    priority: priorityOf(desk, word, size),
  };
  if (word.kind === "tag-moved" && item.kind === "moved") return takeMoved(desk, item, word, context);
  if (word.kind === "ref-moved") {
    if (item.kind === "take") return takeImage(desk, item, word.snapshot, context);
    if (item.kind === "refuse") {
      refuseAtHead(desk, word.snapshot, item.image);
      return { kind: "skipped", reason: "tag-taken", message: item.message };
    }
    if (item.kind === "retire") return retireTrack(desk, item.track, whyRetired(word.snapshot, item.image));
  }
  if (item.kind === "self")
    return takeSelf(desk, item, word as RequestWord | (Inbox & { kind: "track-stale" }), context);
  return takeDependent(desk, item as PlanItem & { kind: "dependent" }, context);
}

/** Of what follows: a base that moved can wait, and so can many; the few that stand on what somebody changes come with it. */
function priorityOf(desk: Desk, word: PlannedWord, size: number): Priority {
  if (word.kind === "tag-moved") return 2;
  if (word.kind === "track-stale") return word.priority;
  return isLarge(desk, size) ? 2 : 1;
}

/** The tracks whose runs led to the word, and with it to the item. */
function lineageOf(word: PlannedWord, item: PlanItem): readonly string[] | undefined {
  if (word.kind === "tag-moved") return word.lineage;
  if (word.kind !== "track-stale") return undefined;
  return item.kind === "self" ? word.lineage : [...word.lineage, word.track];
}

function whyRetired({ commit, unwatched }: RefSnapshot, image: string): RetireReason {
  if (commit === undefined) return "ref-deleted";
  return unwatched?.includes(image) ? "ref-not-watched" : "image-removed";
}
