/** What ACR says about a run of ours, and what follows from it. Only its `status` decides. */
import { formatReference } from "../image/reference.ts";
import { openRun } from "../plan/open-run.ts";
import type { Reason } from "../plan/reason.ts";
import { keys } from "../state/keys.ts";
import type { Attempt, Built, Run, Track } from "../state/rows.ts";
import { type AcrRun, type AcrStatus, isAcrTerminal } from "./acr-run.ts";
import { endAttempt, failRun, tryAgain } from "./answers.ts";
import { type Desk, getTrack, isoOf } from "./desk.ts";
import { endRun, mayMove, moveRun, owe } from "./transition.ts";

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
    owe(desk, { kind: "collect", run: run.id, attempt: attempt.number, seq: run.seq });
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

function codeOf(seen: AcrRun): string {
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
  const { loginServer } = desk.registry;
  const reference = (tag: string) => formatReference({ registry: loginServer, repository: run.repository, tag });
  const allTags = [...attempt.uniqueTags, ...attempt.stableTags];
  const output = seen.outputImages.find(
    (o) => o.repository === run.repository && o.digest && (o.tag === undefined || allTags.includes(o.tag)),
  );
  const digest = output?.digest ?? digestOfTag(desk, reference(allTags[0] ?? ""));
  if (digest === undefined) return;

  const moving = Object.keys(attempt.bases);
  const after = desk.world.digests(moving);
  const movedBases = moving.filter((r) => {
    const now = after.get(r)!;
    return attempt.bases[r] === null || (now.kind === "found" && now.digest !== attempt.bases[r]);
  });
  const built: Built = {
    ...attempt.wanted,
    bases: attempt.bases,
    proved: movedBases.length === 0,
    digest,
    run: run.id,
    at: seen.finishTime ?? isoOf(desk.now),
  };
  endAttempt(desk, attempt, "Succeeded");
  desk.world.remove(keys.live(run.seq));
  owe(desk, { kind: "collect", run: run.id, attempt: attempt.number, seq: run.seq });
  const tags = allTags.map(reference);
  for (const tag of tags) desk.world.put(keys.tag(tag), { run: run.id, digest });
  desk.world.put(keys.digest(digest, run.seq), { run: run.id });
  endRun(
    desk,
    run,
    "Succeeded",
    { digest, tags, ended: { code: "succeeded", message: `built ${digest}` } },
    { built, failures: 0 },
  );

  const known = movedBases.filter((r) => attempt.bases[r] !== null);
  const track = getTrack(desk.world, run.track);
  if (track && known.length > 0) rebuildUnproved(desk, run, track, known, after);
}

/** A base moved while the image was being built: nobody can say which one is inside, so it is built once more. */
function rebuildUnproved(
  desk: Desk,
  run: Run,
  track: Track,
  moved: readonly string[],
  after: ReadonlyMap<string, { kind: string; digest?: string }>,
): void {
  const reasons = moved.map((reference): Reason => {
    const from = track.built?.bases[reference];
    const to = after.get(reference)?.digest;
    return { kind: "base", reference, ...(from ? { from } : {}), ...(to ? { to } : {}) };
  });
  openRun(desk, track, {
    wanted: { ...track.wanted, occurrence: undefined },
    reasons,
    cause: { kind: "run", id: run.id },
    waves: run.waves,
  });
}

/** undefined: the registry does not say yet; the next pass asks again. */
function digestOfTag(desk: Desk, reference: string): string | undefined {
  const lookup = desk.world.digests([reference]).get(reference)!;
  return lookup.kind === "found" ? lookup.digest : undefined;
}
