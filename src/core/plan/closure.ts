/** Everything that stands on what is going to be built, however many levels up: a plan holds the whole of it at once (R5). */
import { buildOrder } from "../graph/build-order.ts";
import type { Desk } from "../run/desk.ts";
import { lastSegment, rangeOf } from "../state/keys.ts";
import type { SnapshotImage, Track, Via } from "../state/rows.ts";
import { keepsFailing } from "./keeps-failing.ts";
import type { SkipReason } from "./reason.ts";

/** What an edge says about the dependent, so that a closure need not read tracks it only passes. */
export interface Edge {
  readonly track: string;
  /** Canonical and whole; in the key a long one is shortened. */
  readonly reference: string;
  readonly class: "runtime" | "buildtime" | "frontend";
  readonly baseUpdate: "all" | "runtime" | "off";
}

const manyTracks = 100_000;

/** Whether a rebuilt base rebuilds this dependent. */
export function follows(edge: Pick<Edge, "class" | "baseUpdate">): boolean {
  return edge.baseUpdate === "all" || (edge.baseUpdate === "runtime" && edge.class === "runtime");
}

const reach = { off: 0, runtime: 1, all: 2 } as const;

/** Whether bases are followed that were not before. */
export function followsMore(before: Edge["baseUpdate"], now: Edge["baseUpdate"]): boolean {
  return reach[now] > reach[before];
}

export function edgesOf(desk: Desk, references: readonly string[]): readonly (readonly Edge[])[] {
  const ranges = references.map((reference) => rangeOf("base", reference));
  return desk.world.ranges<Edge>(ranges, manyTracks).map((rows) => rows.map((r) => r.value));
}

/** An image that stands on one of a closure and is not built for it. */
export interface Left {
  readonly image: string;
  readonly reason: SkipReason;
  readonly message: string;
}

export interface Closure {
  /** Track keys in build order, each with the tags through which it is reached. */
  readonly tracks: ReadonlyMap<string, readonly Via[]>;
  /** By track key. */
  readonly left: ReadonlyMap<string, Left>;
}

/**
 * `images` are images of a snapshot by track key: the snapshot speaks for them, edges in storage for everyone else. A level
 * of the graph is read in one round.
 */
export function closureOf(
  desk: Desk,
  changed: readonly string[],
  images: ReadonlyMap<string, SnapshotImage> = new Map(),
): Closure {
  const closure = new Map<string, Via[]>(changed.map((t) => [t, []]));
  const left = new Map<string, Left>();
  const own = new Set(changed);
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
    const reach = (dependent: string, by: Via) => {
      const via = closure.get(dependent);
      if (via) via.push(by);
      else {
        closure.set(dependent, [by]);
        next.push(dependent);
      }
    };
    for (const [i, { maker, reference }] of made.entries()) {
      const track = tracks.get(maker);
      const isBuilt = track === undefined || own.has(maker) || !keepsFailing(track);
      const stored = edges[i]!.filter((edge) => !images.has(edge.track));
      for (const edge of [...(fromSnapshot.get(reference) ?? []), ...stored]) {
        if (edge.track === maker) continue;
        // A track key ends with the image's name: it is said without the row being read.
        const image = lastSegment(edge.track);
        if (!follows(edge)) left.set(edge.track, { image, ...notFollowed(edge.class) });
        else if (isBuilt) reach(edge.track, { reference, track: maker });
        else left.set(edge.track, { image, ...notBuilt(reference) });
      }
    }
    level = next;
  }
  for (const track of closure.keys()) left.delete(track);
  const order = buildOrder([...closure].map(([id, via]) => ({ id, standsOn: via.map((v) => v.track) })));
  return { tracks: new Map(order.map((track) => [track, closure.get(track)!])), left };
}

export function notFollowed(dependency: string): Pick<Left, "reason" | "message"> {
  return { reason: "base-update-off", message: `base_update does not follow ${dependency} bases here` };
}

function notBuilt(reference: string): Pick<Left, "reason" | "message"> {
  return { reason: "keeps-failing", message: `its base ${reference} keeps failing and is not built` };
}

/** How many images of the closure lie below each: its longest way down, `lowest` for those that stand on none of it. */
export function levelsOf(closure: ReadonlyMap<string, readonly Via[]>, lowest = 0): ReadonlyMap<string, number> {
  const levels = new Map<string, number>();
  // In build order, so what an image stands on has its level already, unless they stand on each other.
  for (const [track, via] of closure)
    levels.set(
      track,
      via.reduce((level, v) => Math.max(level, (levels.get(v.track) ?? lowest - 1) + 1), lowest),
    );
  return levels;
}

function dependentsBySnapshot(images: ReadonlyMap<string, SnapshotImage>): ReadonlyMap<string, readonly Edge[]> {
  const dependents = new Map<string, Edge[]>();
  for (const [track, image] of images)
    for (const base of image.bases) {
      if (base.pinned) continue;
      const edge: Edge = {
        track,
        reference: base.reference,
        class: base.class,
        baseUpdate: image.definition.on.baseUpdate,
      };
      const known = dependents.get(base.reference);
      if (known) known.push(edge);
      else dependents.set(base.reference, [edge]);
    }
  return dependents;
}
