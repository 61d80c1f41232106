/** Where a ref is, as far as its images have been taken from it. */
import { type Desk, isoOf } from "../run/desk.ts";
import { keys } from "../state/keys.ts";
import type { AcceptedRef, Inbox, RefSnapshot, Track, Wanted } from "../state/rows.ts";

/**
 * What a track wants, from the head of its ref: its content is the same there, and the newest commit is what people look at
 * and what a rebase leaves. A run that is planned already keeps its commit.
 */
export function wantedAtHead(desk: Desk, track: Track): Wanted {
  const head = track.planned ? undefined : acceptedOf(desk, track);
  const isThere = head?.commit && head.taken && !head.refused?.includes(track.image);
  return isThere ? { ...track.wanted, commit: head.commit! } : track.wanted;
}

/** The reading is followed from now on; its images are still to be taken from it. */
export function acceptHead(desk: Desk, { snapshot, id }: Inbox & { kind: "ref-moved" }): void {
  desk.world.put(keyOf(snapshot), {
    generation: snapshot.generation,
    by: id,
    commit: snapshot.commit ?? null,
    at: isoOf(desk.now),
    refused: snapshot.refused.map((r) => r.image),
  } satisfies AcceptedRef);
}

export function markTaken(desk: Desk, snapshot: RefSnapshot): void {
  const head = acceptedOf(desk, snapshot);
  if (head) desk.world.put(keyOf(snapshot), { ...head, taken: true } satisfies AcceptedRef);
}

/** An image that was found not to be takeable from it after all. */
export function refuseAtHead(desk: Desk, snapshot: RefSnapshot, image: string): void {
  const head = acceptedOf(desk, snapshot);
  if (head)
    desk.world.put(keyOf(snapshot), { ...head, refused: [...(head.refused ?? []), image] } satisfies AcceptedRef);
}

export function acceptedOf(desk: Desk, of: Pick<Track, "source" | "ref">): AcceptedRef | undefined {
  return desk.world.get<AcceptedRef>(keyOf(of));
}

function keyOf({ source, ref }: Pick<Track, "source" | "ref">): string {
  return keys.acceptedRef(source.id, ref);
}
