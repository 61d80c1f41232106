/** WorkerRestartErrorIntervalThresholdInMinutes and ErrorEventsThreshold (three per process) of the real host. */
const FORGOTTEN_AFTER = 30 * 60_000;
const MOST = 3;

/** Counts a worker's crashes: the third is the last, unless half an hour passed between one and the next. Milliseconds. */
export class CrashBudget {
  #crashes = 0;
  #latest = 0;

  get isSpent(): boolean {
    return this.#crashes >= MOST;
  }

  crashed(now: number): void {
    if (now - this.#latest > FORGOTTEN_AFTER) this.#crashes = 0;
    this.#crashes += 1;
    this.#latest = now;
  }
}
