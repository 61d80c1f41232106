/** A tag has another digest behind it: whoever stands on it is built again, at the head of its own ref, with all that stands on that. */
import { type Desk, getRun, getTrack, seqOf } from "../run/desk.ts";
import { keys } from "../state/keys.ts";
import type { Inbox, PlanItem, Progress, Track } from "../state/rows.ts";
import { standsOn } from "./base-ended.ts";
import { closureOf, edgesOf, follows, levelsOf, notFollowed } from "./closure.ts";
import { keepsFailing, keepsFailingMessage } from "./keeps-failing.ts";
import type { Plan } from "./plan-ref.ts";
import { countLeft, countSkipped, noProgress } from "./progress.ts";
import type { SkipReason } from "./reason.ts";

export type TagMoved = Inbox & { kind: "tag-moved" };

export function planTagMoved(desk: Desk, word: TagMoved): Plan {
  const nothing = (reason: SkipReason, message: string): Plan => ({
    plan: [],
    progress: countSkipped(noProgress, reason, undefined, message),
  });
  const edges = edgesOf(desk, [word.reference])[0]!;
  if (edges.length === 0) return nothing("base-not-followed", `no image stands on ${word.reference}`);

  const tracks = desk.world.getAll<Track>(edges.map((e) => e.track));
  // Read together what is looked at one by one below.
  desk.world.getAll(tracks.flatMap((t) => (t?.planned ? [keys.run(seqOf(t.planned.id))] : [])));
  let progress: Progress = noProgress;
  const stale = new Map<string, Track>();
  for (const [i, edge] of edges.entries()) {
    const track = tracks[i];
    if (!track || track.retired) continue;
    const skip = !follows(edge) ? notFollowed(edge.class) : (inCycle(track, word) ?? whyNot(desk, track, word));
    if (skip) progress = countSkipped(progress, skip.reason, track.image, skip.message);
    else stale.set(track.key, track);
  }
  const { tracks: closure, left } = closureOf(desk, [...stale.keys()]);
  const levels = levelsOf(closure, 1);
  const plan = [...closure].map(([track, via]): PlanItem => {
    const level = levels.get(track)!;
    const moved = stale.get(track);
    if (moved) return { kind: "moved", track, image: moved.image, via, level };
    return { kind: "dependent", track, image: getTrack(desk.world, track)?.image ?? "", via, level };
  });
  return { plan, progress: countLeft(progress, left) };
}

/** Images of two registries may stand on each other; each hears of the other by events, and would for ever. */
function inCycle(track: Track, { lineage, reference }: TagMoved) {
  if (!lineage?.includes(track.key)) return undefined;
  const message = `${track.image} stands on ${reference} and was built for it to move: a cycle, so it is not built again`;
  return { reason: "cycle", message } as const;
}

function whyNot(
  desk: Desk,
  track: Track,
  word: TagMoved,
): { readonly reason: SkipReason; readonly message?: string } | undefined {
  const on = standsOn(desk, track)?.[word.reference];
  const tried = track.tried?.[word.reference];
  // Its last build is of something older, and what there is to build now was tried on another digest.
  const isUntried = track.tried !== undefined && tried !== word.digest && !track.active && !isOfNow(track);
  if (on === word.digest && !isUntried)
    return waitsToFollow(desk, track, word) ? undefined : { reason: "nothing-changed" };
  if (tried === word.digest) return { reason: "nothing-changed", message: "was tried on this digest, in vain" };
  if (on === undefined && track.planned) return { reason: "already-planned" };
  if (keepsFailing(track)) return { reason: "keeps-failing", message: keepsFailingMessage };
  // Not known to stand on anything, nor to have been tried on anything: only a move that was seen is news.
  if (!on && tried === undefined && word.from === undefined && !track.built) return { reason: "base-first-seen" };
  return undefined;
}

function isOfNow({ built, wanted }: Track): boolean {
  return built?.inputs === wanted.inputs && built.definition === wanted.definition;
}

/** Planned because the tag had moved away, it may be held by a stopped wave: that the tag is back lets it go, and end. */
function waitsToFollow(desk: Desk, track: Track, { reference }: TagMoved): boolean {
  const planned = track.planned && getRun(desk.world, track.planned.id);
  return planned?.reasons.some((r) => r.kind === "base" && r.reference === reference) ?? false;
}
