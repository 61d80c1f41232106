/** The moves a run may make, and the rows that move with it. */
import { formatReference } from "../image/reference.ts";
import { describeReason } from "../plan/reason.ts";
import { ascending, keys } from "../state/keys.ts";
import type { Attempt, Due, Inbox, Run, RunStatus, RunSummary, Track } from "../state/rows.ts";
import { type Desk, isoOf, refName } from "./desk.ts";
import { healWaves, leaveWaves, type Outcome, outcomeOf } from "./wave.ts";

const order: Readonly<Record<RunStatus, number>> = {
  Planned: 0,
  Preparing: 1,
  Scheduling: 2,
  Queued: 3,
  Started: 4,
  Running: 5,
  Succeeded: 9,
  Failed: 9,
  Canceled: 9,
  Error: 9,
  Timeout: 9,
  Skipped: 9,
  Superseded: 9,
};

export function isTerminal(status: RunStatus): boolean {
  return order[status] === 9;
}

/** A run never goes back and never leaves its end. A new attempt goes from any open state to Preparing. */
export function mayMove(from: RunStatus, to: RunStatus): boolean {
  if (isTerminal(from)) return false;
  return order[to] > order[from] || to === "Preparing" || to === "Scheduling";
}

/** How far along a status is, for whoever must never go backwards. */
export function rankOf(status: RunStatus): number {
  return order[status];
}

function indexKeys(run: Run): readonly string[] {
  return [
    keys.runOfImage(run.image, run.seq),
    keys.runOfSource(run.source.id, run.seq),
    keys.runOfCommit(run.commit, run.seq),
    keys.runOfBranch(refName(run.ref), run.seq),
    keys.runOfStatus(run.status, run.seq),
  ];
}

export function summarize(run: Run): RunSummary {
  const ended = isTerminal(run.status) ? run.times[run.status] : undefined;
  return {
    id: run.id,
    image: run.image,
    source: run.source.fullName,
    ref: run.ref,
    commit: run.commit,
    status: run.status,
    plannedAt: run.times.Planned ?? "",
    ...(ended ? { endedAt: ended } : {}),
    ...(run.digest ? { digest: run.digest } : {}),
    why: run.reasons.map(describeReason).join("; "),
    ...(run.ended ? { outcome: run.ended.message } : {}),
  };
}

/** Writes a new run with its indexes, and owes GitHub a word about it. */
export function insertRun(desk: Desk, run: Run): void {
  putRun(desk, run);
  oweReport(desk, run);
}

/** Writes a run and every row that shows a part of it. */
export function putRun(desk: Desk, run: Run): void {
  desk.world.put(keys.run(run.seq), run);
  const summary = summarize(run);
  for (const indexKey of indexKeys(run)) desk.world.put(indexKey, summary);
}

/** Moves a run to a status; a move that is not allowed is our bug, because only one pass at a time decides. */
export function moveRun(desk: Desk, run: Run, status: RunStatus, changes: Partial<Run> = {}): Run {
  if (run.status !== status && !mayMove(run.status, status))
    throw new Error(`${run.id} may not move from ${run.status} to ${status}`);
  const moved: Run = {
    ...run,
    ...changes,
    status,
    times: { ...run.times, [status]: run.times[status] ?? isoOf(desk.now) },
  };
  if (run.status !== status) desk.world.remove(keys.runOfStatus(run.status, run.seq));
  putRun(desk, moved);
  oweReport(desk, moved);
  return moved;
}

/**
 * Ends a run, frees its place and its track, and leaves word for the runs that wait for it. The word is an inbox row,
 * because there may be thousands of them: telling them takes as many transactions as it takes.
 */
export function endRun(
  desk: Desk,
  run: Run,
  status: RunStatus,
  changes: Partial<Run> & Pick<Run, "ended">,
  track?: Partial<Track>,
): Run {
  unplace(desk, run);
  const outcome = outcomeOf(status, changes.ended?.code);
  const harmed = leaveWaves(desk, run, status, outcome);
  // A run that ends while it waits has waited until now.
  const holds = run.holds?.map((h) => (h.until === undefined ? { ...h, until: isoOf(desk.now) } : h));
  const ended = moveRun(desk, run, status, {
    ...changes,
    place: undefined,
    hold: undefined,
    ...(holds ? { holds } : {}),
  });
  const before = desk.world.get<Track>(run.track);
  const isOpen = before?.planned?.id === run.id || before?.active?.id === run.id;
  // A track that was retired and made again is another one: this run's result is not its.
  if (before && isOpen) {
    const open = {
      ...(before.planned?.id === run.id ? { planned: undefined } : {}),
      ...(before.active?.id === run.id ? { active: undefined } : {}),
      ...harm(desk, ended, before, outcome, harmed),
    };
    if (before.retired) desk.world.remove(run.track);
    else desk.world.put(run.track, { ...before, ...track, ...open } satisfies Track);
  }
  const word: Inbox = {
    kind: "run-ended",
    id: `${run.id}.ended`,
    run: run.id,
    track: run.track,
    makes: [...new Set([...(before?.makes ?? []), ...stableTagsOf(desk, run)])],
  };
  desk.world.put(keyOfWord(desk.now, run), word);
  return ended;
}

/** What the run may have pushed, whatever its track makes by now: others may stand on it still. */
function stableTagsOf(desk: Desk, run: Run): readonly string[] {
  const attempt = run.attempt > 0 ? desk.world.get<Attempt>(keys.attempt(run.id, run.attempt)) : undefined;
  const of = { registry: run.loginServer, repository: run.repository };
  return (attempt?.stableTags ?? []).map((tag) => formatReference({ ...of, tag }));
}

const harmedMost = 8;

/** A track remembers the waves its failures count against until it is built: then those that stopped for it go on. */
function harm(
  desk: Desk,
  run: Run,
  track: Track,
  outcome: Outcome,
  harmed: readonly string[],
): Pick<Partial<Track>, "harmed"> {
  if (outcome === "good") {
    if (track.harmed) healWaves(desk, run, track.harmed);
    return { harmed: undefined };
  }
  if (harmed.length === 0) return {};
  return { harmed: [...new Set([...(track.harmed ?? []), ...harmed])].slice(-harmedMost) };
}

/** Internal words sort by sequence within a moment, so that a wave unrolls in the order it was planned. */
function keyOfWord(now: number, run: Run): string {
  return keys.inbox(now, `${ascending(run.seq)}.ended`);
}

export function unplace(desk: Desk, run: Run): void {
  if (run.place !== undefined) desk.world.remove(run.place);
}

export function oweReport(desk: Desk, run: Run): void {
  owe(desk, { kind: "report", run: run.id, attempt: run.attempt, seq: run.seq });
}

export function owe(desk: Desk, due: Due): void {
  desk.world.put(dueKey(due), due);
}

export function dueKey(due: Due): string {
  return keys.due(due.kind, due.kind === "report" ? due.run : `${due.run}.${due.attempt}`);
}
