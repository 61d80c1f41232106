import { RegistryError } from "./registry-error.ts";

export type Tier = "Basic" | "Standard" | "Premium";
/** What ACR counts apart. */
export type Operations = "read" | "write" | "delete" | "referrers" | "oauth";
export type PerMinute = Readonly<Record<Operations, number>>;

/** Requests per minute and registry; facts: infra-and-local.md §5, from ACR's documentation of August 2026. */
const lower: PerMinute = { read: 10_000, write: 2000, delete: 1000, referrers: 500, oauth: 10_000 };
const rates: Readonly<Record<Tier, PerMinute>> = {
  Basic: lower,
  Standard: lower,
  Premium: { read: 20_000, write: 4000, delete: 4000, referrers: 2000, oauth: 20_000 },
};

export interface LimitOptions {
  readonly tier: Tier;
  /** Other rates than the tier's, for tests that do not want to send thousands of requests. */
  readonly perMinute?: Partial<PerMinute>;
  /** Milliseconds. */
  readonly now?: () => number;
}

interface Bucket {
  left: number;
  /** When it is filled anew, in milliseconds. */
  readonly until: number;
}

const minute = 60_000;

/**
 * A bucket for each kind of operation, filled anew a minute after its first use, so that Retry-After counts down. That it
 * is not filled drop by drop shows in recordings, whose `x-ms-ratelimit-remaining-calls-per-second` is what is left of
 * 10,000, by sixty, and only sinks.
 */
export class Limits {
  readonly #rates: PerMinute;
  readonly #now: () => number;
  readonly #buckets = new Map<string, Bucket>();

  constructor({ tier, perMinute, now }: LimitOptions) {
    this.#rates = { ...rates[tier], ...perMinute };
    this.#now = now ?? Date.now;
  }

  /** Counts a request, or throws 429. Returns what the rate header says. One caller may have half of all reads. */
  take(operations: Operations, caller: string): string {
    const rate = this.#rates[operations];
    if (operations === "read") this.#takeFrom(`read by ${caller}`, rate / 2);
    return String(Math.round((this.#takeFrom(operations, rate) / 60) * 1e6) / 1e6);
  }

  #takeFrom(name: string, rate: number): number {
    const now = this.#now();
    let bucket = this.#buckets.get(name);
    if (!bucket || bucket.until <= now) {
      bucket = { left: rate, until: now + minute };
      this.#buckets.set(name, bucket);
    }
    if (bucket.left < 1) throw tooMany(Math.ceil((bucket.until - now) / 1000));
    bucket.left -= 1;
    return bucket.left;
  }
}

/** `retryAfter` in seconds. */
export function tooMany(retryAfter?: number): RegistryError {
  const message =
    "Too many requests. Please visit https://aka.ms/acr/skus#sku-feature-matrix to view limits of all service tiers.";
  const headers: Record<string, string> = retryAfter === undefined ? {} : { "Retry-After": String(retryAfter) };
  return new RegistryError(429, "TOOMANYREQUESTS", message, { headers });
}
