import type { QueueClient } from "@azure/storage-queue";

/**
 * In-host wake-up: a message sent by an output binding, or moved to a poison queue, ends the wait of a listener on that
 * queue at once. Messages sent by the app's own SDK clients do not (facts/functions-host.md §2.4).
 */
export class QueueWake {
  readonly #waiting = new Map<string, Set<() => void>>();

  /** Calls back on every message sent to the queue from inside this host, until the returned function is called. */
  listen(queue: QueueClient, callback: () => void): () => void {
    const key = keyOf(queue);
    const callbacks = this.#waiting.get(key) ?? new Set();
    this.#waiting.set(key, callbacks.add(callback));
    return () => callbacks.delete(callback);
  }

  wake(queue: QueueClient): void {
    for (const callback of this.#waiting.get(keyOf(queue)) ?? []) callback();
  }
}

function keyOf(queue: QueueClient): string {
  return queue.url.split("?")[0] ?? queue.url;
}
