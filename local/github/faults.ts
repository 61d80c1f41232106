import { type DeliveryFaults, noDeliveryFaults } from "../delivery/faults.ts";
import type { HttpFault } from "../http-faults.ts";

/**
 * What the twin does wrong on purpose. Counters say how many of the next webhooks it happens to; set them at any time.
 * They live in this process only: a restarted twin behaves.
 */
export interface Faults extends DeliveryFaults {
  /** In the delivery log as failed to connect, never sent: the log tells, a redelivery mends it. */
  refuse: number;
  /** Sent twice, the second time under a GUID of its own, as if the event had happened again. */
  repeat: number;
  /** Redeliveries that come without signature headers, as was reported of github.com in January 2026. */
  unsigned: number;
  /** Milliseconds after a push during which the API still answers with the refs as they were before it. */
  refLagMs: number;
  /** Whether GitHub's rate limits are enforced; they are always counted. */
  enforceRateLimits: boolean;
  /** 403 and 429 are given as GitHub's secondary rate limit; 5xx as its error page. */
  api: HttpFault[];
}

export function noFaults(): Faults {
  return {
    ...noDeliveryFaults(),
    refuse: 0,
    repeat: 0,
    unsigned: 0,
    refLagMs: 0,
    enforceRateLimits: false,
    api: [],
  };
}

/** Sets what is named and leaves the rest; a name or a value of another type is thrown, with nothing set. */
export function setFaults(faults: Faults, wanted: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(wanted)) {
    if (!Object.hasOwn(faults, name)) throw new Error(`no fault is called ${name}; there are ${Object.keys(faults)}`);
    const good = name === "api" ? Array.isArray(value) && value.every(isApiFault) : isLike(value, name, faults);
    if (!good) throw new Error(`not a value for ${name}: ${JSON.stringify(value)}`);
  }
  Object.assign(faults, wanted);
}

function isLike(value: unknown, name: string, faults: Faults): boolean {
  if (typeof value !== typeof faults[name as keyof Faults]) return false;
  return typeof value !== "number" || (Number.isFinite(value) && value >= 0);
}

/** GitHub has been seen to answer with these. */
const statuses: readonly unknown[] = [403, 429, 500, 502, 503, 504];

function isApiFault(value: unknown): boolean {
  const { status, cut, delayMs, times } = (value ?? {}) as Partial<HttpFault>;
  const does = status === undefined ? cut === true || typeof delayMs === "number" : statuses.includes(status);
  return does && typeof times === "number" && times > 0;
}
