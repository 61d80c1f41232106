/**
 * A run that ended for no fault of its inputs, or for want of a base, is planned again by itself: what it was to bring is still wanted, and nobody
 * would tell of it a second time. Its track and what stands on it are planned as one word, which waits for its moment.
 */
import { type Desk, getTrack, isoOf } from "../run/desk.ts";
import { movingBases } from "../run/place.ts";
import { keys } from "../state/keys.ts";
import type { Run, Track } from "../state/rows.ts";
import { type StaleWord, staleWord } from "./base-ended.ts";

/** Hours from each such end in a row to the next try: three days in all. */
const hoursToNext = [0.25, 1, 4, 16, 24, 24];

/** What the track has to remember, and what the run says of it. */
export function planLater(
  desk: Desk,
  run: Run,
  why: string,
): { readonly fault: Track["fault"]; readonly note: string } {
  const before = getTrack(desk.world, run.track)?.fault?.times ?? 0;
  const fault = { run: run.id, times: before + 1 };
  const at = sayLater(desk, staleWord(`${run.id}.again`, run.track, run.reasons, run, run.lineage ?? []), before);
  const note =
    at === undefined
      ? `${why}, tried again for three days: waits for a change or a person`
      : `${why}: planned again at ${isoOf(at)}`;
  return { fault, note };
}

function sayLater(desk: Desk, word: StaleWord, times: number): number | undefined {
  const hours = hoursToNext[times];
  if (hours === undefined) return undefined;
  const at = desk.now + hours * 3_600_000;
  desk.world.put(keys.later(at, word.id), word);
  return at;
}

/**
 * The moment has come. Nothing is said any more if another run of the track was planned or has ended meanwhile; while a base
 * does not exist there is nothing to plan, and it is looked for again.
 */
export function hearLater(desk: Desk, laterKey: string, word: StaleWord): void {
  const track = getTrack(desk.world, word.track);
  desk.world.remove(laterKey);
  const isLast = word.cause.kind === "run" && track?.fault?.run === word.cause.id;
  if (!isLast || track.planned || track.active) return;
  const bases = [...desk.world.digests(movingBases(track)).values()];
  if (!bases.some((base) => base.kind === "absent")) {
    desk.world.put(keys.inbox(desk.now, word.id), word);
    return;
  }
  const { run, times } = track.fault!;
  sayLater(desk, word, times);
  desk.world.put(track.key, { ...track, fault: { run, times: times + 1 } } satisfies Track);
}
