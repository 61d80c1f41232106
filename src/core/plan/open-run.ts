/** Opens a run for a track, or joins the one that is already planned: a track never has two planned runs. */

import { type Desk, getRun, isoOf, runIdOf, takeSequence } from "../run/desk.ts";
import { placeRun } from "../run/place.ts";
import { insertRun, moveRun, putRun, unplace } from "../run/transition.ts";
import { giveUpCanary, joinWave, leaveWaves, wavesMost } from "../run/wave.ts";
import { keys } from "../state/keys.ts";
import type { OpenRun, Priority, Run, Track, Wanted, WaveMember } from "../state/rows.ts";
import { type Cause, mergeReasons, type Reason } from "./reason.ts";

export interface RunRequest {
  readonly wanted: Wanted;
  readonly reasons: readonly Reason[];
  readonly cause: Cause;
  readonly waves: readonly string[];
  /** Waves that are inherited count the run; one that a newer wave has planned goes on listening to that. */
  readonly inherits: boolean;
  /** See Run.lineage. */
  readonly lineage?: readonly string[] | undefined;
  readonly level: number;
  /** Of what only follows its bases. */
  readonly priority: Priority;
  /** Runs the plan may make. */
  readonly size: number;
}

/** The track must already be written. Returns the run that will do the work: a new one, or the one that was joined. */
export function openRun(desk: Desk, track: Track, request: RunRequest): Run {
  const planned = track.planned ? getRun(desk.world, track.planned.id) : undefined;
  if (planned && planned.commit === request.wanted.commit) return join(desk, track, planned, request);
  return insert(desk, track, request, planned);
}

function join(desk: Desk, track: Track, planned: Run, request: RunRequest): Run {
  const reasons = mergeReasons(planned.reasons, request.reasons);
  const joined: Run = {
    ...planned,
    reasons,
    waves: uniteWaves(planned.waves, request),
    ...listensTo(planned, request),
    occurrence: request.wanted.occurrence ?? planned.occurrence,
    baseTries: 0,
    lineage: lineageOf(reasons, planned, request),
    priority: priorityOf(reasons, planned, request),
  };
  if (joined.listensTo?.wave !== planned.listensTo?.wave) giveUpCanary(desk, planned);
  leaveDropped(desk, planned, joined.waves);
  putRun(desk, joined);
  for (const wave of joined.waves) if (!planned.waves.includes(wave)) joinWave(desk, wave, joined, request);
  desk.world.put(track.key, { ...track, wanted: request.wanted, planned: open(joined) } satisfies Track);
  placeRun(desk, joined);
  return joined;
}

/** A newer commit supersedes the planned run: the new run takes over its reasons, its waves and its place in the queue. */
function insert(desk: Desk, track: Track, request: RunRequest, older: Run | undefined): Run {
  const seq = takeSequence(desk);
  const id = runIdOf(desk.registry.alias, seq);
  const occurrence = request.wanted.occurrence ?? older?.occurrence;
  const reasons = mergeReasons(older?.reasons ?? [], request.reasons);
  const run: Run = {
    id,
    seq,
    registry: desk.registry.alias,
    loginServer: desk.registry.loginServer,
    track: track.key,
    image: track.image,
    source: track.source,
    ref: track.ref,
    commit: request.wanted.commit,
    repository: track.definition.repository,
    status: "Planned",
    times: { Planned: isoOf(desk.now) },
    reasons,
    cause: request.cause,
    waves: uniteWaves(older?.waves ?? [], request),
    ...listensTo(older, request),
    ...(occurrence ? { occurrence } : {}),
    lineage: lineageOf(reasons, older, request),
    priority: priorityOf(reasons, older, request),
    order: older?.order ?? seq,
    ...(older?.baseHeld ? { baseHeld: older.baseHeld } : {}),
    baseTries: 0,
    attempt: 0,
    ...(track.definition.owner ? { owner: track.definition.owner } : {}),
  };
  if (older) {
    unplace(desk, older);
    leaveWaves(desk, older, "Superseded", "neither");
    moveRun(desk, older, "Superseded", {
      place: undefined,
      hold: undefined,
      supersededBy: id,
      ended: { code: "superseded", message: `superseded by ${id} at ${request.wanted.commit.slice(0, 7)}` },
    });
  }
  insertRun(desk, run);
  for (const wave of run.waves)
    joinWave(desk, wave, run, { ...request, level: levelIn(desk, wave, older) ?? request.level });
  desk.world.put(track.key, {
    ...track,
    wanted: { ...request.wanted, occurrence },
    planned: open(run),
  } satisfies Track);
  placeRun(desk, run);
  return run;
}

/** The newest last, and no more than are counted. */
function uniteWaves(before: readonly string[], { waves, inherits }: RunRequest): readonly string[] {
  const added = waves.filter((wave) => !before.includes(wave));
  return (inherits ? [...added, ...before] : [...before, ...added]).slice(-wavesMost);
}

function leaveDropped(desk: Desk, planned: Run, kept: readonly string[]): void {
  const dropped = planned.waves.filter((wave) => !kept.includes(wave));
  leaveWaves(desk, planned, "Superseded", "neither", dropped);
}

function listensTo(before: Run | undefined, { waves, inherits, level }: RunRequest): Pick<Run, "listensTo"> {
  const wave = waves.at(-1);
  if (wave === undefined || (inherits && before?.listensTo))
    return before?.listensTo ? { listensTo: before.listensTo } : {};
  return { listensTo: { wave, level } };
}

/** Where the run it takes over from stood in a wave. */
function levelIn(desk: Desk, wave: string, older: Run | undefined): number | undefined {
  return older?.waves.includes(wave) ? desk.world.get<WaveMember>(keys.inWave(wave, older.seq))?.level : undefined;
}

function priorityOf(reasons: readonly Reason[], older: Run | undefined, { priority }: RunRequest): Priority {
  if (reasons.some((r) => r.kind === "request")) return 0;
  if (reasons.some((r) => r.kind !== "base")) return 1;
  return older && older.priority < priority ? older.priority : priority;
}

/** What is built for a reason of its own is news to all that stand on it, whoever else led to it. */
function lineageOf(
  reasons: readonly Reason[],
  older: Run | undefined,
  request: RunRequest,
): readonly string[] | undefined {
  if (reasons.some((r) => r.kind !== "base")) return undefined;
  const lineage = [...new Set([...(older?.lineage ?? []), ...(request.lineage ?? [])])];
  return lineage.length > 0 ? lineage : undefined;
}

function open(run: Run): OpenRun {
  return { id: run.id, order: run.order, waves: run.waves };
}
