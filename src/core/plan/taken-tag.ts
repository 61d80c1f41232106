/** A stable tag has one maker: whose it is when several images claim it. */
import type { Desk } from "../run/desk.ts";
import { keys } from "../state/keys.ts";
import type { SnapshotImage, Track, TrackPointer } from "../state/rows.ts";

export function tagTaken(reference: string): string {
  return `${reference} is already made by another image or ref`;
}

/** What a ref says of its images, by track key. */
export interface Claims {
  /** The stable tags of those that are built from it. */
  readonly makes: ReadonlyMap<string, readonly string[]>;
  /** Images that it no longer has. */
  isLeaving(track: string): boolean;
}

/** Whether somebody else keeps it. Images of one ref may exchange tags: what they claim is what they make from now on. */
export function isTaken(reference: string, by: string, maker: string | undefined, claims: Claims): boolean {
  if (maker === undefined || maker === by || claims.isLeaving(maker)) return false;
  return claims.makes.get(maker)?.includes(reference) ?? true;
}

/**
 * The images that cannot be taken, each with a tag that is another's. Who is refused keeps what it made, so that others may
 * have to be refused for it.
 */
export function withTakenTags(
  desk: Desk,
  images: ReadonlyMap<string, SnapshotImage>,
  tracks: ReadonlyMap<string, Track>,
  isLeaving: Claims["isLeaving"],
): ReadonlyMap<string, string> {
  // What a track makes already is its own.
  const claimed = [...images].flatMap(([track, { makes }]) =>
    makes.filter((tag) => !tracks.get(track)?.makes.includes(tag)).map((tag) => ({ track, tag })),
  );
  const makers = desk.world.getAll<TrackPointer>(claimed.map(({ tag }) => keys.makes(tag)));
  const makes = new Map([...images].map(([track, image]) => [track, image.makes]));
  const refused = new Map<string, string>();
  for (let before = -1; before < refused.size; ) {
    before = refused.size;
    for (const [i, { track, tag }] of claimed.entries()) {
      if (refused.has(track) || !isTaken(tag, track, makers[i]?.track, { makes, isLeaving })) continue;
      refused.set(track, tag);
      makes.delete(track);
    }
  }
  return refused;
}
