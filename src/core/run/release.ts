/** Takes a ready run and decides: build it, skip it because nothing changed, or hold it. What is built is frozen here. */
import { keys } from "../state/keys.ts";
import type { Run, Track, TrackPointer, Wanted } from "../state/rows.ts";
import { failRun, openAttempt } from "./attempt.ts";
import { type Desk, getTrack, refName } from "./desk.ts";
import { digestsNow, holdRun, movingBases, placeRun } from "./place.ts";
import { endRun, unplace } from "./transition.ts";

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
  const wanted: Wanted = { ...track.wanted, occurrence: run.occurrence };
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
  const changes = { place: undefined, hold: undefined, ...withoutUnmoved(run) };
  if (!openAttempt(desk, run, run.attempt + 1, { definition: track.definition, wanted, bases }, changes)) return;
  const active = { id: run.id, order: run.order, waves: run.waves };
  desk.world.put(track.key, { ...track, planned: undefined, active } satisfies Track);
  unplace(desk, run);
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
  const maker = desk.world.get<TrackPointer>(keys.makes(reference));
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
