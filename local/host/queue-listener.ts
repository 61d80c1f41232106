import type { DequeuedMessageItem, QueueClient } from "@azure/storage-queue";
import type { QueueSettings } from "./host-json.ts";
import type { InvocationInput } from "./invocation.ts";
import { describeError, type Log } from "./log.ts";
import { MessageLease } from "./message-lease.ts";
import type { QueueTrigger } from "./metadata.ts";
import { poisonQueueName } from "./poison-queue.ts";
import { type Backoff, QueueBackoff } from "./queue-backoff.ts";
import { decodeMessage } from "./queue-encoding.ts";
import { queueTriggerData, queueTriggerMetadata } from "./queue-message.ts";
import { sendCreatingQueue } from "./queue-send.ts";
import type { QueueWake } from "./queue-wake.ts";
import type { QueueAccount } from "./storage-connection.ts";
import { isMessageLost, statusOf } from "./storage-status.ts";

export interface QueueListenerOptions {
  readonly functionName: string;
  readonly trigger: QueueTrigger;
  readonly account: QueueAccount;
  readonly settings: QueueSettings;
  /** Milliseconds a received message stays invisible; the real host has a fixed ten minutes. */
  readonly receiveVisibility: number;
  readonly wake: QueueWake;
  /** The real host's when absent. */
  readonly backoff?: Backoff;
  readonly log: Log;
  /** Rejects when the invocation failed. */
  readonly run: (input: InvocationInput) => Promise<unknown>;
}

const TOO_OFTEN = "has reached maxDequeueCount";

/**
 * The loop of one queue function (facts/functions-host.md §2.4): receive a batch, start all of it, receive again once no
 * more than `newBatchThreshold` are in flight; an empty or missing queue and storage errors back off. At least once, no order.
 */
export class QueueListener {
  readonly #options: QueueListenerOptions;
  readonly #polling: QueueClient;
  readonly #queue: QueueClient;
  readonly #inFlight = new Set<Promise<void>>();
  #stopped = false;
  #awake = false;
  #wakeUp: () => void = () => {};
  #loop: Promise<void> = Promise.resolve();
  #ignoreWake: () => void = () => {};

  constructor(options: QueueListenerOptions) {
    this.#options = options;
    this.#polling = options.account.polling.getQueueClient(options.trigger.queueName);
    this.#queue = options.account.sending.getQueueClient(options.trigger.queueName);
  }

  start(): void {
    this.#ignoreWake = this.#options.wake.listen(this.#queue, () => this.#interrupt());
    this.#loop = this.#poll();
  }

  /** Receives nothing more and waits for a receive that is under way; what it brings still runs. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#ignoreWake();
    this.#interrupt();
    await this.#loop;
  }

  /** Settles when every message received so far has been run and deleted, moved or given back. */
  async idle(): Promise<void> {
    while (this.#inFlight.size > 0) await Promise.all(this.#inFlight);
  }

  async #poll(): Promise<void> {
    const { settings, backoff = new QueueBackoff(settings.maxPollingInterval) } = this.#options;
    while (!this.#stopped) {
      const messages = await this.#receive();
      if (messages.length === 0) {
        await this.#wait(backoff.next());
        continue;
      }
      backoff.reset();
      for (const message of messages) this.#start(message);
      while (!this.#stopped && this.#inFlight.size > settings.newBatchThreshold) await Promise.race(this.#inFlight);
    }
  }

  async #receive(): Promise<readonly DequeuedMessageItem[]> {
    const { settings, receiveVisibility } = this.#options;
    try {
      const response = await this.#polling.receiveMessages({
        numberOfMessages: settings.batchSize,
        visibilityTimeout: receiveVisibility / 1000,
      });
      return response.receivedMessageItems;
    } catch (error) {
      // A missing queue is not created, only waited for.
      if (statusOf(error) !== 404)
        this.#log("warning", `receive from queue ${this.#queue.name}: ${(error as Error).message}`);
      return [];
    }
  }

  #start(message: DequeuedMessageItem): void {
    const work = this.#process(message)
      .catch((error) =>
        this.#log("error", `message ${message.messageId} of ${this.#queue.name}: ${describeError(error)}`),
      )
      .finally(() => this.#inFlight.delete(work));
    this.#inFlight.add(work);
  }

  async #process(message: DequeuedMessageItem): Promise<void> {
    const { settings, receiveVisibility, trigger, run } = this.#options;
    const body = decodeMessage(message.messageText, settings.messageEncoding);
    if (!body) return this.#moveToPoison(message, message.popReceipt, "is not base64");
    // A host that died while running it for the last time left it behind.
    if (message.dequeueCount > settings.maxDequeueCount) {
      return this.#moveToPoison(message, message.popReceipt, TOO_OFTEN);
    }
    const lease = new MessageLease(this.#queue, message, receiveVisibility);
    let succeeded = true;
    try {
      await run({
        data: queueTriggerData(body, trigger.binary),
        triggerMetadata: queueTriggerMetadata(message, body),
        reason: `New queue message detected on '${this.#queue.name}'.`,
      });
    } catch {
      // The invoker has logged it.
      succeeded = false;
    }
    const popReceipt = await lease.end();
    if (succeeded) await this.#unlessLost(() => this.#queue.deleteMessage(message.messageId, popReceipt));
    else if (message.dequeueCount >= settings.maxDequeueCount) await this.#moveToPoison(message, popReceipt, TOO_OFTEN);
    else {
      const seconds = Math.ceil(settings.visibilityTimeout / 1000);
      await this.#unlessLost(() => this.#queue.updateMessage(message.messageId, popReceipt, undefined, seconds));
    }
  }

  /** Without a poison queue the message stays invisible until its visibility lapses, and then comes again, for ever. */
  async #moveToPoison(message: DequeuedMessageItem, popReceipt: string, why: string): Promise<void> {
    const name = poisonQueueName(this.#queue.name);
    if (!name) return;
    this.#log("warning", `message ${message.messageId} of '${this.#queue.name}' ${why}; moving it to '${name}'`);
    const poison = this.#options.account.sending.getQueueClient(name);
    await sendCreatingQueue(poison, message.messageText);
    this.#options.wake.wake(poison);
    await this.#unlessLost(() => this.#queue.deleteMessage(message.messageId, popReceipt));
  }

  async #unlessLost(act: () => Promise<unknown>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (!isMessageLost(error)) throw error;
    }
  }

  #wait(milliseconds: number): Promise<void> {
    // A wake-up during the receive counts: its message may have come too late for that receive.
    if (this.#awake || this.#stopped) {
      this.#awake = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#wakeUp = () => {};
        this.#awake = false;
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      this.#wakeUp = done;
    });
  }

  #interrupt(): void {
    this.#awake = true;
    this.#wakeUp();
  }

  #log(level: "warning" | "error", message: string): void {
    this.#options.log(level, "Host.Triggers.Queue", message, { function: this.#options.functionName });
  }
}
