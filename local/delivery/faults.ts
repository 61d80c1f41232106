/**
 * What a sender of events does wrong on purpose. Counters say how many of the next events it happens to; set them at any
 * time. They live in this process only: a restarted twin behaves, and forgets what it was holding back.
 */
export interface DeliveryFaults {
  /** Never sent, and in no history. */
  lose: number;
  /** Sent twice, the same bytes. */
  duplicate: number;
  /** Held back until that many have come, then sent newest first, one after the other. */
  reverse: number;
  /** The event before it is sent once more after it, as it was: an old truth after a newer one. */
  replay: number;
  /** Milliseconds before each event leaves. On one sender of two, it puts them in the wrong order towards each other. */
  delayMs: number;
}

export function noDeliveryFaults(): DeliveryFaults {
  return { lose: 0, duplicate: 0, reverse: 0, replay: 0, delayMs: 0 };
}

/** Takes one from a counter of faults; false when none is left. */
export function takeFault<Counter extends string>(faults: Record<Counter, number>, counter: Counter): boolean {
  if (faults[counter] <= 0) return false;
  faults[counter] -= 1;
  return true;
}
