/**
 * A wave holds itself back: of each level one image is built before the others (the canary), and a wave that fails too
 * often stops until a person lets it go on, what failed is built after all, or a newer wave takes its runs over.
 */
import type { Cause, Hold } from "../plan/reason.ts";
import { ascending, keys } from "../state/keys.ts";
import type { Inbox, OwnerCount, Run, RunStatus, Wave, WaveIndex, WaveMember } from "../state/rows.ts";
import { type Desk, getTrack, isoOf } from "./desk.ts";

/**
 * A run that joined more waves than this is counted in the newest ones only. A run and the one it supersedes write two rows for
 * each, two more, and at most 75 that have nothing to do with waves: with eight they fit one transaction.
 */
export const wavesMost = 8;

/** Owners counted by name in one wave: its row has to stay one. */
const ownersMost = 500;

export interface Joining {
  readonly cause: Cause;
  readonly level: number;
  /** Runs the wave's plan may make. */
  readonly size: number;
}

/** Whether a plan of so many runs makes a wave that holds itself back. */
export function isLarge({ policy }: Desk, size: number): boolean {
  const { largeFrom } = policy.waves;
  return largeFrom > 0 && size >= largeFrom;
}

/** Counts a run in a wave. */
export function joinWave(desk: Desk, waveId: string, run: Run, joining: Joining): void {
  const { level } = joining;
  const stored = desk.world.get<Wave>(keys.wave(waveId));
  const wave: Wave = stored ?? {
    id: waveId,
    at: isoOf(desk.now),
    cause: joining.cause,
    large: isLarge(desk, joining.size),
    planned: 0,
    ended: {},
    owners: {},
    lowest: level,
    highest: level,
    state: "open",
    canaries: {},
  };
  if (!stored) {
    const index: WaveIndex = { wave: waveId, registry: desk.registry.alias, at: wave.at };
    desk.world.put(keys.waveIndex(desk.now, waveId), index);
  }
  desk.world.put(keys.wave(waveId), {
    ...wave,
    planned: wave.planned + 1,
    owners: countOwner(wave, run, "planned"),
    lowest: Math.min(wave.lowest, level),
    highest: Math.max(wave.highest, level),
  } satisfies Wave);
  desk.world.put(keys.inWave(waveId, run.seq), {
    run: run.id,
    track: run.track,
    image: run.image,
    level,
    ...(run.owner ? { owner: run.owner } : {}),
  } satisfies WaveMember);
}

function countOwner({ owners }: Wave, { owner = "" }: Run, what: keyof OwnerCount): Wave["owners"] {
  const isKnown = Object.hasOwn(owners, owner);
  if (!isKnown && Object.keys(owners).length >= ownersMost) return owners;
  const before = isKnown ? owners[owner]! : { planned: 0, good: 0, bad: 0, neither: 0 };
  return { ...owners, [owner]: { ...before, [what]: before[what] + 1 } };
}

/** How a run left its waves: `good` is an image that is as it should be, `bad` one that could not be built. */
export type Outcome = "good" | "bad" | "neither";

export function outcomeOf(status: RunStatus, code: string | undefined): Outcome {
  if (status === "Succeeded" || (status === "Skipped" && code === "nothing-changed")) return "good";
  return isFailure(status) ? "bad" : "neither";
}

/**
 * Counts a run's end in these of its waves, and tells those that wait for what that changes. Returns the waves that a
 * later success of the same image would make good.
 */
export function leaveWaves(
  desk: Desk,
  run: Run,
  status: RunStatus,
  outcome: Outcome,
  waves: readonly string[] = run.waves,
): readonly string[] {
  const harmed: string[] = [];
  for (const id of waves) {
    const wave = desk.world.get<Wave>(keys.wave(id));
    if (!wave) continue;
    const ended = { ...wave.ended, [status]: (wave.ended[status] ?? 0) + 1 };
    // An image that fails again, planned again by itself, is still one image: its next success makes one failure good.
    const isAgain = outcome === "bad" && hasHarmed(desk, run, id);
    const counted: Wave = {
      ...wave,
      ended,
      owners: countOwner(wave, run, outcome),
      ...(isAgain ? { healed: (wave.healed ?? 0) + 1 } : {}),
    };
    const judged = judge(desk, counted, run, status, outcome);
    desk.world.put(keys.wave(id), judged.wave);
    if (judged.tell !== undefined) tellWave(desk, id, run.seq, judged.tell);
    if (wave.large && (outcome === "bad" || judged.wave.state !== wave.state)) harmed.push(id);
  }
  return harmed;
}

/** Whether the image of the run has failed in the wave and not been built since. */
function hasHarmed(desk: Desk, run: Run, wave: string): boolean {
  return getTrack(desk.world, run.track)?.harmed?.includes(wave) ?? false;
}

/** The canary's level, or everyone of the wave. */
type Told = number | "all";

function judge(
  desk: Desk,
  wave: Wave,
  run: Run,
  status: RunStatus,
  outcome: Outcome,
): { readonly wave: Wave; readonly tell?: Told } {
  if (!wave.large) return { wave };
  const level = levelOfCanary(wave, run);
  const isOpen = wave.state === "open";
  if (level !== undefined && isOpen && (outcome === "bad" || status === "Canceled")) {
    const why = `its canary ${run.image} ended ${status} (${run.id})`;
    return { wave: { ...wave, state: "stopped", stoppedBy: "canary", why }, tell: "all" };
  }
  if (isOpen && outcome === "bad" && openIn(wave) > 0 && isOverBudget(desk, wave)) {
    return { wave: { ...wave, ...stoppedByFailures(wave) }, tell: "all" };
  }
  if (level === undefined) return { wave };
  return { wave: outcome === "good" ? passed(wave, level) : withoutCanary(wave, level), tell: level };
}

function isOverBudget(desk: Desk, wave: Wave): boolean {
  const { stopAfter, stopAfterPercent } = desk.policy.waves;
  const budget = Math.max(stopAfter, Math.ceil((wave.planned * stopAfterPercent) / 100));
  return stopAfter > 0 && failuresOf(wave) - (wave.healed ?? 0) >= budget;
}

/** An image that failed in these waves is as it should be now: those that stopped for it go on. */
export function healWaves(desk: Desk, run: Run, harmed: readonly string[]): void {
  for (const id of harmed) {
    const wave = desk.world.get<Wave>(keys.wave(id));
    if (!wave) continue;
    const level = Object.entries(wave.canaries).find(([, c]) => c.track === run.track)?.[0];
    const counted: Wave = { ...wave, healed: (wave.healed ?? 0) + 1 };
    const healed = level === undefined ? counted : passed(counted, Number(level));
    const waitsForOther = wave.stoppedBy === "person" || (wave.stoppedBy === "canary" && level === undefined);
    if (wave.state !== "stopped" || waitsForOther) desk.world.put(keys.wave(id), counted);
    // Its canary is good, and others are too many still: the next of them that is built lets it go on.
    else if (isOverBudget(desk, healed)) desk.world.put(keys.wave(id), { ...healed, ...stoppedByFailures(healed) });
    else reopen(desk, healed, run);
  }
}

function stoppedByFailures(wave: Wave): Pick<Wave, "state" | "stoppedBy" | "why"> {
  const why = `${failuresOf(wave)} of its ${wave.planned} runs have failed`;
  return { state: "stopped", stoppedBy: "failures", why };
}

function reopen(desk: Desk, { stoppedBy: _, why: __, ...wave }: Wave, run: Run): void {
  // Whoever was a canary when the wave stopped has ended or is none any more: the levels elect anew.
  const canaries = Object.fromEntries(Object.entries(wave.canaries).filter(([, c]) => c.passed));
  desk.world.put(keys.wave(wave.id), { ...wave, state: "open", canaries } satisfies Wave);
  tellWave(desk, wave.id, run.seq, "all");
}

export function tellWave(desk: Desk, wave: string, by: number, told: Told): void {
  const word: Inbox = {
    kind: "wave-changed",
    id: `${wave}.changed.${by}.${told}`,
    wave,
    ...(told === "all" ? {} : { level: told }),
  };
  desk.world.put(keys.inbox(desk.now, `${ascending(by)}.wave.${wave}.${told}`), word);
}

/**
 * A run that could go now is the canary of its level, if the wave is large and the level has none: so a canary never waits
 * for anything, and nobody waits for one that does. What is at level 0 changed by itself; each of those is its own news.
 */
export function electCanary(desk: Desk, run: Run): void {
  const wave = listenedTo(desk, run);
  const level = run.listensTo?.level ?? 0;
  if (!wave?.large || wave.state !== "open" || level === 0 || wave.canaries[level]) return;
  const canary = { track: run.track, run: run.id, image: run.image, passed: false };
  desk.world.put(keys.wave(wave.id), { ...wave, canaries: { ...wave.canaries, [level]: canary } } satisfies Wave);
}

/** For a run that has to wait after all, or that listens to another wave from now on. */
export function giveUpCanary(desk: Desk, run: Run): void {
  const wave = listenedTo(desk, run);
  const level = wave?.large ? levelOfCanary(wave, run) : undefined;
  // In a stopped wave it tells why, and nobody waits for it.
  if (!wave || level === undefined || wave.state === "stopped") return;
  desk.world.put(keys.wave(wave.id), withoutCanary(wave, level));
  tellWave(desk, wave.id, run.seq, level);
}

function listenedTo(desk: Desk, run: Run): Wave | undefined {
  return run.listensTo && desk.world.get<Wave>(keys.wave(run.listensTo.wave));
}

/** The level whose canary the run is and for which it has not spoken yet. */
function levelOfCanary(wave: Wave, run: Run): number | undefined {
  const found = Object.entries(wave.canaries).find(([, c]) => c.run === run.id && !c.passed);
  return found && Number(found[0]);
}

function passed(wave: Wave, level: number): Wave {
  return { ...wave, canaries: { ...wave.canaries, [level]: { ...wave.canaries[level]!, passed: true } } };
}

function withoutCanary(wave: Wave, level: number): Wave {
  const { [level]: _, ...canaries } = wave.canaries;
  return { ...wave, canaries };
}

function isFailure(status: RunStatus): boolean {
  return status === "Failed" || status === "Error" || status === "Timeout";
}

export function failuresOf(wave: Wave): number {
  return (wave.ended.Failed ?? 0) + (wave.ended.Error ?? 0) + (wave.ended.Timeout ?? 0);
}

/** Runs that have not ended. */
export function openIn(wave: Wave): number {
  return wave.planned - Object.values(wave.ended).reduce((sum, n) => sum + n, 0);
}

/**
 * The stopped waves that a run may let go on: it tries again what stopped them, or is what that stands on. Nothing else
 * would, whichever wave the run itself listens to.
 */
export function mendedBy(desk: Desk, run: Run): readonly string[] {
  const harmed = getTrack(desk.world, run.track)?.harmed ?? [];
  return [...harmed, ...(run.mends ? [run.mends] : [])].filter((id) => {
    const wave = desk.world.get<Wave>(keys.wave(id));
    return wave?.state === "stopped" && wave.stoppedBy !== "person";
  });
}

/** Whether the wave a run listens to holds it. */
export function waveHold(desk: Desk, run: Run): Hold | undefined {
  const wave = listenedTo(desk, run);
  if (!wave || wave.state === "continued") return undefined;
  if (wave.state === "stopped") {
    if (mendedBy(desk, run).includes(wave.id)) return undefined;
    return { kind: "wave-stopped", wave: wave.id, why: wave.why ?? "stopped" };
  }
  const canary = wave.canaries[run.listensTo?.level ?? 0];
  if (!canary || canary.passed || canary.run === run.id) return undefined;
  return { kind: "canary", wave: wave.id, run: canary.run, image: canary.image };
}
