import type { InvocationInput } from "./invocation.ts";
import { describeError, type Log } from "./log.ts";
import type { TimerTrigger } from "./metadata.ts";
import { parseTimerSchedule, type TimerSchedule } from "./timer-schedule.ts";
import { statusJson, type TimerStatus, type TimerStatusStore } from "./timer-status.ts";

/** setTimeout counts in 32 bits; a longer wait is made of several. */
const LONGEST_WAIT = 24 * 60 * 60_000;
const STATUS_RETRY = 2_000;

export interface TimerOptions {
  readonly functionName: string;
  readonly trigger: TimerTrigger;
  readonly status: TimerStatusStore;
  readonly log: Log;
  readonly run: (input: InvocationInput) => Promise<unknown>;
  readonly now?: () => Date;
}

/**
 * One timer function (facts/functions-host.md §2.6): at start it runs at once when the stored next occurrence has passed
 * (several missed ones are one run) or `runOnStartup` says so, then at each occurrence; it never overlaps itself, and a
 * failed run does not stop the schedule.
 */
export class Timer {
  readonly #options: TimerOptions;
  readonly #schedule: TimerSchedule;
  readonly #now: () => Date;
  #status: TimerStatus | undefined;
  #monitored = false;
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;
  #lock: Promise<unknown> = Promise.resolve();

  constructor(options: TimerOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => new Date());
    this.#schedule = parseTimerSchedule(options.trigger.schedule);
  }

  async start(): Promise<void> {
    this.#monitored = this.#options.trigger.useMonitor && !this.#schedule.isTooFrequentToMonitor(this.#now());
    const pastDue = this.#monitored && (await this.#isPastDue());
    if (this.#stopped) return;
    if (pastDue || this.#options.trigger.runOnStartup) this.#sleep(this.#now(), pastDue);
    else this.#sleep(this.#status?.next ?? this.#schedule.next(this.#now()), false);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** Runs it now, after a run under way has ended. Rejects when the invocation failed. */
  fire(reason: string, isPastDue = false): Promise<unknown> {
    const run = this.#lock.then(() => {
      const info = {
        Schedule: { AdjustForDST: this.#schedule.adjustForDst },
        ScheduleStatus: this.#monitored && this.#status ? statusJson(this.#status) : null,
        IsPastDue: isPastDue,
      };
      return this.#options.run({ data: { json: JSON.stringify(info) }, reason });
    });
    this.#lock = run.catch(() => {});
    return run;
  }

  /** Also repairs the status: a new timer or a changed schedule gets its next occurrence from now and is not past due. */
  async #isPastDue(): Promise<boolean> {
    const stored = await this.#readStatus();
    const now = this.#now();
    const expected = stored && this.#schedule.next(stored.last ?? stored.lastUpdated);
    if (stored && expected?.getTime() === stored.next.getTime()) {
      this.#status = stored;
      return stored.next < now;
    }
    await this.#saveStatus({ last: undefined, next: this.#schedule.next(now), lastUpdated: now });
    return false;
  }

  async #readStatus(): Promise<TimerStatus | undefined> {
    while (!this.#stopped) {
      try {
        return await this.#options.status.read();
      } catch (error) {
        this.#warn("read timer status", error);
        await new Promise((resolve) => setTimeout(resolve, STATUS_RETRY));
      }
    }
    return undefined;
  }

  async #saveStatus(status: TimerStatus): Promise<void> {
    this.#status = status;
    try {
      await this.#options.status.write(status);
    } catch (error) {
      this.#warn("write timer status", error);
    }
  }

  #sleep(until: Date, isPastDue: boolean): void {
    if (this.#stopped) return;
    const remaining = until.getTime() - this.#now().getTime();
    if (remaining > LONGEST_WAIT) this.#timer = setTimeout(() => this.#sleep(until, isPastDue), LONGEST_WAIT);
    else this.#timer = setTimeout(() => void this.#tick(until, isPastDue), Math.max(1, remaining));
  }

  async #tick(occurrence: Date, isPastDue: boolean): Promise<void> {
    try {
      await this.fire(`Timer fired at ${this.#now().toISOString()}`, isPastDue);
    } catch {
      // The invoker has logged it.
    }
    // A timeout may fire a moment early: without this the same occurrence would come twice.
    const last = new Date(Math.max(this.#now().getTime(), occurrence.getTime()));
    const next = this.#schedule.next(last);
    if (this.#monitored) await this.#saveStatus({ last, next, lastUpdated: last });
    this.#sleep(next, false);
  }

  #warn(act: string, error: unknown): void {
    this.#options.log("warning", "Host.Triggers.Timer", `${act}: ${describeError(error)}`, {
      function: this.#options.functionName,
    });
  }
}
