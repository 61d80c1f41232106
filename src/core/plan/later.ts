/**
 * A run that ended for no fault of its inputs is planned again by itself: what it was to bring is still wanted, and nobody
 * would tell of it a second time. Its track and what stands on it are planned as one word, which waits for its moment.
 */
import { type Desk, getTrack, isoOf } from "../run/desk.ts";
import { keys } from "../state/keys.ts";
import type { Run, Track } from "../state/rows.ts";
import { type StaleWord, staleWord } from "./base-ended.ts";

/** Hours from each such end in a row to the next try: three days in all. */
const hoursToNext = [0.25, 1, 4, 16, 24, 24];

/** What the track has to remember, and what the run says of it. */
export function planLater(desk: Desk, run: Run): { readonly fault: Track["fault"]; readonly note: string } {
  const before = getTrack(desk.world, run.track)?.fault?.times ?? 0;
  const fault = { run: run.id, times: before + 1 };
  const hours = hoursToNext[before];
  if (hours === undefined)
    return { fault, note: "not a fault of the image, tried again for three days: waits for a change or a person" };
  const at = desk.now + hours * 3_600_000;
  const word = staleWord(`${run.id}.again`, run.track, run.reasons, run, run.lineage ?? []);
  desk.world.put(keys.later(at, word.id), word);
  return { fault, note: `not a fault of the image: planned again at ${isoOf(at)}` };
}

/** The moment has come. Nothing is said any more if another run of the track was planned or has ended meanwhile. */
export function hearLater(desk: Desk, laterKey: string, word: StaleWord): void {
  const track = getTrack(desk.world, word.track);
  desk.world.remove(laterKey);
  const isLast = word.cause.kind === "run" && track?.fault?.run === word.cause.id;
  if (isLast && !track.planned && !track.active) desk.world.put(keys.inbox(desk.now, word.id), word);
}
