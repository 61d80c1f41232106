/** Everything that stands on what is going to be built, however many levels up: a plan holds the whole of it at once (R5). */
import { buildOrder } from "../graph/build-order.ts";
import type { Desk } from "../run/desk.ts";
import { rangeOf } from "../state/keys.ts";
import type { SnapshotImage, Track, Via } from "../state/rows.ts";

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

export function edgesOf(desk: Desk, references: readonly string[]): readonly (readonly Edge[])[] {
  const ranges = references.map((reference) => rangeOf("base", reference));
  return desk.world.ranges<Edge>(ranges, manyTracks).map((rows) => rows.map((r) => r.value));
}

/**
 * Track keys in build order, each with the tags through which it is reached. `images` are images of a snapshot by track
 * key: the snapshot speaks for them, edges in storage for everyone else. A level of the graph is read in one round.
 */
export function closureOf(
  desk: Desk,
  changed: readonly string[],
  images: ReadonlyMap<string, SnapshotImage> = new Map(),
): ReadonlyMap<string, readonly Via[]> {
  const closure = new Map<string, Via[]>(changed.map((t) => [t, []]));
  const fromSnapshot = dependentsBySnapshot(images);
  for (let level = [...changed]; level.length > 0; ) {
    const stored = level.filter((t) => !images.has(t));
    const tracks = new Map(desk.world.getAll<Track>(stored).flatMap((t) => (t ? [[t.key, t] as const] : [])));
    const made = level.flatMap((maker) =>
      (images.get(maker)?.makes ?? tracks.get(maker)?.makes ?? []).map((reference) => ({ maker, reference })),
    );
    const edges = edgesOf(
      desk,
      made.map((m) => m.reference),
    );
    const next: string[] = [];
    for (const [i, { maker, reference }] of made.entries()) {
      const elsewhere = edges[i]!.filter((e) => follows(e) && !images.has(e.track)).map((e) => e.track);
      for (const dependent of [...(fromSnapshot.get(reference) ?? []), ...elsewhere]) {
        if (dependent === maker) continue;
        const via = closure.get(dependent);
        if (via) via.push({ reference, track: maker });
        else {
          closure.set(dependent, [{ reference, track: maker }]);
          next.push(dependent);
        }
      }
    }
    level = next;
  }
  const order = buildOrder([...closure].map(([id, via]) => ({ id, standsOn: via.map((v) => v.track) })));
  return new Map(order.map((track) => [track, closure.get(track)!]));
}

function dependentsBySnapshot(images: ReadonlyMap<string, SnapshotImage>): ReadonlyMap<string, readonly string[]> {
  const dependents = new Map<string, string[]>();
  for (const [track, image] of images)
    for (const base of image.bases) {
      if (base.pinned || !follows({ class: base.class, baseUpdate: image.definition.on.baseUpdate })) continue;
      const known = dependents.get(base.reference);
      if (known) known.push(track);
      else dependents.set(base.reference, [track]);
    }
  return dependents;
}
