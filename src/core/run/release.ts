/** Takes a ready run and decides: build it, skip it because nothing changed, or hold it. What is built is frozen here. */
import { keys } from "../state/keys.ts";
import type { Attempt, Live, Run, Track, Wanted } from "../state/rows.ts";
import { failRun } from "./answers.ts";
import { type Desk, getTrack, isoOf, refName } from "./desk.ts";
import { digestsNow, holdRun, movingBases, placeRun } from "./place.ts";
import { renderRun } from "./render-run.ts";
import { endRun, moveRun, owe, unplace } from "./transition.ts";

/** Tries to learn a base's digest before building without knowing it: ACR may reach what we cannot. */
const baseTriesMost = 3;

export function release(desk: Desk, run: Run): void {
  const track = getTrack(desk.world, run.track);
  if (!track) {
    endRun(desk, run, "Skipped", {
      ended: { code: "image-removed", message: `${run.image} is no longer built from ${refName(run.ref)}` },
    });
    return;
  }
  if (!desk.mayPublish(track.source, track.definition.repository)) {
    const message = `${track.source.fullName} may no longer publish to ${desk.registry.alias}/${track.definition.repository}`;
    endRun(desk, run, "Skipped", { ended: { code: "not-allowed-to-publish", message } });
    return;
  }
  if (!placeRun(desk, run)) return;
  const bases = basesNow(desk, run, track);
  if (bases === undefined) return;
  const wanted: Wanted = {
    ...track.wanted,
    ...(run.occurrence ? { occurrence: run.occurrence } : { occurrence: undefined }),
  };
  if (isBuilt(track, wanted, bases)) {
    const { digest, run: builder } = track.built!;
    const lacking = Object.entries(run.without ?? {}).flatMap(([base, why]) => (isCurrent(desk, base) ? [] : [why]));
    const ended =
      lacking.length > 0
        ? ({ code: "base-failed", message: `${lacking.join("; ")}; the image stays on the last good one` } as const)
        : ({
            code: "nothing-changed",
            message: `nothing changed: ${digest} was built from the same files, definition and bases by ${builder}`,
          } as const);
    endRun(desk, run, "Skipped", { digest, ended });
    return;
  }
  begin(desk, run, track, wanted, bases);
}

/** undefined: the run was held or has ended instead. */
function basesNow(desk: Desk, run: Run, track: Track): Readonly<Record<string, string | null>> | undefined {
  const digests = desk.world.digests(movingBases(track));
  const bases: Record<string, string | null> = {};
  for (const [reference, lookup] of digests) {
    if (lookup.kind === "absent") {
      const message = `its base ${reference} does not exist in the registry`;
      failRun(desk, { ...run, bases: { ...bases, [reference]: null } }, "Failed", "base-not-found", message);
      return undefined;
    }
    if (lookup.kind === "unknown" && !lookup.forbidden && run.baseTries + 1 < baseTriesMost) {
      const until = desk.now + desk.timing.baseRetry * 1000;
      holdRun(desk, run, { kind: "base-unknown", reference, why: lookup.why }, until, { baseTries: run.baseTries + 1 });
      return undefined;
    }
    bases[reference] = lookup.kind === "found" ? lookup.digest : null;
  }
  return bases;
}

/** A base whose run was not waited for has moved nothing yet: it is no reason for what is built now. */
function withoutUnmoved(run: Run): Pick<Run, "reasons"> & Partial<Run> {
  const reasons = run.reasons.filter((r) => r.kind !== "base" || r.to !== undefined || r.run === undefined);
  if (reasons.length === 0 || reasons.length === run.reasons.length) return { reasons: run.reasons };
  const notes = run.reasons.flatMap((r) =>
    reasons.includes(r) || r.kind !== "base" ? [] : [`did not wait for ${r.run}: built on ${r.reference} as it was`],
  );
  return { reasons, notes: [...(run.notes ?? []), ...notes] };
}

/** Whether a base that was not built when it was waited for is as it should be all the same: what it failed on may be gone. */
function isCurrent(desk: Desk, reference: string): boolean {
  const maker = desk.world.get<{ readonly track: string }>(keys.makes(reference));
  const track = maker && getTrack(desk.world, maker.track);
  if (!track) return true;
  return isBuilt(track, track.wanted, digestsNow(desk, movingBases(track)));
}

/** R2: equal to what was built, and nobody asked for more. An unknown or unproved base is never equal. */
export function isBuilt(track: Track, wanted: Wanted, bases: Readonly<Record<string, string | null>>): boolean {
  const built = track.built;
  return (
    built?.proved === true &&
    built.inputs === wanted.inputs &&
    built.definition === wanted.definition &&
    (wanted.occurrence === undefined || wanted.occurrence === built.occurrence) &&
    Object.keys(built.bases).length === Object.keys(bases).length &&
    Object.entries(bases).every(([reference, digest]) => digest !== null && built.bases[reference] === digest)
  );
}

function begin(
  desk: Desk,
  run: Run,
  track: Track,
  wanted: Wanted,
  bases: Readonly<Record<string, string | null>>,
): void {
  const number = run.attempt + 1;
  const rendered = renderRun(track.definition, run, number);
  if (!rendered.ok) {
    failRun(desk, run, "Failed", "value-refused", rendered.message);
    return;
  }
  const attempt: Attempt = {
    run: run.id,
    number,
    stage: "preparing",
    startedAt: isoOf(desk.now),
    definition: track.definition,
    wanted,
    bases,
    stableTags: rendered.stableTags,
    uniqueTags: rendered.uniqueTags,
    buildArgs: rendered.buildArgs,
  };
  desk.world.put(keys.attempt(run.id, number), attempt);
  desk.world.put(keys.live(run.seq), { seq: run.seq, run: run.id, attempt: number } satisfies Live);
  desk.world.put(track.key, {
    ...track,
    planned: undefined,
    active: { id: run.id, order: run.order, waves: run.waves },
  } satisfies Track);
  unplace(desk, run);
  const moved = moveRun(desk, run, "Preparing", {
    attempt: number,
    place: undefined,
    hold: undefined,
    bases,
    ...withoutUnmoved(run),
  });
  owe(desk, { kind: "prepare", run: run.id, attempt: number, seq: moved.seq });
}
