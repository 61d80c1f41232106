import { randomUUID } from "node:crypto";
import { ArmError } from "./arm-error.ts";

type Kind = "reads" | "writes" | "deletes";

export interface Bucket {
  readonly full: number;
  readonly perSecond: number;
}
export type Buckets = Readonly<Record<Kind, Bucket>>;

/** Full as HTTP recordings show them, larger than the documented 250 and 200; refilled at the documented rates. */
const recorded: Buckets = {
  reads: { full: 1200, perSecond: 25 },
  writes: { full: 800, perSecond: 10 },
  deletes: { full: 800, perSecond: 10 },
};

export interface Taken {
  readonly headers: Readonly<Record<string, string>>;
  readonly refusal?: ArmError;
}

/**
 * Counts requests as ARM reports them, all callers in one set of buckets. Requests are refused only when told to throttle:
 * a twin that throttled by itself would slow every test down.
 */
export class RateLimits {
  readonly #buckets: Buckets;
  readonly #refuses: boolean;
  readonly #left: Record<Kind, number>;
  #refilledAt = Date.now();

  constructor(throttling?: Partial<Buckets>) {
    this.#buckets = { ...recorded, ...throttling };
    this.#refuses = throttling !== undefined;
    const { reads, writes, deletes } = this.#buckets;
    this.#left = { reads: reads.full, writes: writes.full, deletes: deletes.full };
  }

  /** A POST is a write, also one that only lists a URL. */
  take(method: string): Taken {
    const kind = method === "GET" || method === "HEAD" ? "reads" : method === "DELETE" ? "deletes" : "writes";
    this.#refill();
    const left = this.#left[kind];
    const refused = this.#refuses && left < 1;
    if (!refused) this.#left[kind] = Math.max(0, left - 1);
    const remaining = Math.floor(this.#left[kind]);
    return {
      headers: {
        [`x-ms-ratelimit-remaining-subscription-${kind}`]: String(remaining),
        [`x-ms-ratelimit-remaining-subscription-global-${kind}`]: String(remaining * 15),
      },
      ...(refused && { refusal: tooManyRequests(Math.ceil((1 - left) / this.#buckets[kind].perSecond)) }),
    };
  }

  #refill(): void {
    const now = Date.now();
    const seconds = (now - this.#refilledAt) / 1000;
    for (const kind of ["reads", "writes", "deletes"] as const) {
      const { full, perSecond } = this.#buckets[kind];
      this.#left[kind] = Math.min(full, this.#left[kind] + seconds * perSecond);
    }
    this.#refilledAt = now;
  }
}

function tooManyRequests(seconds: number): ArmError {
  const message = "The request was rejected due to request throttling";
  return new ArmError(429, "TooManyRequests", message, { headers: { "Retry-After": String(seconds) } });
}

/** A client's correlation id is kept, as ARM does. */
export function requestIds(correlationId: string | undefined): Record<string, string> {
  const id = randomUUID();
  return { "x-ms-request-id": id, "x-ms-correlation-request-id": correlationId ?? id };
}
