/** A run has ended: what that means for the tracks that stand on what it made, and for its own track's next run. */
import { type Desk, getRun, getTrack } from "../run/desk.ts";
import { placeRun } from "../run/place.ts";
import { endRun, putRun } from "../run/transition.ts";
import { keys, rangeOf } from "../state/keys.ts";
import type { Attempt, Inbox, PlanItem, Run, Track } from "../state/rows.ts";
import { openRun } from "./open-run.ts";
import { type Edge, follows } from "./plan-ref.ts";
import type { Reason } from "./reason.ts";

const manyTracks = 100_000;

export function planAfterRun(desk: Desk, word: Inbox & { kind: "run-ended" }): readonly PlanItem[] {
  const track = getTrack(desk.world, word.track);
  if (!track) return [];
  const dependents = track.makes.flatMap((reference) =>
    desk.world
      .range<Edge>(rangeOf("base", reference), manyTracks)
      .map((e): PlanItem => ({ kind: "base-ended", track: e.value.track, reference })),
  );
  // Its own planned run waited for this one. The reference is empty: nothing of its bases has changed.
  return [
    { kind: "base-ended", track: word.track, reference: "" },
    ...dependents.filter((d) => d.track !== word.track),
  ];
}

/** Looks at one dependent after a run of its base has ended. Doing it twice changes nothing. */
export function afterBase(desk: Desk, item: PlanItem & { kind: "base-ended" }, baseRunId: string): void {
  const track = getTrack(desk.world, item.track);
  const base = getRun(desk.world, baseRunId);
  if (!track || !base) return;
  const planned = track.planned && getRun(desk.world, track.planned.id);
  if (item.reference === "") {
    if (planned) placeRun(desk, planned);
  } else if (planned) tellPlanned(desk, planned, item.reference, base);
  else if (base.status === "Succeeded") replanIfStale(desk, track, item.reference, base);
}

/** Succeeded, or skipped because nothing had changed: either way the tag is good. */
function isGood(base: Run): boolean {
  return base.status === "Succeeded" || base.ended?.code === "nothing-changed" || base.status === "Superseded";
}

function tellPlanned(desk: Desk, planned: Run, reference: string, base: Run): void {
  const about = planned.reasons.find(
    (r): r is Reason & { kind: "base" } => r.kind === "base" && r.reference === reference,
  );
  if (isGood(base)) {
    const told =
      about && base.digest
        ? {
            ...planned,
            reasons: planned.reasons.map(
              (r): Reason => (r === about ? { ...about, to: base.digest, run: base.id } : r),
            ),
          }
        : planned;
    if (told !== planned) putRun(desk, told);
    placeRun(desk, told);
    return;
  }
  // Nothing to take back, or the base is about to be tried again: go on, or go on waiting.
  if (!about || getTrack(desk.world, base.track)?.planned) {
    placeRun(desk, planned);
    return;
  }
  const others = planned.reasons.filter((r) => r !== about);
  const message = `its base ${reference} was not built: ${base.id} ended ${base.status}`;
  if (others.length === 0) {
    endRun(desk, planned, "Skipped", {
      ended: { code: "base-failed", message: `${message}; the image stays on the last good one` },
    });
    return;
  }
  const noted: Run = {
    ...planned,
    reasons: others,
    notes: [...(planned.notes ?? []), `${message}; built on the last good one`],
  };
  putRun(desk, noted);
  placeRun(desk, noted);
}

/** The net below the plan: whoever was not planned with the wave and stands on an older digest gets a run now. */
function replanIfStale(desk: Desk, track: Track, reference: string, base: Run): void {
  const edge = track.bases.find((b) => b.reference === reference && !b.pinned);
  if (!edge || !follows({ class: edge.class, baseUpdate: track.definition.on.baseUpdate }) || !base.digest) return;
  const lineage = [...(base.lineage ?? []), base.track];
  if (lineage.includes(track.key)) {
    const note = `${track.image} stands on this image and this image on it: a cycle, so it is not built again`;
    if (!base.notes?.includes(note)) putRun(desk, { ...base, notes: [...(base.notes ?? []), note] });
    return;
  }
  const standsOn = bases(desk, track);
  if (!standsOn || standsOn[reference] === base.digest) return;
  const from = standsOn[reference];
  const reason: Reason = { kind: "base", reference, ...(from ? { from } : {}), to: base.digest, run: base.id };
  openRun(desk, track, {
    wanted: { ...track.wanted, occurrence: undefined },
    reasons: [reason],
    cause: { kind: "run", id: base.id },
    waves: base.waves,
    lineage,
  });
}

/** What the track stands on, or will when its run at ACR ends. */
function bases(desk: Desk, track: Track): Readonly<Record<string, string | null>> | undefined {
  if (track.active) {
    const run = getRun(desk.world, track.active.id);
    const attempt = run && desk.world.get<Attempt>(keys.attempt(run.id, run.attempt));
    if (attempt) return attempt.bases;
  }
  return track.built?.bases;
}
