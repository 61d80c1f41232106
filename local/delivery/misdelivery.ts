import { setTimeout as sleep } from "node:timers/promises";
import { type DeliveryFaults, noDeliveryFaults, takeFault } from "./faults.ts";

/** Stands between what happened and its sending, and applies the faults. Without any, everything passes at once. */
export class Misdelivery<T> {
  readonly faults: DeliveryFaults;
  readonly #pass: (item: T) => Promise<void>;
  readonly #stop: AbortSignal;
  readonly #underWay = new Set<Promise<void>>();
  #held: T[] = [];
  #previous: T | undefined;

  /** `pass` settles when the item has been sent, whatever became of it, and rejects only when `stop` was given. */
  constructor(pass: (item: T) => Promise<void>, stop: AbortSignal, faults: DeliveryFaults = noDeliveryFaults()) {
    this.#pass = pass;
    this.#stop = stop;
    this.faults = faults;
  }

  take(item: T): void {
    if (!takeFault(this.faults, "lose")) this.forward(item);
  }

  /** Like `take`, for a sender that has looked at `lose` itself. */
  forward(item: T): void {
    const previous = this.#previous;
    this.#previous = item;
    const now = [item];
    if (takeFault(this.faults, "duplicate")) now.push(item);
    if (previous !== undefined && takeFault(this.faults, "replay")) now.push(previous);
    if (takeFault(this.faults, "reverse")) {
      this.#held.push(...now);
      if (this.faults.reverse === 0) this.release();
    } else this.#send(now);
  }

  /** Sends what is held back, newest first, though not all of it has come. */
  release(): void {
    this.#send(this.#held.splice(0).reverse());
  }

  /** No fault strikes any more, and nothing is held back. */
  clear(): void {
    Object.assign(this.faults, noDeliveryFaults());
    this.release();
  }

  /** When nothing is on its way. What is held back to be reversed is not waited for. */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  /** One after the other, because an order that a fault promises must be the order of arrival. */
  #send(items: readonly T[]): void {
    const sending = this.#sendInOrder(items)
      .catch((error: unknown) => {
        if (!this.#stop.aborted) throw error;
      })
      .finally(() => this.#underWay.delete(sending));
    this.#underWay.add(sending);
  }

  async #sendInOrder(items: readonly T[]): Promise<void> {
    for (const item of items) {
      if (this.faults.delayMs > 0) await sleep(this.faults.delayMs, undefined, { signal: this.#stop });
      await this.#pass(item);
    }
  }
}
