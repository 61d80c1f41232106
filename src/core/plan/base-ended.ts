/** A run has ended: what that means for the tracks that stand on what it made, and for its own track's next run. */
import { type Desk, getRun, getTrack } from "../run/desk.ts";
import { placeRun } from "../run/place.ts";
import { endRun, isTerminal, putRun } from "../run/transition.ts";
import { ascending, keys } from "../state/keys.ts";
import type { Attempt, Inbox, PlanItem, Run, Track } from "../state/rows.ts";
import { edgesOf, follows } from "./closure.ts";
import type { Reason } from "./reason.ts";

export function planAfterRun(desk: Desk, word: Inbox & { kind: "run-ended" }): readonly PlanItem[] {
  const edges = edgesOf(desk, word.makes);
  const dependents = word.makes.flatMap((reference, i) =>
    edges[i]!.map((e): PlanItem => ({ kind: "base-ended", track: e.track, image: "", reference })),
  );
  // Its own planned run waited for this one. The reference is empty: nothing of its bases has changed.
  const own: PlanItem = { kind: "base-ended", track: word.track, image: "", reference: "" };
  return [own, ...dependents.filter((d) => d.track !== word.track)];
}

/** Looks at one dependent after a run of its base has ended. Doing it twice changes nothing. */
export function afterBase(desk: Desk, item: PlanItem & { kind: "base-ended" }, baseRunId: string): void {
  const track = getTrack(desk.world, item.track);
  const base = getRun(desk.world, baseRunId);
  if (!track || track.retired || !base) return;
  const planned = track.planned && getRun(desk.world, track.planned.id);
  if (item.reference === "") {
    if (planned) placeRun(desk, planned);
  } else if (planned) tellPlanned(desk, track, planned, item.reference, base);
  else if (base.status === "Succeeded") replanIfStale(desk, track, item.reference, base);
}

/** Succeeded, or skipped because nothing had changed: either way the tag is good. */
function isGood(base: Run): boolean {
  return base.status === "Succeeded" || base.ended?.code === "nothing-changed";
}

function tellPlanned(desk: Desk, track: Track, planned: Run, reference: string, base: Run): void {
  const about = planned.reasons.find(
    (r): r is Reason & { kind: "base" } => r.kind === "base" && r.reference === reference,
  );
  const maker = getTrack(desk.world, base.track);
  // What the base was last built as, which may be news to the dependent even if this run of the base failed.
  const good = isGood(base) ? base.digest : maker?.built?.digest;
  const isNews = good !== undefined && good !== standsOn(desk, track)?.[reference];
  if (about && (isGood(base) || isNews)) {
    const told: Reason = { ...about, ...(good ? { to: good } : {}), ...(isGood(base) ? { run: base.id } : {}) };
    const next = { ...planned, reasons: planned.reasons.map((r) => (r === about ? told : r)) };
    putRun(desk, next);
    placeRun(desk, next);
    return;
  }
  // Of an image that was renamed, or whose tag another image makes by now: that one's run counts, to come or good already.
  const other = about?.run && about.run !== base.id ? getRun(desk.world, about.run) : undefined;
  const isOthers = other !== undefined && (!isTerminal(other.status) || isGood(other));
  // Nothing to take back, or the base is about to be tried again: go on, or go on waiting.
  if (!about || maker?.planned || isOthers) {
    placeRun(desk, planned);
    return;
  }
  const others = planned.reasons.filter((r) => r !== about);
  const message = `its base ${reference} was not built: ${base.id} ended ${base.status}`;
  if (others.length === 0) {
    const stays = `${message}; the image stays on the last good one`;
    endRun(desk, planned, "Skipped", { ended: { code: "base-failed", message: stays } });
    return;
  }
  const notes = [
    ...(planned.notes ?? []),
    `${message}; goes on ${maker?.built ? "with the last good one" : "without it"}`,
  ];
  const noted: Run = { ...planned, reasons: others, notes, without: { ...planned.without, [reference]: message } };
  putRun(desk, noted);
  placeRun(desk, noted);
}

/** The net below the plan: whoever was not planned with the wave and stands on an older digest is planned now. */
function replanIfStale(desk: Desk, track: Track, reference: string, base: Run): void {
  const edge = track.bases.find((b) => b.reference === reference && !b.pinned);
  if (!edge || !follows({ class: edge.class, baseUpdate: track.definition.on.baseUpdate }) || !base.digest) return;
  const from = standsOn(desk, track)?.[reference];
  if (from === base.digest || base.waves.some((wave) => track.declined?.includes(wave))) return;
  const lineage = [...(base.lineage ?? []), base.track];
  if (lineage.includes(track.key)) {
    const note = `${track.image} stands on this image and this image on it: a cycle, so it is not built again`;
    if (!base.notes?.includes(note)) putRun(desk, { ...base, notes: [...(base.notes ?? []), note] });
    return;
  }
  const reason: Reason = { kind: "base", reference, ...(from ? { from } : {}), to: base.digest, run: base.id };
  leaveStale(desk, track, [reason], base, lineage);
}

export type StaleWord = Inbox & { kind: "track-stale" };

/** The track and what stands on it are planned together, as one word of its own. */
export function leaveStale(
  desk: Desk,
  track: Track,
  reasons: readonly Reason[],
  by: Run,
  lineage: readonly string[],
): void {
  const about = reasons.map((r) => (r.kind === "base" ? r.reference : r.kind)).join(" ");
  const id = `${by.id}.stale.${track.image}.${ascending(track.source.id)}.${track.ref}.${about}`;
  desk.world.put(keys.inbox(desk.now, id), staleWord(id, track.key, reasons, by, lineage));
}

export function staleWord(
  id: string,
  track: string,
  reasons: readonly Reason[],
  by: Run,
  lineage: readonly string[],
): StaleWord {
  return {
    kind: "track-stale",
    id,
    track,
    reasons,
    cause: { kind: "run", id: by.id },
    waves: by.waves,
    lineage,
    priority: by.priority === 2 ? 2 : 1,
  };
}

/** What the track stands on, or will when its run at ACR ends. */
export function standsOn(desk: Desk, track: Track): Readonly<Record<string, string | null>> | undefined {
  if (track.active) {
    const run = getRun(desk.world, track.active.id);
    const attempt = run && desk.world.get<Attempt>(keys.attempt(run.id, run.attempt));
    if (attempt) return attempt.bases;
  }
  return track.built?.bases;
}
