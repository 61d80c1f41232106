import type { Caller } from "./caller.ts";

/** Requests an hour: 5,000 with credentials, 60 without. https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api */
const hourMs = 60 * 60 * 1000;

/** Counts requests per caller and hour for the `x-ratelimit-*` headers. It only counts; refusing is a fault's business. */
export class RateLimit {
  readonly #now: () => number;
  readonly #used = new Map<string, { used: number; reset: number }>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** The headers for this request. One answered 304 costs nothing. */
  count(caller: Caller, costs: boolean): Record<string, string> {
    const key = keyOf(caller);
    let window = this.#used.get(key);
    if (!window || window.reset <= this.#now()) window = { used: 0, reset: this.#now() + hourMs };
    if (costs) window.used += 1;
    this.#used.set(key, window);
    const limit = caller.kind === "anonymous" || caller.kind === "refused" ? 60 : 5000;
    return {
      "x-ratelimit-limit": String(limit),
      "x-ratelimit-remaining": String(Math.max(0, limit - window.used)),
      "x-ratelimit-reset": String(Math.floor(window.reset / 1000)),
      "x-ratelimit-resource": "core",
      "x-ratelimit-used": String(window.used),
    };
  }
}

function keyOf(caller: Caller): string {
  if (caller.kind === "installation") return `installation ${caller.token.installationId}`;
  return caller.kind === "user" ? `user ${caller.login}` : caller.kind;
}
