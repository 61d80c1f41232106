import type { RunAnswer } from "./answers.ts";
import type { Seen } from "./read-product.ts";
import type { View } from "./view.ts";
import {
  describeBases,
  describeCause,
  describeDuration,
  describeEnd,
  describeOutcome,
  describeStatus,
  describeWait,
  isTelling,
  runDuration,
  shortDigest,
  withoutRegistry,
} from "./wording.ts";

/** For logs and pipes: what has changed between two views, one line per change. */
export function narrate(before: View | undefined, after: View): string[] {
  const { engine, starting, seen } = after;
  return [
    ...(starting !== undefined && starting !== before?.starting ? [`starting ${starting}`] : []),
    ...(engine && !before?.engine ? [`engine ${engine.name}: ${engine.why}`] : []),
    ...(engine?.warning && !before?.engine ? [engine.warning] : []),
    ...after.notices.slice(before?.notices.length ?? 0),
    ...(after.errorLog && !before?.errorLog ? [`errors are in ${after.errorLog}`] : []),
    ...(seen ? changes(before?.seen, seen, after) : []),
  ];
}

function changes(before: Seen | undefined, seen: Seen, view: View): string[] {
  const known = new Set(before?.decisions.map((decision) => decision.id));
  const decisions = seen.decisions.filter((decision) => !known.has(decision.id) && isTelling(decision));
  // After a restart only what was last decided is of interest.
  const told = before ? decisions.reverse() : decisions.slice(0, 1);
  const last = new Map(before?.runs.map((run) => [run.id, run]));
  const shown = new Set(before?.commit === seen.commit ? before.statuses.map(describeStatus) : []);
  return [
    ...told.flatMap((decision) => [
      `received ${withoutRegistry(describeCause(decision), view.registry)}`,
      ...describeOutcome(decision).map((outcome) => `decided: ${outcome}`),
    ]),
    ...seen.runs.flatMap((run) => tellRun(last.get(run.id), run, seen, view)),
    ...seen.statuses
      .filter((status) => status.state !== "pending" && !shown.has(describeStatus(status)))
      .map((status) => `on GitHub: ${describeStatus(status)}`),
  ];
}

function tellRun(before: RunAnswer | undefined, run: RunAnswer, seen: Seen, { registry, now }: View): string[] {
  const wait = describeWait(run, seen);
  const waited = before?.hold ? JSON.stringify(before.hold) : undefined;
  if (before?.status === run.status && waited === (run.hold ? JSON.stringify(run.hold) : undefined)) return [];
  const why = run.why.map((reason) => withoutRegistry(reason, registry)).join("; ");
  const took = runDuration(run, now);
  const bases = describeBases(run, registry);
  const end = describeEnd(run, registry);
  const parts =
    run.status === "Planned"
      ? [before ? "" : why, wait ? `waits for ${wait}` : ""]
      : run.ended
        ? [
            run.digest ? shortDigest(run.digest) : "",
            end ?? "",
            took === undefined ? "" : `in ${describeDuration(took)}`,
            bases.length > 0 ? `stands on ${bases.join(" and ")}` : "",
          ]
        : [before && before.status !== "Planned" ? "" : why];
  const text = parts.filter((part) => part !== "").join("; ");
  return [`${run.image.padEnd(9)} ${run.id.padEnd(9)} ${run.status.padEnd(10)} ${text}`.trimEnd()];
}
