const MINIMUM = 100;

/** How long to wait before asking again, in milliseconds. */
export interface Backoff {
  /** There was work: begin anew. */
  reset(): void;
  next(): number;
}

/**
 * Waiting times of one queue listener in milliseconds: the first wait after work is 100 ms, the n-th further one
 * 100 + 100 x 2^(n-1) x random(0.8..1.2), at most `longest` (facts/functions-host.md §2.4).
 */
export class QueueBackoff implements Backoff {
  readonly #longest: number;
  readonly #random: () => number;
  #waits = 0;

  constructor(longest: number, random: () => number = Math.random) {
    this.#longest = longest;
    this.#random = random;
  }

  reset(): void {
    this.#waits = 0;
  }

  next(): number {
    const further = this.#waits;
    this.#waits = Math.min(this.#waits + 1, 40);
    if (further === 0) return Math.min(MINIMUM, this.#longest);
    const factor = 0.8 + 0.4 * this.#random();
    return Math.min(MINIMUM + MINIMUM * 2 ** (further - 1) * factor, this.#longest);
  }
}
