/**
 * Where a planned run stands: ready, or waiting and for what. The rule (R5): it waits while a track it stands on directly
 * has an open run of a common wave, or one planned earlier. So a diamond is built once, however uneven its sides are.
 */

import { frozenAt } from "../config/freeze.ts";
import { type Hold, isForPeople } from "../plan/reason.ts";
import { keys, timeOf } from "../state/keys.ts";
import type { OpenRun, PastHold, Pause, Run, Track, TrackPointer, Waiting } from "../state/rows.ts";
import { type Desk, getRun, getTrack, isoOf } from "./desk.ts";
import { oweReport, unplace } from "./transition.ts";
import { electCanary, giveUpCanary, mendedBy, waveHold } from "./wave.ts";

/** The references whose digest decides whether an image is current. Its own tag, if it builds on itself, moves with every build. */
export function movingBases(track: Track): readonly string[] {
  return track.bases.filter((b) => !b.pinned && !track.makes.includes(b.reference)).map((b) => b.reference);
}

/** What is behind each of these now; null: nobody can say, or nothing is. */
export function digestsNow(desk: Desk, references: readonly string[]): Record<string, string | null> {
  const lookups = [...desk.world.digests(references)];
  return Object.fromEntries(lookups.map(([base, now]) => [base, now.kind === "found" ? now.digest : null]));
}

/** Track keys of the images a track stands on that Slipway builds in this registry. A track never waits for itself. */
export function parentsOf(desk: Desk, track: Track): readonly string[] {
  const makers = desk.world.getAll<TrackPointer>(movingBases(track).map((reference) => keys.makes(reference)));
  return [...new Set(makers.flatMap((m) => (m && m.track !== track.key ? [m.track] : [])))];
}

/** The open runs a planned run has to wait for. */
export function blockersOf(desk: Desk, run: Run, track: Track): readonly OpenRun[] {
  if (run.outOfCycle) return [];
  const parents = desk.world.getAll<Track>(parentsOf(desk, track));
  const heldLong = desk.now >= maxHoldEnds(desk, run);
  return parents.flatMap((p) => {
    const open = [p?.planned, p?.active].filter((o): o is OpenRun => o !== undefined && o.id !== run.id);
    // Without a base that was ever built there is nothing to go on with.
    if (!p?.built) return open;
    return open.filter(({ id, order, waves }) => {
      if (hasOwnReason(run) && waitsForPeople(desk, id)) return false;
      // After max-hold a run stops waiting for what was planned after it, so a busy base cannot starve it.
      return order < run.order || (!heldLong && waves.some((wave) => run.waves.includes(wave)));
    });
  });
}

/** A commit, a definition or a person: something to build for whatever becomes of its bases. */
function hasOwnReason(run: Run): boolean {
  return run.reasons.some((r) => r.kind !== "base");
}

/** Only a person or the calendar ends what it waits for, itself or by way of what it stands on. */
function waitsForPeople(desk: Desk, runId: string, seen = new Set<string>()): boolean {
  if (seen.has(runId)) return false;
  seen.add(runId);
  const hold = getRun(desk.world, runId)?.hold;
  // Once it is over it holds nobody, although not everyone has been looked at again yet.
  if (hold?.kind === "frozen") return Date.parse(hold.until) > desk.now;
  if (isForPeople(hold)) return true;
  return hold?.kind === "base" && hold.runs.some((id) => waitsForPeople(desk, id, seen));
}

/** Only what it waited for its bases counts: a slot, a freeze or a pause of everything may take longer, and starves nobody. */
function maxHoldEnds(desk: Desk, run: Run): number {
  return desk.now - heldMs(desk, run) + desk.timing.maxHold * 1000;
}

/** A stretch in which a freeze or a pause of everything has begun is left out whole: when in it that was, nobody has noted. */
function heldMs(desk: Desk, { baseHeld }: Run): number {
  if (baseHeld === undefined) return 0;
  const isOver = baseHeld.since === undefined || everythingIsHeld(desk);
  return baseHeld.ms + (isOver ? 0 : desk.now - Date.parse(baseHeld.since));
}

/** The clock of max-hold runs while its bases alone keep it from going. */
function withClock(desk: Desk, run: Run, hold: Hold | undefined): Run {
  const { baseHeld } = run;
  const runs = hold?.kind === "base" && !everythingIsHeld(desk);
  if (runs === (baseHeld?.since !== undefined)) return run;
  const ms = heldMs(desk, run);
  return { ...run, baseHeld: runs ? { ms, since: isoOf(desk.now) } : { ms } };
}

/** Puts a planned run where it belongs and says why it waits. Returns whether it is ready. */
export function placeRun(desk: Desk, run: Run): boolean {
  const track = getTrack(desk.world, run.track);
  if (!track) return false;
  const hold = holdOf(desk, run, track);
  putPlace(desk, run, hold);
  if (hold?.kind === "base") {
    letMend(desk, run, hold.runs);
    hasten(desk, run, hold.runs);
  }
  return !hold;
}

function putPlace(desk: Desk, unclocked: Run, hold: Hold | undefined): void {
  const run = withClock(desk, unclocked, hold);
  if (hold) giveUpCanary(desk, run);
  else electCanary(desk, run);
  const place = hold ? keys.wait(recheckAt(desk, run, hold), run.seq) : keys.ready(run.priority, run.order, run.seq);
  if (run === unclocked && place === run.place && JSON.stringify(hold) === JSON.stringify(run.hold)) return;
  if (place !== run.place) {
    unplace(desk, run);
    desk.world.put(place, hold ? waitingOf(run, hold) : { run: run.id });
  }
  const next: Run = { ...run, place, hold, holds: holdsOf(desk, run, hold) };
  // The row alone: none of its indexes shows where it stands.
  desk.world.put(keys.run(run.seq), next);
  const [before, now] = [run.hold, hold].map((h) => (isForPeople(h) ? JSON.stringify(h) : undefined));
  if (before !== now) oweReport(desk, next);
}

/** Leaves room in the transaction for the rows of one run more. */
const writesWithRoom = 60;

/** What stopped a wave is tried again and waits for what that very wave holds: that may go, one run at each look. */
function letMend(desk: Desk, run: Run, awaited: readonly string[]): void {
  const waves = mendedBy(desk, run);
  if (waves.length === 0 || desk.world.size > writesWithRoom) return;
  const seen = new Set([run.id]);
  for (let level = awaited; level.length > 0; ) {
    const runs = level.flatMap((id) => getRun(desk.world, id) ?? []);
    const held = runs.find(({ hold }) => hold?.kind === "wave-stopped" && waves.includes(hold.wave));
    const track = held && getTrack(desk.world, held.track);
    if (track && held.hold?.kind === "wave-stopped") {
      const going: Run = { ...held, mends: held.hold.wave };
      putPlace(desk, going, holdOf(desk, going, track));
      return;
    }
    for (const id of level) seen.add(id);
    level = [...new Set(runs.flatMap(awaitedBy))].filter((id) => !seen.has(id));
  }
}

/** What somebody waits for goes no later than who waits; beyond what fits the transaction, at the next look. */
function hasten(desk: Desk, { priority }: Run, awaited: readonly string[]): void {
  if (priority === 2) return;
  for (const id of awaited) {
    const base = getRun(desk.world, id);
    if (base?.status !== "Planned" || base.priority <= priority || desk.world.size > writesWithRoom) continue;
    const hastened: Run = { ...base, priority };
    desk.world.put(keys.run(base.seq), hastened);
    placeRun(desk, hastened);
  }
}

/** Holds a ready run for a reason found at release, to be looked at again at a given moment. */
export function holdRun(desk: Desk, run: Run, hold: Hold, untilMs: number, changes: Pick<Run, "baseTries">): void {
  unplace(desk, run);
  const place = keys.wait(untilMs, run.seq);
  desk.world.put(place, waitingOf(run, hold));
  desk.world.put(keys.run(run.seq), { ...run, ...changes, place, hold, holds: holdsOf(desk, run, hold) } satisfies Run);
}

const holdsKept = 10;

/** Ends the hold a run is under and begins the next, if it is another one. */
function holdsOf(desk: Desk, run: Run, next: Hold | undefined): readonly PastHold[] {
  const past = run.holds ?? [];
  if (JSON.stringify(run.hold) === JSON.stringify(next)) return past;
  const now = isoOf(desk.now);
  const ended = past.map((h) => (h.until === undefined ? { ...h, until: now } : h));
  return [...ended, ...(next ? [{ hold: next, since: now }] : [])].slice(-holdsKept);
}

function waitingOf(run: Run, hold: Hold): Waiting {
  return { run: run.id, hold: hold.kind, order: run.order };
}

/** Why a planned run may not go now; undefined when it may. */
function holdOf(desk: Desk, run: Run, track: Track): Hold | undefined {
  if (track.active) return { kind: "track-busy", run: track.active.id };
  const blockers = blockersOf(desk, run, track);
  if (blockers.length > 0) return { kind: "base", runs: blockers.map((b) => b.id) };
  return policyHold(desk, run) ?? waveHold(desk, run);
}

function everythingIsHeld(desk: Desk): boolean {
  return (
    desk.world.get<Pause>(keys.pausedRegistry) !== undefined || frozenAt(desk.policy.freeze, desk.now) !== undefined
  );
}

/** What a person asked for by name goes through a pause and a freeze; what merely happened waits. */
function policyHold(desk: Desk, run: Run): Hold | undefined {
  if (run.reasons.some((r) => r.kind === "request")) return undefined;
  const [registry, image] = desk.world.getAll<Pause>([keys.pausedRegistry, keys.pausedImage(run.image)]);
  if (registry) return { kind: "paused", scope: "registry", why: registry.why };
  if (image) return { kind: "paused", scope: "image", why: image.why };
  const frozen = frozenAt(desk.policy.freeze, desk.now);
  return frozen && { kind: "frozen", until: isoOf(frozen.until), why: frozen.why };
}

function recheckAt(desk: Desk, run: Run, hold: Hold): number {
  // Whatever ends a hold re-places the run; the clock is only the net below, and what ends max-hold.
  const before = run.hold && run.place && JSON.stringify(run.hold) === JSON.stringify(hold) ? timeOf(run.place) : 0;
  if (before > desk.now) return before;
  // A freeze may be lifted before its end.
  if (hold.kind === "frozen") return Math.min(Date.parse(hold.until), desk.now + desk.timing.maxHold * 1000);
  const ends = maxHoldEnds(desk, run);
  return hold.kind === "base" && ends > desk.now ? ends : desk.now + desk.timing.maxHold * 1000;
}

/** Whether a run that waits for its bases waits, over however many others, for itself. What a person or a clock holds is no cycle. */
export function waitsForItself(desk: Desk, run: Run): boolean {
  const seen = new Set<string>();
  let level = awaitedBy(run);
  while (level.length > 0) {
    if (level.includes(run.id)) return true;
    for (const id of level) seen.add(id);
    const next = level.flatMap((id) => {
      const awaited = getRun(desk.world, id);
      return awaited ? awaitedBy(awaited) : [];
    });
    level = [...new Set(next)].filter((id) => !seen.has(id));
  }
  return false;
}

function awaitedBy(run: Run): readonly string[] {
  if (run.hold?.kind === "base") return run.hold.runs;
  return run.hold?.kind === "track-busy" ? [run.hold.run] : [];
}

/** Nothing can move and something waits: the graph has a cycle. The oldest goes first, and says so. */
export function releaseFromCycle(desk: Desk, run: Run): void {
  const note = `released out of a cycle: it stands on ${run.hold?.kind === "base" ? run.hold.runs.join(", ") : "itself"}, which stands on it`;
  placeRun(desk, { ...run, outOfCycle: true, notes: [...(run.notes ?? []), note] });
}
