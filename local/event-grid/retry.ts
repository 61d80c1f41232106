/**
 * When Event Grid tries again, in seconds after the attempt that failed; from the tenth failure on, every 12 hours.
 * https://learn.microsoft.com/azure/event-grid/delivery-and-retry#retry-schedule. Azure adds a little at random.
 */
const minute = 60;
const hour = 60 * minute;
const schedule = [10, 30, minute, 5 * minute, 10 * minute, 30 * minute, hour, 3 * hour, 6 * hour, 12 * hour];

/** Answers of a webhook that a later attempt would not change: the event is given up at once. */
const final = new Set([400, 401, 403, 413]);

/** Answers after which the schedule's early steps are too hasty. */
const atLeast = new Map([
  [408, 2 * minute],
  [503, 30],
]);

export const isDelivered = (status: number) => status >= 200 && status <= 204;

/** `status` is absent when there was no answer; `attempts` counts the one that failed. Undefined: not again. */
export function secondsUntilRetry(status: number | undefined, attempts: number): number | undefined {
  if (status !== undefined && final.has(status)) return undefined;
  const scheduled = schedule[Math.min(attempts, schedule.length) - 1]!;
  return Math.max(scheduled, atLeast.get(status ?? 0) ?? 0);
}
