/** What ACR says about a run of ours, and what follows from it. Only its `status` decides. */

import type { DigestLookup } from "../image/digest-lookup.ts";
import { formatReference } from "../image/reference.ts";
import { leaveStale } from "../plan/base-ended.ts";
import { follows } from "../plan/closure.ts";
import type { Reason } from "../plan/reason.ts";
import { keys } from "../state/keys.ts";
import type { Attempt, Built, Made, Run, RunPointer, Track } from "../state/rows.ts";
import { type AcrRun, type AcrStatus, isAcrTerminal } from "./acr-run.ts";
import { endAttempt, failRun, tryAgain } from "./attempt.ts";
import { type Desk, getTrack, isoOf } from "./desk.ts";
import type { EndCode } from "./end-code.ts";
import { endRun, mayMove, moveRun, owe, putRun } from "./transition.ts";

/** ACR's own faults are worth another try; a failing build is not. */
const attemptsMost = 3;

/** Applies one observation. Seeing the same thing again changes nothing. */
export function observe(desk: Desk, run: Run, attempt: Attempt, seen: AcrRun): void {
  if (!isAcrTerminal(seen.status)) {
    if (run.status !== seen.status && mayMove(run.status, seen.status)) moveRun(desk, run, seen.status);
    return;
  }
  const ended = { acrStatus: seen.status, acrRunId: seen.acrRunId };
  if (seen.status === "Succeeded") succeed(desk, run, { ...attempt, ...ended }, seen);
  else if (shouldTryAgain(run, attempt, seen)) {
    tryAgain(
      desk,
      run,
      { ...attempt, ...ended },
      `ACR run ${seen.acrRunId} ended ${seen.status}${seen.errorMessage ? `: ${seen.errorMessage}` : ""}`,
    );
  } else {
    endAttempt(desk, attempt, seen.status, ended);
    failRun(
      desk,
      run,
      seen.status as Exclude<AcrStatus, "Queued" | "Started" | "Running" | "Succeeded">,
      codeOf(seen),
      messageOf(seen),
    );
  }
}

function shouldTryAgain(run: Run, attempt: Attempt, seen: AcrRun): boolean {
  if (run.cancelRequested || attempt.number >= attemptsMost) return false;
  return seen.status === "Error" || /failed to download context/i.test(seen.errorMessage ?? "");
}

function codeOf(seen: AcrRun): EndCode {
  return seen.status === "Canceled"
    ? "canceled"
    : seen.status === "Timeout"
      ? "timed-out"
      : seen.status === "Error"
        ? "acr-error"
        : "build-failed";
}

function messageOf(seen: AcrRun): string {
  switch (seen.status) {
    case "Canceled":
      return "canceled at ACR";
    case "Timeout":
      return "the run took longer than its timeout";
    case "Error":
      return `ACR could not run it${seen.errorMessage ? `: ${seen.errorMessage}` : ""}`;
    default:
      return seen.errorMessage ?? "the build failed";
  }
}

function succeed(desk: Desk, run: Run, attempt: Attempt, seen: AcrRun): void {
  const reference = (tag: string) => formatReference({ registry: run.loginServer, repository: run.repository, tag });
  const allTags = [...attempt.uniqueTags, ...attempt.stableTags];
  const tags = allTags.map(reference);
  const output = seen.outputImages.find(
    (o) => o.repository === run.repository && o.digest && (o.tag === undefined || allTags.includes(o.tag)),
  );
  const lookup = output?.digest ? undefined : desk.world.digests([tags[0]!]).get(tags[0]!)!;
  if (lookup?.kind === "unknown") {
    // The registry does not say yet; the next pass asks again, for an hour.
    if (!(desk.now > Date.parse(seen.finishTime ?? "") + desk.timing.watch * 1000)) return;
    endAttempt(desk, attempt, "Succeeded");
    const message = `ACR says that it succeeded, but not as what, and nor does the registry: ${lookup.why}`;
    failRun(desk, run, "Error", "acr-error", message);
    return;
  }
  const digest = output?.digest ?? (lookup?.kind === "found" ? lookup.digest : undefined);
  if (digest === undefined) {
    endAttempt(desk, attempt, "Succeeded");
    failRun(desk, run, "Failed", "no-output", `ACR says that it succeeded, but there is no ${tags[0]} in the registry`);
    return;
  }

  const after = desk.world.digests(Object.keys(attempt.bases));
  // With compat the builder was given digests, so what moved meanwhile cannot be inside.
  const proved = attempt.definition.compat
    ? Object.values(attempt.bases).every((digest) => digest !== null)
    : [...after].every(([base, now]) => now.kind === "found" && now.digest === attempt.bases[base]);
  const at = seen.finishTime ?? isoOf(desk.now);
  const built: Built = { ...attempt.wanted, bases: attempt.bases, proved, digest, run: run.id, at };
  endAttempt(desk, attempt, "Succeeded");
  desk.world.remove(keys.live(run.seq));
  owe(desk, { kind: "collect", run: run.id, attempt: attempt.number, seq: run.seq });
  for (const tag of tags) desk.world.put(keys.tag(tag), { run: run.id, digest } satisfies Made);
  desk.world.put(keys.digest(digest, run.seq), { run: run.id } satisfies RunPointer);
  const ended = { code: "succeeded", message: `built ${digest}` } as const;
  const good = { built, failures: 0, fault: undefined, tried: undefined };
  const done = endRun(desk, run, "Succeeded", { digest, tags, ended }, good);

  const track = getTrack(desk.world, run.track);
  const reasons = track?.built?.run === run.id ? movedBases(run, attempt, after) : [];
  if (track && reasons.length > 0) buildOnceMore(desk, track, reasons, done);
}

/**
 * A base moved while the image was being built: nobody can say which one is inside. When that happens again the move itself
 * has to set it off, because images of two registries that stand on each other would go on for ever.
 */
function buildOnceMore(desk: Desk, track: Track, reasons: readonly Reason[], run: Run): void {
  const { lineage = [], notes = [] } = run;
  if (lineage.includes(run.track)) {
    const isFollowed = track.bases.some(
      (base) =>
        reasons.some((r) => r.kind === "base" && r.reference === base.reference) &&
        follows({ class: base.class, baseUpdate: track.definition.on.baseUpdate }),
    );
    const next = isFollowed
      ? "the next build comes of the news of that"
      : "base_update does not follow it here, so the image stays as it is until a commit or a rebuild";
    putRun(desk, { ...run, notes: [...notes, `a base moved again while it was being built: ${next}`] });
  } else leaveStale(desk, track, reasons, run, [...lineage, run.track]);
}

function movedBases(run: Run, attempt: Attempt, after: ReadonlyMap<string, DigestLookup>): readonly Reason[] {
  return [...after].flatMap(([reference, now]): Reason[] => {
    const from = attempt.bases[reference];
    if (now.kind !== "found" || now.digest === from) return [];
    // Unknown at release each time, it would be built for ever.
    const isSame = (r: Reason) => r.kind === "base" && r.reference === reference && r.to === now.digest;
    if (!from && run.reasons.some(isSame)) return [];
    return [{ kind: "base", reference, ...(from ? { from } : {}), to: now.digest }];
  });
}

/** ACR no longer knows a run it accepted: after its timeout and an hour more, nothing will come of it. */
export function vanished(desk: Desk, run: Run, attempt: Attempt): void {
  const since = Date.parse(attempt.calledAt ?? attempt.startedAt);
  if (desk.now < since + (attempt.definition.timeoutSeconds + 3600) * 1000) return;
  endAttempt(desk, attempt, "gone");
  failRun(desk, run, "Error", "acr-run-gone", `ACR no longer knows its run ${attempt.acrRunId}`);
}
