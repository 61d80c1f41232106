/** Carries out one item of a plan: brings the track up to date with what was read and opens the run it needs. */
import { describeDefinitionChange } from "../config/definition-hash.ts";
import { inputPaths } from "../config/inputs.ts";
import { type Desk, getRun, getTrack } from "../run/desk.ts";
import { endRun } from "../run/transition.ts";
import { keys } from "../state/keys.ts";
import type {
  Base,
  Inbox,
  PlanItem,
  Priority,
  RefSnapshot,
  Run,
  SnapshotImage,
  Track,
  TrackPointer,
  Via,
  Wanted,
} from "../state/rows.ts";
import { standsOn } from "./base-ended.ts";
import { type Edge, followsMore } from "./closure.ts";
import { wantedAtHead } from "./head.ts";
import { keepsFailing, keepsFailingMessage } from "./keeps-failing.ts";
import { openRun } from "./open-run.ts";
import type { RequestWord } from "./plan-request.ts";
import type { Cause, Reason, SkipReason } from "./reason.ts";

export type ItemOutcome =
  | { readonly kind: "planned"; readonly run: Run }
  | { readonly kind: "skipped"; readonly reason: SkipReason; readonly message?: string };

export interface PlanContext {
  readonly cause: Cause;
  readonly waves: readonly string[];
  /** The waves are those of the run before, not news of their own. */
  readonly inherits: boolean;
  /** See Run.lineage. */
  readonly lineage?: readonly string[] | undefined;
  readonly priority: Priority;
  /** Items of the plan that may become runs. */
  readonly size: number;
}

/** An image of a snapshot: new, changed, standing on one that is, or only described otherwise. */
export function takeImage(
  desk: Desk,
  item: PlanItem & { kind: "take" },
  snapshot: RefSnapshot,
  context: PlanContext,
): ItemOutcome {
  const image = snapshot.images.find((i) => i.name === item.image)!;
  const stored = getTrack(desk.world, item.track);
  const before = stored?.retired ? undefined : stored;
  const wanted: Wanted = { commit: snapshot.commit!, inputs: image.inputs, definition: image.definitionKey };
  const own = ownReasons(before, image, snapshot);
  const reasons = [...own, ...baseReasons(desk, before, item.via)];
  const track: Track = {
    key: item.track,
    source: snapshot.source,
    ref: snapshot.ref,
    image: image.name,
    definition: image.definition,
    dockerfileSha: image.dockerfileSha,
    bases: image.bases,
    ...(image.notes ? { notes: image.notes } : {}),
    makes: image.makes,
    wanted: before && reasons.length === 0 ? before.wanted : wanted,
    ...(before?.built ? { built: before.built } : {}),
    ...(before?.planned ? { planned: before.planned } : {}),
    // Also of a track that was retired meanwhile: its run is still at ACR, and a track has one there at most.
    ...(stored?.active ? { active: stored.active } : {}),
    failures:
      before?.wanted.inputs === image.inputs && before.wanted.definition === image.definitionKey ? before.failures : 0,
    ...(before?.harmed ? { harmed: before.harmed } : {}),
    ...(before?.listIsOther ? { listIsOther: true } : {}),
    // Only described otherwise, it has been asked nothing new; and what its bases ask for may be declined.
    ...(before && reasons.length === 0 ? keptOf(before) : {}),
    ...(before?.declined && own.length === 0 ? { declined: before.declined } : {}),
  };
  desk.world.put(track.key, track);
  const pointer: TrackPointer = { track: track.key };
  if (!before) desk.world.put(keys.imageTrack(track.image, track.source.id, track.ref), pointer);
  moveEdges(desk, track, before?.bases ?? []);
  moveMakes(desk, track, before?.makes ?? []);
  if (reasons.length === 0) return { kind: "skipped", reason: "nothing-changed" };
  const run = openRun(desk, track, {
    wanted,
    reasons,
    ...context,
    level: item.level ?? 0,
    cause: causeOf(reasons, context),
  });
  return { kind: "planned", run };
}

/** What a track remembers of what was tried in vain. */
function keptOf({ fault, tried }: Track): Partial<Track> {
  return { ...(fault ? { fault } : {}), ...(tried ? { tried } : {}) };
}

/** A track that stands on a tag which somebody else moved. */
export function takeMoved(
  desk: Desk,
  item: PlanItem & { kind: "moved" },
  word: Inbox & { kind: "tag-moved" },
  context: PlanContext,
): ItemOutcome {
  const track = getTrack(desk.world, item.track);
  if (!track || track.retired) return { kind: "skipped", reason: "image-removed" };
  const from = track.tried?.[word.reference] ?? standsOn(desk, track)?.[word.reference] ?? word.from;
  const moved: Reason = { kind: "base", reference: word.reference, ...(from ? { from } : {}), to: word.digest };
  const reasons = [moved, ...baseReasons(desk, track, item.via)];
  const wanted: Wanted = { ...wantedAtHead(desk, track), occurrence: undefined };
  const run = openRun(desk, track, { wanted, reasons, ...context, level: item.level ?? 0 });
  return { kind: "planned", run };
}

/** A track elsewhere that stands on an image of this plan is rebuilt at the head of its own ref. */
export function takeDependent(desk: Desk, item: PlanItem & { kind: "dependent" }, context: PlanContext): ItemOutcome {
  const track = getTrack(desk.world, item.track);
  if (!track || track.retired) return { kind: "skipped", reason: "image-removed" };
  if (keepsFailing(track)) return { kind: "skipped", reason: "keeps-failing", message: keepsFailingMessage };
  const reasons = baseReasons(desk, track, item.via);
  const wanted: Wanted = { ...wantedAtHead(desk, track), occurrence: undefined };
  const run = openRun(desk, track, {
    wanted,
    reasons,
    ...context,
    level: item.level ?? 0,
    cause: causeOf(reasons, context),
  });
  return { kind: "planned", run };
}

/** The track that was asked for, or that was found to stand on an old base. */
export function takeSelf(
  desk: Desk,
  item: PlanItem & { kind: "self" },
  word: RequestWord | Extract<Inbox, { kind: "track-stale" }>,
  context: PlanContext,
): ItemOutcome {
  const track = getTrack(desk.world, item.track);
  if (!track || track.retired) return { kind: "skipped", reason: "image-removed" };
  const ask =
    word.kind === "track-stale"
      ? { occurrence: occurrenceIn(word.reasons), reasons: word.reasons }
      : { occurrence: word.id, reasons: [requestReason(word)] };
  const { occurrence, ...request } = ask;
  const run = openRun(desk, track, {
    wanted: { ...wantedAtHead(desk, track), occurrence },
    ...request,
    ...context,
    level: item.level ?? 0,
  });
  return { kind: "planned", run };
}

export type RetireReason = Extract<SkipReason, "ref-deleted" | "ref-not-watched" | "image-removed">;

const whyRetired: Readonly<Record<RetireReason, (track: Track) => string>> = {
  "ref-deleted": ({ ref }) => `${ref} was deleted`,
  "ref-not-watched": ({ image, ref }) => `on.push of ${image} does not take ${ref} any more`,
  "image-removed": ({ image }) => `${image} left slipway.yaml, or is of another registry there`,
};

/** Forgets a track; what it built stays in the registry and its runs stay in the history. */
export function retireTrack(desk: Desk, trackKey: string, reason: RetireReason): ItemOutcome {
  const track = getTrack(desk.world, trackKey);
  if (!track || track.retired) return { kind: "skipped", reason };
  const planned = track.planned && getRun(desk.world, track.planned.id);
  if (planned) endRun(desk, planned, "Skipped", { ended: { code: reason, message: whyRetired[reason](track) } });
  moveEdges(desk, { ...track, bases: [] }, track.bases);
  moveMakes(desk, { ...track, makes: [] }, track.makes);
  desk.world.remove(keys.imageTrack(track.image, track.source.id, track.ref));
  if (track.active)
    desk.world.put(trackKey, {
      ...track,
      planned: undefined,
      built: undefined,
      bases: [],
      makes: [],
      retired: true,
    } satisfies Track);
  else desk.world.remove(trackKey);
  return { kind: "skipped", reason };
}

function requestReason(word: RequestWord): Reason {
  return word.kind === "retry-requested"
    ? { kind: "request", action: "retry", id: word.id, of: word.run }
    : { kind: "request", action: "rebuild", id: word.id };
}

/** What a person asked for is still asked for when it is planned again. */
function occurrenceIn(reasons: readonly Reason[]): string | undefined {
  return reasons.flatMap((r) => (r.kind === "request" ? [r.id] : [])).at(-1);
}

function ownReasons(before: Track | undefined, image: SnapshotImage, snapshot: RefSnapshot): readonly Reason[] {
  if (!before) return [{ kind: "first-build" }];
  const reasons: Reason[] = [];
  if (before.wanted.inputs !== image.inputs) {
    const paths = snapshot.changedPaths.filter(inputPaths(image.definition)).slice(0, 10);
    reasons.push({ kind: "commit", from: before.wanted.commit, to: snapshot.commit!, paths });
  }
  if (before.wanted.definition !== image.definitionKey) {
    const changes = describeDefinitionChange(before.wanted.definition, image.definitionKey);
    reasons.push({ kind: "definition", changes });
  }
  const [from, to] = [before.definition.on.baseUpdate, image.definition.on.baseUpdate];
  if (followsMore(from, to)) reasons.push({ kind: "definition", changes: [{ key: "on.base_update", from, to }] });
  return reasons;
}

function baseReasons(desk: Desk, track: Track | undefined, via: readonly Via[]): readonly Reason[] {
  return via.map(({ reference, track: makerKey }): Reason => {
    const from = track?.built?.bases[reference];
    const run = getTrack(desk.world, makerKey)?.planned?.id;
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
  // Without a tag the digest itself, so that whoever asks about it hears who names it.
  const namesOf = (bases: readonly Base[]) => bases.flatMap((b) => (b.pinned ? [b.tag ?? b.reference] : []));
  const pinned = new Set(namesOf(track.bases));
  for (const name of namesOf(before)) if (!pinned.has(name)) desk.world.remove(keys.pinned(name, track.key));
  for (const name of pinned) desk.world.put(keys.pinned(name, track.key), { track: track.key, reference: name });
  for (const base of now.values())
    desk.world.put(keys.base(base.reference, track.key), {
      track: track.key,
      reference: base.reference,
      class: base.class,
      baseUpdate: track.definition.on.baseUpdate,
    } satisfies Edge);
}

function moveMakes(desk: Desk, track: Track, before: readonly string[]): void {
  const left = before.filter((reference) => !track.makes.includes(reference));
  const makers = desk.world.getAll<TrackPointer>(left.map((reference) => keys.makes(reference)));
  // Somebody else may make the tag by now.
  for (const [i, reference] of left.entries())
    if (makers[i]?.track === track.key) desk.world.remove(keys.makes(reference));
  for (const reference of track.makes)
    desk.world.put(keys.makes(reference), { track: track.key } satisfies TrackPointer);
}
