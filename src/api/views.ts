/** What people see of the rows: the same facts in the field's words, without the keys storage needs. */
import { type Cause, describeReason } from "../core/plan/reason.ts";
import type { Attempt, Run, Track } from "../core/state/rows.ts";
import type { Registry } from "../handlers/registries.ts";
import { type FoundRun, findRun, type HistoryPorts } from "./history.ts";

/** Deeper chains than this are cut; the last cause shown still names the run to ask for next. */
const chainMost = 50;

/** From what set this run off to the event at the root. */
export async function causeChain(run: Run, ports: HistoryPorts): Promise<readonly Cause[]> {
  const chain: Cause[] = [run.cause];
  for (let cause = run.cause; cause.kind === "run" && chain.length < chainMost; ) {
    const before = await findRun(cause.id, ports);
    if (!before) break;
    cause = before.run.cause;
    chain.push(cause);
  }
  return chain;
}

export function viewRun({ run }: FoundRun, attempts: readonly Attempt[], chain: readonly Cause[]) {
  return {
    id: run.id,
    status: run.status,
    image: run.image,
    repository: `${run.loginServer}/${run.repository}`,
    registry: run.registry,
    source: run.source,
    ref: run.ref,
    commit: run.commit,
    ...(run.owner ? { owner: run.owner } : {}),
    why: run.reasons.map(describeReason),
    reasons: run.reasons,
    cause: chain,
    waves: run.waves,
    ...(run.hold ? { hold: run.hold } : {}),
    holds: run.holds ?? [],
    times: run.times,
    ...(run.ended ? { ended: run.ended } : {}),
    ...(run.notes ? { notes: run.notes } : {}),
    ...(run.supersededBy ? { supersededBy: run.supersededBy } : {}),
    ...(run.digest ? { digest: run.digest } : {}),
    tags: run.tags ?? [],
    bases: run.bases ?? {},
    attempts: attempts.map((a) => ({
      number: a.number,
      stage: a.stage,
      startedAt: a.startedAt,
      ...(a.acrRunId ? { acrRunId: a.acrRunId } : {}),
      ...(a.acrStatus ? { acrStatus: a.acrStatus } : {}),
      ...(a.endedAt ? { endedAt: a.endedAt, ended: a.ended } : {}),
    })),
    log: { available: run.log !== undefined || run.acrRunId !== undefined },
  };
}

export function viewTrack({ track, registry }: { readonly track: Track; readonly registry: Registry }) {
  return {
    image: track.image,
    source: track.source,
    ref: track.ref,
    registry: registry.alias,
    repository: `${registry.loginServer}/${track.definition.repository}`,
    ...(track.definition.owner ? { owner: track.definition.owner } : {}),
    stableTags: track.makes,
    wanted: { commit: track.wanted.commit, inputs: track.wanted.inputs },
    ...(track.built
      ? {
          built: {
            commit: track.built.commit,
            digest: track.built.digest,
            run: track.built.run,
            at: track.built.at,
            proved: track.built.proved,
          },
        }
      : {}),
    bases: track.bases.map((b) => ({
      ...b,
      ...(track.built?.bases[b.reference] ? { digest: track.built.bases[b.reference] } : {}),
    })),
    ...(track.notes ? { notes: track.notes } : {}),
    ...(track.planned ? { planned: track.planned.id } : {}),
    ...(track.active ? { active: track.active.id } : {}),
    failures: track.failures,
  };
}
