import { setTimeout as wait } from "node:timers/promises";

/** Beyond it, and what is reckoned from it, dates have no ISO form that others read; later still JavaScript has none. */
const endOfTime = Date.UTC(9999, 0);

/**
 * The time of a twin, which its parts share: the date they write and judge by, this machine's until it is made to jump; and
 * how quickly time passes where Azure only waits. A scale of 60 lets a minute of a task's time pass in a second; dates are
 * not bent by it. Storage keeps the machine's time, and so do the links to it.
 */
export class Clock {
  readonly scale: number;
  #aheadMs = 0;

  constructor(scale = 1) {
    if (!(scale > 0)) throw new Error(`clock scale must be above 0, not ${scale}`);
    this.scale = scale;
  }

  /** How far the date is ahead of this machine's. */
  get aheadMs(): number {
    return this.#aheadMs;
  }

  /** Puts the date further ahead, to the year 9998 at the most. Timers that run do not notice. */
  jump(ms: number): void {
    if (this.now() + ms >= endOfTime) throw new Error("the date would be later than the year 9998");
    this.#aheadMs += ms;
  }

  /** The date is this machine's again. */
  setRight(): void {
    this.#aheadMs = 0;
  }

  /** Epoch milliseconds. */
  now(): number {
    return Date.now() + this.#aheadMs;
  }

  date(): Date {
    return new Date(this.now());
  }

  iso(): string {
    return this.date().toISOString();
  }

  /** How many milliseconds that long a time takes here. */
  scaled(seconds: number): number {
    return (seconds * 1000) / this.scale;
  }

  async sleep(seconds: number, signal: AbortSignal): Promise<void> {
    if (seconds > 0) await wait(this.scaled(seconds), undefined, { signal });
  }

  /** Calls once after that time unless stopped. */
  after(seconds: number, act: () => void): { stop(): void } {
    const timer = setTimeout(act, this.scaled(seconds));
    return { stop: () => clearTimeout(timer) };
  }
}
