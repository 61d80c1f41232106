import { setTimeout as wait } from "node:timers/promises";

/** How long things take in the twin. A scale of 60 lets a minute of a task's time pass in a second; dates are never bent. */
export class Clock {
  readonly #scale: number;

  constructor(scale: number) {
    if (!(scale > 0)) throw new Error(`clock scale must be above 0, not ${scale}`);
    this.#scale = scale;
  }

  async sleep(seconds: number, signal: AbortSignal): Promise<void> {
    if (seconds > 0) await wait((seconds * 1000) / this.#scale, undefined, { signal });
  }

  /** Calls once after that time unless stopped. */
  after(seconds: number, act: () => void): { stop(): void } {
    const timer = setTimeout(act, (seconds * 1000) / this.#scale);
    return { stop: () => clearTimeout(timer) };
  }
}

/** `27s`, `1m5s`, `1h0m3s`: as Go prints whole seconds. */
export function goDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const tail = `${seconds % 60}s`;
  if (hours > 0) return `${hours}h${minutes}m${tail}`;
  return minutes > 0 ? `${minutes}m${tail}` : tail;
}
