import type { Track } from "../state/rows.ts";

/** A track that failed this often in a row is built again by a commit or a person, not by its bases. */
const failuresMost = 3;

export function keepsFailing(track: Track): boolean {
  return track.failures >= failuresMost && !track.planned;
}

export const keepsFailingMessage = `failed ${failuresMost} times in a row: waits for a commit or a person, on the last good base`;
