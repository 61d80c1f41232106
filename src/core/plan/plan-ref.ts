/**
 * From a ref as it is now to the whole closure that has to be built, bases first (R5). Only what differs from what a track
 * was last planned for counts, so the same snapshot twice plans nothing the second time.
 */
import { buildOrder } from "../graph/build-order.ts";
import type { Desk } from "../run/desk.ts";
import { keys, rangeOf } from "../state/keys.ts";
import type { PlanItem, Progress, RefSnapshot, SnapshotImage, Track, Via } from "../state/rows.ts";
import { countSkipped, noProgress } from "./progress.ts";

/** What an edge says about the dependent, so that a closure need not read tracks it only passes. */
export interface Edge {
  readonly track: string;
  readonly class: "runtime" | "buildtime" | "frontend";
  readonly baseUpdate: "all" | "runtime" | "off";
}

const manyTracks = 100_000;

/** Whether a rebuilt base rebuilds this dependent. */
export function follows(edge: Pick<Edge, "class" | "baseUpdate">): boolean {
  return edge.baseUpdate === "all" || (edge.baseUpdate === "runtime" && edge.class === "runtime");
}

export function tracksOfRef(desk: Desk, snapshot: RefSnapshot): readonly Track[] {
  return desk.world
    .range<Track>(rangeOf("track", String(snapshot.source.id), snapshot.ref), manyTracks)
    .map((r) => r.value);
}

export function planRef(
  desk: Desk,
  snapshot: RefSnapshot,
): { readonly plan: readonly PlanItem[]; readonly progress: Progress } {
  let progress = noProgress;
  const tracks = new Map(tracksOfRef(desk, snapshot).map((t) => [t.key, t]));
  const trackKeyOf = (image: string) => keys.track(snapshot.source.id, snapshot.ref, image);

  for (const refusal of snapshot.refused)
    progress = countSkipped(progress, refusal.reason, refusal.image, refusal.message);

  const images = new Map(snapshot.images.map((i) => [trackKeyOf(i.name), i]));
  const changed = [...images]
    .filter(([trackKey, image]) => differs(tracks.get(trackKey), image))
    .map(([trackKey]) => trackKey);
  const closure = closureOf(desk, images, tracks, changed);

  const items = new Map<string, PlanItem>();
  for (const [track, via] of closure) {
    const image = images.get(track);
    if (image) items.set(track, { kind: "take", track, image: image.name, via });
    else items.set(track, { kind: "dependent", track, image: desk.world.get<Track>(track)?.image ?? "", via });
  }
  for (const [trackKey, image] of images)
    if (!items.has(trackKey)) progress = countSkipped(progress, "nothing-changed", image.name);

  const kept = new Set([...images.keys(), ...snapshot.refused.map((r) => trackKeyOf(r.image))]);
  const retired = [...tracks.values()].filter((t) => !kept.has(t.key));
  const order = buildOrder(
    [...items.values()].map((i) => ({ id: i.track, standsOn: "via" in i ? i.via.map((v) => v.track) : [] })),
  );
  return {
    plan: [
      ...retired.map((t): PlanItem => ({ kind: "retire", track: t.key, image: t.image })),
      ...order.map((track) => items.get(track)!),
    ],
    progress,
  };
}

/** Whether an image has to be taken: built, or its record put right. */
function differs(track: Track | undefined, image: SnapshotImage): boolean {
  return (
    track === undefined ||
    track.wanted.inputs !== image.inputs ||
    JSON.stringify(track.definition) !== JSON.stringify(image.definition) ||
    JSON.stringify(track.bases) !== JSON.stringify(image.bases)
  );
}

/** Everything that stands on what changed, with the tags through which it does. Reads one range per tag that is rebuilt. */
function closureOf(
  desk: Desk,
  images: ReadonlyMap<string, SnapshotImage>,
  tracks: ReadonlyMap<string, Track>,
  changed: readonly string[],
): Map<string, Via[]> {
  const closure = new Map<string, Via[]>(changed.map((t) => [t, []]));
  const open = [...changed];
  for (let i = 0; i < open.length; i++) {
    const maker = open[i]!;
    const makes = images.get(maker)?.makes ?? tracks.get(maker)?.makes ?? desk.world.get<Track>(maker)?.makes ?? [];
    for (const reference of makes)
      for (const dependent of dependentsOf(desk, images, reference)) {
        if (dependent === maker) continue;
        const via = closure.get(dependent);
        if (via) via.push({ reference, track: maker });
        else {
          closure.set(dependent, [{ reference, track: maker }]);
          open.push(dependent);
        }
      }
  }
  return closure;
}

/** The snapshot speaks for its own images; edges in storage speak for everyone else's. */
function dependentsOf(desk: Desk, images: ReadonlyMap<string, SnapshotImage>, reference: string): readonly string[] {
  const inSnapshot = [...images].filter(([, image]) =>
    image.bases.some(
      (b) =>
        !b.pinned &&
        b.reference === reference &&
        follows({ class: b.class, baseUpdate: image.definition.on.baseUpdate }),
    ),
  );
  const stored = desk.world
    .range<Edge>(rangeOf("base", reference), manyTracks)
    .filter((e) => follows(e.value) && !images.has(e.value.track));
  return [...inSnapshot.map(([track]) => track), ...stored.map((e) => e.value.track)];
}
