/**
 * From a ref as it is now to the whole closure that has to be built, bases first (R5). Only what differs from what a track
 * was last planned for counts, so the same snapshot twice plans nothing the second time.
 */
import type { Desk } from "../run/desk.ts";
import { keys, rangeOf } from "../state/keys.ts";
import type { PlanItem, Progress, RefSnapshot, SnapshotImage, Track } from "../state/rows.ts";
import { closureOf, followsMore, levelsOf } from "./closure.ts";
import { countLeft, countSkipped, noProgress } from "./progress.ts";
import { tagTaken, withTakenTags } from "./taken-tag.ts";

export interface Plan {
  readonly plan: readonly PlanItem[];
  readonly progress: Progress;
}

const manyTracks = 100_000;

export function planRef(desk: Desk, snapshot: RefSnapshot): Plan {
  const ofRef = desk.world.range<Track>(rangeOf("track", String(snapshot.source.id), snapshot.ref), manyTracks);
  const tracks = new Map(ofRef.filter((r) => !r.value.retired).map((r) => [r.key, r.value]));
  const trackKeyOf = (image: string) => keys.track(snapshot.source.id, snapshot.ref, image);
  const all = new Map(snapshot.images.map((i) => [trackKeyOf(i.name), i]));
  const kept = new Set([...all.keys(), ...snapshot.refused.map((r) => trackKeyOf(r.image))]);
  const retired = [...tracks.values()].filter((t) => !kept.has(t.key));
  const taken = withTakenTags(desk, all, tracks, (track) => tracks.has(track) && !kept.has(track));
  // What cannot be taken sets off nothing; one that was built before stays as it was.
  const images = new Map([...all].filter(([track]) => !taken.has(track)));

  const built = [...images].filter(([track, image]) => isBuiltAnew(tracks.get(track), image)).map(([track]) => track);
  const { tracks: closure, left } = closureOf(desk, built, images);
  const levels = levelsOf(closure);
  const items = [...closure].map(([track, via]): PlanItem => {
    const image = images.get(track);
    const level = levels.get(track)!;
    if (image) return { kind: "take", track, image: image.name, via, level };
    return { kind: "dependent", track, image: desk.world.get<Track>(track)?.image ?? "", via, level };
  });

  let progress = snapshot.refused.reduce((p, r) => countSkipped(p, r.reason, r.image, r.message), noProgress);
  // One that was built from this ref until now is retired, which says so.
  for (const name of snapshot.unwatched ?? [])
    if (!tracks.has(trackKeyOf(name))) progress = countSkipped(progress, "ref-not-watched", name);
  for (const [track, image] of images) {
    if (closure.has(track)) continue;
    // Nothing to build, but its owner, triggers or bases may be described otherwise now.
    if (isDescribedAnew(tracks.get(track)!, image)) items.push({ kind: "take", track, image: image.name, via: [] });
    else if (!left.has(track)) progress = countSkipped(progress, "nothing-changed", image.name);
  }
  progress = countLeft(progress, left);
  const leaving = retired.map((t): PlanItem => ({ kind: "retire", track: t.key, image: t.image }));
  const refused = [...taken].map(
    ([track, tag]): PlanItem => ({ kind: "refuse", track, image: all.get(track)!.name, message: tagTaken(tag) }),
  );
  return { plan: [...leaving, ...refused, ...items], progress };
}

/** Or may have to be: what it follows from now on may have moved while it did not, and is looked at when it is released. */
function isBuiltAnew(track: Track | undefined, image: SnapshotImage): boolean {
  return (
    track === undefined ||
    track.wanted.inputs !== image.inputs ||
    track.wanted.definition !== image.definitionKey ||
    followsMore(track.definition.on.baseUpdate, image.definition.on.baseUpdate)
  );
}

function isDescribedAnew(track: Track, image: SnapshotImage): boolean {
  return (
    JSON.stringify(track.definition) !== JSON.stringify(image.definition) ||
    JSON.stringify(track.bases) !== JSON.stringify(image.bases) ||
    JSON.stringify(track.notes) !== JSON.stringify(image.notes) ||
    JSON.stringify(track.makes) !== JSON.stringify(image.makes)
  );
}
