/** A track that is to be built although no ref moved: asked for by a person, or found to stand on an old base. */
import { type Desk, getRun, getTrack, refName } from "../run/desk.ts";
import { isTerminal } from "../run/transition.ts";
import { rangeOf } from "../state/keys.ts";
import type { Inbox, PlanItem, Progress, Track, TrackPointer } from "../state/rows.ts";
import { closureOf, levelsOf } from "./closure.ts";
import { keepsFailing } from "./keeps-failing.ts";
import type { Plan } from "./plan-ref.ts";
import { countLeft, countSkipped, noProgress } from "./progress.ts";
import type { SkipReason } from "./reason.ts";

export type RequestWord = Extract<Inbox, { kind: "retry-requested" | "rebuild-requested" }>;

/** More refs than this are rebuilt by name only. */
const refsAtOnce = 20;

export function planRequest(desk: Desk, word: RequestWord): Plan {
  const found = word.kind === "retry-requested" ? trackOfRun(desk, word.run) : tracksToRebuild(desk, word);
  return "skipped" in found ? { plan: [], progress: found } : planTracks(desk, found);
}

/** What keeps failing waits for a commit or a person, so a run that one of them set off is planned again all the same. */
export function planStale(desk: Desk, word: Inbox & { kind: "track-stale" }): Plan {
  const track = getTrack(desk.world, word.track);
  const mayBePlanned = track && !track.retired && (!keepsFailing(track) || word.reasons.some((r) => r.kind !== "base"));
  return mayBePlanned ? planTracks(desk, [track]) : { plan: [], progress: noProgress };
}

/** What stands on it is planned with it, so that a diamond's end is built once here too. */
function planTracks(desk: Desk, tracks: readonly Track[]): Plan {
  const own = new Map(tracks.map((t) => [t.key, t.image]));
  const { tracks: closure, left } = closureOf(desk, [...own.keys()]);
  const levels = levelsOf(closure);
  const plan = [...closure].map(([track, via]): PlanItem => {
    const image = own.get(track);
    const level = levels.get(track)!;
    if (image !== undefined) return { kind: "self", track, image, level };
    return { kind: "dependent", track, image: desk.world.get<Track>(track)?.image ?? "", via, level };
  });
  return { plan, progress: countLeft(noProgress, left) };
}

function trackOfRun(desk: Desk, runId: string): readonly Track[] | Progress {
  const run = getRun(desk.world, runId);
  if (!run) return refuse("run-not-found", `there is no run ${runId}`);
  if (!isTerminal(run.status)) return refuse("already-planned", `${run.id} has not ended: it is ${run.status}`);
  const track = getTrack(desk.world, run.track);
  return track && !track.retired
    ? [track]
    : refuse("image-removed", `${run.image} is no longer built from ${refName(run.ref)}`);
}

function tracksToRebuild(desk: Desk, word: RequestWord & { kind: "rebuild-requested" }): readonly Track[] | Progress {
  const found = desk.world
    .range<TrackPointer>(rangeOf("image", word.image), 1000)
    .flatMap((r) => getTrack(desk.world, r.value.track) ?? [])
    .filter(
      (t) =>
        (word.ref === undefined || t.ref === word.ref) &&
        (word.sourceId === undefined || t.source.id === word.sourceId),
    );
  if (found.length > refsAtOnce)
    return refuse("image-not-found", `${found.length} refs build ${word.image}: name one with ref`);
  if (found.length === 0)
    return refuse("image-not-found", `no image ${word.image}${word.ref ? ` is built from ${word.ref}` : ""}`);
  return found;
}

function refuse(reason: SkipReason, message: string): Progress {
  return countSkipped(noProgress, reason, undefined, message);
}
