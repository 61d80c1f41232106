import { type Caller, callerName } from "./caller.ts";
import type { Limits } from "./limits.ts";

const minuteMs = 60 * 1000;
const hourMs = 60 * minuteMs;

/** `core` counts from a caller's first request on, an hour at a time. */
interface Window {
  used: number;
  resetMs: number;
}

/** How a request is refused: 403 in every case; GitHub documents 403 or 429. */
export interface Refusal {
  message: string;
  /** Seconds. A used-up primary limit has none: `x-ratelimit-reset` tells. */
  retryAfter?: number;
}

/**
 * Counts each caller's requests and says which to refuse.
 * https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
 */
export class RateLimits {
  readonly #now: () => number;
  readonly #limits: Limits;
  /** How many repositories an installation reaches: its primary limit grows with them. */
  readonly #reach: (caller: Caller) => number;
  readonly #windows = new Map<string, Window>();
  readonly #concurrent = new Map<string, number>();

  constructor(now: () => number, limits: Limits, reach: (caller: Caller) => number) {
    this.#now = now;
    this.#limits = limits;
    this.#reach = reach;
  }

  /** Why this request is refused, if it is, and counts it towards the secondary limits. Call `end` when it is over. */
  begin(caller: Caller, method: string): Refusal | undefined {
    const name = callerName(caller);
    this.#concurrent.set(name, (this.#concurrent.get(name) ?? 0) + 1);
    const reads = method === "GET" || method === "HEAD" || method === "OPTIONS";
    const { concurrentRequests, pointsPerMinute, creationsPerMinute, creationsPerHour } = this.#limits;
    if (this.core(caller).remaining === 0) {
      return { message: `API rate limit exceeded for ${name}.` };
    }
    if (this.#concurrent.get(name)! > concurrentRequests) return tooFast(60);
    const points = this.#count(`${name}: points`, minuteMs, reads ? 1 : 5);
    if (points.used > pointsPerMinute) return tooFast(this.#secondsTo(points));
    if (reads) return undefined;
    const minute = this.#count(`${name}: creations a minute`, minuteMs, 1);
    const hour = this.#count(`${name}: creations an hour`, hourMs, 1);
    if (minute.used > creationsPerMinute) return tooFast(this.#secondsTo(minute));
    return hour.used > creationsPerHour ? tooFast(this.#secondsTo(hour)) : undefined;
  }

  /** Counts the request towards the primary limit, unless it was free: 304, refused, or asking for the limit itself. */
  end(caller: Caller, free: boolean): void {
    const name = callerName(caller);
    this.#concurrent.set(name, this.#concurrent.get(name)! - 1);
    if (!free) this.#count(`${name}: core`, hourMs, 1);
  }

  /** The primary limit as it stands. `reset` is in epoch seconds. */
  core(caller: Caller): { limit: number; used: number; remaining: number; reset: number } {
    const { used, resetMs } = this.#count(`${callerName(caller)}: core`, hourMs, 0);
    const limit = this.#limitOf(caller);
    return { limit, used, remaining: Math.max(0, limit - used), reset: Math.floor(resetMs / 1000) };
  }

  #limitOf(caller: Caller): number {
    const { requestsPerHour, anonymousRequestsPerHour } = this.#limits;
    if (caller.kind === "anonymous" || caller.kind === "refused") return anonymousRequestsPerHour;
    if (caller.kind !== "installation") return requestsPerHour;
    // 50 more for each repository over 20, up to 12,500.
    return Math.min(requestsPerHour * 2.5, requestsPerHour + 50 * Math.max(0, this.#reach(caller) - 20));
  }

  #count(key: string, lengthMs: number, by: number): Window {
    let window = this.#windows.get(key);
    if (!window || window.resetMs <= this.#now()) window = { used: 0, resetMs: this.#now() + lengthMs };
    window.used += by;
    this.#windows.set(key, window);
    return window;
  }

  #secondsTo({ resetMs }: Window): number {
    return Math.max(1, Math.ceil((resetMs - this.#now()) / 1000));
  }
}

function tooFast(retryAfter: number): Refusal {
  return {
    message: "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
    retryAfter,
  };
}
