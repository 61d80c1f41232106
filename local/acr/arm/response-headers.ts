import { randomUUID } from "node:crypto";

type Kind = "reads" | "writes";

/** Buckets as HTTP recordings show them, larger than the documented 200 and 250; refilled at the documented rates. */
const buckets: Readonly<Record<Kind, { full: number; perSecond: number }>> = {
  reads: { full: 1200, perSecond: 25 },
  writes: { full: 800, perSecond: 10 },
};

/** Counts requests as ARM reports them. It does not refuse any: being throttled is a fault to switch on. */
export class RateLimitHeaders {
  readonly #left: Record<Kind, number> = { reads: buckets.reads.full, writes: buckets.writes.full };
  #refilledAt = Date.now();

  /** A POST is a write, also one that only lists a URL. */
  count(method: string): Record<string, string> {
    const kind: Kind = method === "GET" ? "reads" : "writes";
    this.#refill();
    this.#left[kind] = Math.max(0, this.#left[kind] - 1);
    const left = Math.floor(this.#left[kind]);
    return {
      [`x-ms-ratelimit-remaining-subscription-${kind}`]: String(left),
      [`x-ms-ratelimit-remaining-subscription-global-${kind}`]: String(left * 15),
    };
  }

  #refill(): void {
    const now = Date.now();
    const seconds = (now - this.#refilledAt) / 1000;
    for (const kind of ["reads", "writes"] as const) {
      const { full, perSecond } = buckets[kind];
      this.#left[kind] = Math.min(full, this.#left[kind] + seconds * perSecond);
    }
    this.#refilledAt = now;
  }
}

/** A client's correlation id is kept, as ARM does. */
export function requestIds(correlationId: string | undefined): Record<string, string> {
  const id = randomUUID();
  return { "x-ms-request-id": id, "x-ms-correlation-request-id": correlationId ?? id };
}
