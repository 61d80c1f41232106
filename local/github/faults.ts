/** An answer the REST API gives instead of its own. */
export interface ApiFault {
  /** 403 and 429 are given as GitHub's secondary rate limit; 5xx as its error page. */
  status: 403 | 429 | 500 | 502 | 503 | 504;
  /** How many requests meet it. */
  times: number;
  /** Seconds, sent as `retry-after`. */
  retryAfter?: number;
  /** Only paths containing this text, and only this method. */
  path?: string;
  method?: string;
}

/**
 * What the twin does wrong on purpose. Counters say how many of the next webhooks it happens to; set them at any time.
 * They live in this process only: a restarted twin behaves.
 */
export interface Faults {
  /** Never sent and not in the delivery log either: only looking at the refs finds out. */
  loseWebhooks: number;
  /** In the delivery log as failed to connect, never sent: the log tells, a redelivery mends it. */
  failWebhooks: number;
  /** Sent twice with the same GUID. */
  duplicateWebhooks: number;
  /** Milliseconds before each webhook leaves. */
  delayWebhooksMs: number;
  /** Milliseconds after a push during which the API still answers with the refs as they were before it. */
  refLagMs: number;
  api: ApiFault[];
}

export function noFaults(): Faults {
  return { loseWebhooks: 0, failWebhooks: 0, duplicateWebhooks: 0, delayWebhooksMs: 0, refLagMs: 0, api: [] };
}

/** Takes one from a counter of faults; false when none is left. */
export function takeFault(faults: Faults, kind: "loseWebhooks" | "failWebhooks" | "duplicateWebhooks"): boolean {
  if (faults[kind] <= 0) return false;
  faults[kind] -= 1;
  return true;
}

/** The fault this request meets, if any, and uses it up by one. */
export function takeApiFault(faults: Faults, method: string, path: string): ApiFault | undefined {
  const fault = faults.api.find(
    (candidate) =>
      candidate.times > 0 &&
      (candidate.method === undefined || candidate.method === method) &&
      (candidate.path === undefined || path.includes(candidate.path)),
  );
  if (fault) fault.times -= 1;
  return fault;
}
