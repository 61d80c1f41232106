/** Carries out one item of a plan: brings the track up to date with the snapshot and opens the run it needs. */
import { describeDefinitionChange } from "../config/definition-hash.ts";
import { inputPaths } from "../config/inputs.ts";
import type { Desk } from "../run/desk.ts";
import { getRun, getTrack } from "../run/desk.ts";
import { endRun } from "../run/transition.ts";
import { keys } from "../state/keys.ts";
import type { Base, PlanItem, RefSnapshot, Run, SnapshotImage, Track, Via, Wanted } from "../state/rows.ts";
import { openRun } from "./open-run.ts";
import type { Edge } from "./plan-ref.ts";
import type { Cause, Reason, SkipReason } from "./reason.ts";

export type ItemOutcome =
  | { readonly kind: "planned"; readonly run: Run }
  | { readonly kind: "skipped"; readonly reason: SkipReason; readonly message?: string };

export interface PlanContext {
  readonly cause: Cause;
  readonly wave: string;
}

export function takeImage(
  desk: Desk,
  item: PlanItem & { kind: "take" },
  snapshot: RefSnapshot,
  context: PlanContext,
): ItemOutcome {
  const image = snapshot.images.find((i) => i.name === item.image)!;
  const before = getTrack(desk.world, item.track);
  const taken = desk.world
    .getAll<{ track: string }>(image.makes.map((m) => keys.makes(m)))
    .findIndex((m) => m !== undefined && m.track !== item.track);
  if (taken >= 0)
    return {
      kind: "skipped",
      reason: "tag-taken",
      message: `${image.makes[taken]} is already made by another image or ref`,
    };

  const wanted: Wanted = { commit: snapshot.commit!, inputs: image.inputs, definition: image.definitionKey };
  const reasons = reasonsFor(desk, before, image, snapshot, item.via);
  const track: Track = {
    key: item.track,
    source: snapshot.source,
    ref: snapshot.ref,
    image: image.name,
    definition: image.definition,
    dockerfileSha: image.dockerfileSha,
    bases: image.bases,
    makes: image.makes,
    wanted: before && reasons.length === 0 ? before.wanted : wanted,
    ...(before?.built ? { built: before.built } : {}),
    ...(before?.planned ? { planned: before.planned } : {}),
    ...(before?.active ? { active: before.active } : {}),
    failures: before && before.wanted.inputs === image.inputs ? before.failures : 0,
  };
  desk.world.put(track.key, track);
  if (!before) desk.world.put(keys.imageTrack(track.image, track.source.id, track.ref), { track: track.key });
  moveEdges(desk, track, before?.bases ?? []);
  moveMakes(desk, track, before?.makes ?? []);
  if (reasons.length === 0) return { kind: "skipped", reason: "nothing-changed" };
  const { run } = openRun(desk, track, { wanted, reasons, cause: causeOf(reasons, context), waves: [context.wave] });
  return { kind: "planned", run };
}

/** A track elsewhere that stands on an image of this plan is rebuilt at the head of its own ref. */
export function takeDependent(desk: Desk, item: PlanItem & { kind: "dependent" }, context: PlanContext): ItemOutcome {
  const track = getTrack(desk.world, item.track);
  if (!track) return { kind: "skipped", reason: "image-removed" };
  const reasons = baseReasons(desk, track, item.via);
  const wanted: Wanted = { ...track.wanted, occurrence: undefined };
  const { run } = openRun(desk, track, { wanted, reasons, cause: causeOf(reasons, context), waves: [context.wave] });
  return { kind: "planned", run };
}

/** Forgets a track; what it built stays in the registry and its runs stay in the history. */
export function retireTrack(desk: Desk, trackKey: string, reason: "ref-deleted" | "image-removed"): ItemOutcome {
  const track = getTrack(desk.world, trackKey);
  if (track) {
    const planned = track.planned && getRun(desk.world, track.planned.id);
    if (planned) {
      const message = reason === "ref-deleted" ? `${track.ref} was deleted` : `${track.image} left slipway.yaml`;
      endRun(desk, planned, "Skipped", { ended: { code: reason, message } });
    }
    moveEdges(desk, { ...track, bases: [] }, track.bases);
    moveMakes(desk, { ...track, makes: [] }, track.makes);
    desk.world.remove(keys.imageTrack(track.image, track.source.id, track.ref));
    desk.world.remove(trackKey);
  }
  return { kind: "skipped", reason };
}

function reasonsFor(
  desk: Desk,
  before: Track | undefined,
  image: SnapshotImage,
  snapshot: RefSnapshot,
  via: readonly Via[],
): readonly Reason[] {
  const reasons: Reason[] = [];
  if (!before) reasons.push({ kind: "first-build" });
  else {
    if (before.wanted.inputs !== image.inputs) {
      const isInput = inputPaths(image.definition);
      reasons.push({
        kind: "commit",
        from: before.wanted.commit,
        to: snapshot.commit!,
        paths: snapshot.changedPaths.filter(isInput).slice(0, 10),
      });
    }
    if (before.wanted.definition !== image.definitionKey)
      reasons.push({
        kind: "definition",
        changes: describeDefinitionChange(before.wanted.definition, image.definitionKey),
      });
  }
  return [...reasons, ...baseReasons(desk, before, via)];
}

function baseReasons(desk: Desk, track: Track | undefined, via: readonly Via[]): readonly Reason[] {
  return via.map(({ reference, track: makerKey }): Reason => {
    const maker = getTrack(desk.world, makerKey);
    const from = track?.built?.bases[reference];
    const run = maker?.planned?.id;
    return { kind: "base", reference, ...(from ? { from } : {}), ...(run ? { run } : {}) };
  });
}

/** An image with a reason of its own was set off by the event; one that only follows its bases, by the run of the first. */
function causeOf(reasons: readonly Reason[], context: PlanContext): Cause {
  if (reasons.some((r) => r.kind !== "base")) return context.cause;
  const base = reasons.find((r) => r.kind === "base" && r.run !== undefined);
  return base?.kind === "base" && base.run ? { kind: "run", id: base.run } : context.cause;
}

function moveEdges(desk: Desk, track: Track, before: readonly Base[]): void {
  const now = new Map(track.bases.filter((b) => !b.pinned).map((b) => [b.reference, b]));
  for (const base of before)
    if (!base.pinned && !now.has(base.reference)) desk.world.remove(keys.base(base.reference, track.key));
  for (const base of now.values())
    desk.world.put(keys.base(base.reference, track.key), {
      track: track.key,
      class: base.class,
      baseUpdate: track.definition.on.baseUpdate,
    } satisfies Edge);
}

function moveMakes(desk: Desk, track: Track, before: readonly string[]): void {
  for (const reference of before) if (!track.makes.includes(reference)) desk.world.remove(keys.makes(reference));
  for (const reference of track.makes)
    if (!before.includes(reference)) desk.world.put(keys.makes(reference), { track: track.key });
}
