import type { Progress, Skipped } from "../state/rows.ts";
import type { Left } from "./closure.ts";
import type { SkipReason } from "./reason.ts";

export const noProgress: Progress = { planned: [], plannedCount: 0, skipped: [] };

/** Names kept per group: enough to recognise it, few enough for one row however large the wave. */
const namesKept = 50;

export function countPlanned(progress: Progress, image: string, run: string): Progress {
  return {
    ...progress,
    plannedCount: progress.plannedCount + 1,
    planned: progress.planned.length < namesKept ? [...progress.planned, { image, run }] : progress.planned,
  };
}

/** Groups by reason and message, so that ten thousand unchanged images are one line. */
export function countSkipped(
  progress: Progress,
  reason: SkipReason,
  image: string | undefined,
  message?: string,
): Progress {
  const at = progress.skipped.findIndex((s) => s.reason === reason && s.message === message);
  const group: Skipped = progress.skipped[at] ?? { reason, count: 0, images: [], ...(message ? { message } : {}) };
  const grown: Skipped = {
    ...group,
    count: group.count + (image === undefined ? 0 : 1),
    images: image !== undefined && group.images.length < namesKept ? [...group.images, image] : group.images,
  };
  return {
    ...progress,
    skipped: at < 0 ? [...progress.skipped, grown] : progress.skipped.map((s, i) => (i === at ? grown : s)),
  };
}

export function countLeft(progress: Progress, left: ReadonlyMap<string, Left>): Progress {
  return [...left.values()].reduce(
    (p, { reason, image, message }) => countSkipped(p, reason, image, message),
    progress,
  );
}
