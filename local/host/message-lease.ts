import type { QueueClient } from "@azure/storage-queue";
import { isMessageLost } from "./storage-status.ts";

/**
 * Keeps a received message invisible while its function runs: renewed at half the visibility. After an error it tries
 * sooner, halving down to a tenth of the visibility (1 min of 10); once the message is lost it stops and the run goes on.
 */
export class MessageLease {
  readonly #queue: QueueClient;
  readonly #messageId: string;
  readonly #visibility: number;
  #popReceipt: string;
  #timer: NodeJS.Timeout | undefined;
  #renewing: Promise<void> = Promise.resolve();
  #ended = false;

  /** `visibility` in milliseconds, whole seconds. */
  constructor(queue: QueueClient, message: { messageId: string; popReceipt: string }, visibility: number) {
    this.#queue = queue;
    this.#messageId = message.messageId;
    this.#popReceipt = message.popReceipt;
    this.#visibility = visibility;
    this.#schedule(visibility / 2);
  }

  /** Ends renewal and tells the newest receipt: every renewal makes a new one. */
  async end(): Promise<string> {
    this.#ended = true;
    clearTimeout(this.#timer);
    await this.#renewing;
    return this.#popReceipt;
  }

  #schedule(delay: number): void {
    this.#timer = setTimeout(() => {
      this.#renewing = this.#renew(delay);
    }, delay);
  }

  async #renew(delay: number): Promise<void> {
    let next = this.#visibility / 2;
    try {
      const updated = await this.#queue.updateMessage(
        this.#messageId,
        this.#popReceipt,
        undefined,
        this.#visibility / 1000,
      );
      this.#popReceipt = updated.popReceipt ?? this.#popReceipt;
    } catch (error) {
      if (isMessageLost(error)) return;
      next = Math.max(delay / 2, this.#visibility / 10);
    }
    if (!this.#ended) this.#schedule(next);
  }
}
