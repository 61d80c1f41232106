/** Opens a run for a track, or joins the one that is already planned: a track never has two planned runs. */

import { type Desk, getRun, isoOf, runIdOf, takeSequence } from "../run/desk.ts";
import { placeRun } from "../run/place.ts";
import { insertRun, moveRun, putRun, unplace } from "../run/transition.ts";
import type { OpenRun, Run, Track, Wanted } from "../state/rows.ts";
import { type Cause, mergeReasons, type Reason } from "./reason.ts";

export interface RunRequest {
  readonly wanted: Wanted;
  readonly reasons: readonly Reason[];
  readonly cause: Cause;
  readonly waves: readonly string[];
  /** See Run.lineage. */
  readonly lineage?: readonly string[];
}

/** The track must already be written. Returns the run that will do the work, and whether it is new. */
export function openRun(
  desk: Desk,
  track: Track,
  request: RunRequest,
): { readonly run: Run; readonly joined: boolean } {
  const planned = track.planned ? getRun(desk.world, track.planned.id) : undefined;
  if (planned && planned.commit === request.wanted.commit)
    return { run: join(desk, track, planned, request), joined: true };
  const run = insert(desk, track, request, planned);
  return { run, joined: false };
}

function join(desk: Desk, track: Track, planned: Run, request: RunRequest): Run {
  const joined: Run = {
    ...planned,
    reasons: mergeReasons(planned.reasons, request.reasons),
    waves: [...new Set([...planned.waves, ...request.waves])],
    occurrence: request.wanted.occurrence ?? planned.occurrence,
    baseTries: 0,
    ...lineageOf(planned, request),
  };
  putRun(desk, joined);
  desk.world.put(track.key, { ...track, wanted: request.wanted, planned: open(joined) } satisfies Track);
  placeRun(desk, joined);
  return joined;
}

/** A newer commit supersedes the planned run: the new run takes over its reasons, its waves and its place in the queue. */
function insert(desk: Desk, track: Track, request: RunRequest, older: Run | undefined): Run {
  const seq = takeSequence(desk);
  const id = runIdOf(desk.registry.alias, seq);
  const occurrence = request.wanted.occurrence ?? older?.occurrence;
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
    reasons: mergeReasons(older?.reasons ?? [], request.reasons),
    cause: request.cause,
    waves: [...new Set([...(older?.waves ?? []), ...request.waves])],
    ...(occurrence ? { occurrence } : {}),
    ...lineageOf(older, request),
    order: older?.order ?? seq,
    wantedSince: older?.wantedSince ?? isoOf(desk.now),
    baseTries: 0,
    attempt: 0,
    ...(track.definition.owner ? { owner: track.definition.owner } : {}),
  };
  if (older) {
    unplace(desk, older);
    moveRun(desk, older, "Superseded", {
      place: undefined,
      hold: undefined,
      supersededBy: id,
      ended: { code: "superseded", message: `superseded by ${id} at ${request.wanted.commit.slice(0, 7)}` },
    });
  }
  insertRun(desk, run);
  desk.world.put(track.key, {
    ...track,
    wanted: { ...request.wanted, occurrence },
    planned: open(run),
  } satisfies Track);
  placeRun(desk, run);
  return run;
}

function lineageOf(older: Run | undefined, request: RunRequest): { readonly lineage?: readonly string[] } {
  const lineage = [...new Set([...(older?.lineage ?? []), ...(request.lineage ?? [])])];
  return lineage.length > 0 ? { lineage } : {};
}

function open(run: Run): OpenRun {
  return { id: run.id, order: run.order, waves: run.waves };
}
