/** A stable tag has one maker: whose it is when several images claim it. */
import type { Desk } from "../run/desk.ts";
import { keys } from "../state/keys.ts";
import type { RefSnapshot, SnapshotImage, Track, TrackPointer } from "../state/rows.ts";

/** Images that claim a stable tag which another track makes. What a track makes already is its own. */
export function withTakenTags(
  desk: Desk,
  snapshot: RefSnapshot,
  images: ReadonlyMap<string, SnapshotImage>,
  tracks: ReadonlyMap<string, Track>,
  leaving: ReadonlySet<string>,
): ReadonlySet<string> {
  const claiming = [...images].filter(([track, { makes }]) => {
    const made = tracks.get(track)?.makes ?? [];
    return makes.some((reference) => !made.includes(reference));
  });
  // Read together what is looked at one by one below.
  desk.world.getAll(claiming.flatMap(([, { makes }]) => makes.map((reference) => keys.makes(reference))));
  const taken = claiming.filter(([track, image]) => takenTag(desk, track, image, snapshot, leaving) !== undefined);
  return new Set(taken.map(([track]) => track));
}

export function tagTaken(reference: string): string {
  return `${reference} is already made by another image or ref`;
}

/**
 * A stable tag of the image that another track makes. Images of one snapshot may exchange tags: it says
 * who makes what from now on. Tracks that are `leaving` make nothing.
 */
export function takenTag(
  desk: Desk,
  trackKey: string,
  image: SnapshotImage,
  snapshot: RefSnapshot,
  leaving?: ReadonlySet<string>,
): string | undefined {
  const makers = desk.world.getAll<TrackPointer>(image.makes.map((m) => keys.makes(m)));
  return image.makes.find((reference, i) => {
    const maker = makers[i]?.track;
    if (maker === undefined || maker === trackKey || leaving?.has(maker)) return false;
    const sibling = snapshot.images.find(({ name }) => keys.track(snapshot.source.id, snapshot.ref, name) === maker);
    return sibling?.makes.includes(reference) ?? true;
  });
}
