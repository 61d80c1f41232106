import { join } from "node:path";
import { StateFile } from "../state-file.ts";
import type { Subscription, TopicEvent } from "./subscription.ts";

/** An event that one subscription has not got yet. */
export interface PendingEvent {
  readonly sequence: number;
  /** Key of the subscription. */
  readonly subscription: string;
  readonly event: TopicEvent;
  readonly attempts: number;
  /** Epoch milliseconds. */
  readonly publishedAt: number;
  readonly dueAt: number;
  readonly lastOutcome?: string;
}

export interface UndeliveredEvent extends PendingEvent {
  /** As in a dead-lettered event. */
  readonly deadLetterReason: "MaxDeliveryAttemptsExceeded" | "TimeToLiveExceeded" | "UndeliverableDueToHttpStatus";
}

export interface Operation {
  readonly id: string;
  readonly status: "InProgress" | "Succeeded" | "Failed";
  readonly message?: string;
}

interface Stored {
  lastSequence: number;
  /** By key. */
  subscriptions: Record<string, Subscription>;
  pending: PendingEvent[];
  /** The newest only: in place of a dead-letter container. */
  undelivered: UndeliveredEvent[];
  /** The newest only. */
  operations: Operation[];
}

const kept = 100;

/** Names of resources are found in any case. */
export const keyOf = (topic: string, name: string) => `${topic}/${name}`.toLowerCase();

/** Event Grid's memory and its only writer. Every change is on disk before anything rests on it. */
export class EventGridState {
  readonly #file: StateFile<Stored>;

  constructor(dir: string) {
    this.#file = new StateFile(join(dir, "event-grid.json"), () => ({
      lastSequence: 0,
      subscriptions: {},
      pending: [],
      undelivered: [],
      operations: [],
    }));
  }

  get subscriptions(): readonly Subscription[] {
    return Object.values(this.#file.value.subscriptions);
  }

  get undelivered(): readonly UndeliveredEvent[] {
    return this.#file.value.undelivered;
  }

  subscription(key: string): Subscription | undefined {
    return this.#file.value.subscriptions[key];
  }

  operation(id: string): Operation | undefined {
    return this.#file.value.operations.find((operation) => operation.id === id.toLowerCase());
  }

  /** Oldest first. */
  pending(key: string): PendingEvent[] {
    return this.#file.value.pending.filter((event) => event.subscription === key);
  }

  saveSubscription(subscription: Subscription, operation?: Operation): void {
    this.#file.value.subscriptions[keyOf(subscription.topic, subscription.name)] = subscription;
    if (operation) this.#setOperation(operation);
    this.#file.save();
  }

  /** With what was still to be delivered to it. */
  removeSubscription(key: string, operation: Operation): void {
    const stored = this.#file.value;
    delete stored.subscriptions[key];
    stored.pending = stored.pending.filter((event) => event.subscription !== key);
    this.#setOperation(operation);
    this.#file.save();
  }

  addPending(subscription: string, event: TopicEvent, now: number): void {
    const stored = this.#file.value;
    stored.lastSequence += 1;
    stored.pending.push({
      sequence: stored.lastSequence,
      subscription,
      event,
      attempts: 0,
      publishedAt: now,
      dueAt: now,
    });
    this.#file.save();
  }

  /** Ends or puts off these events, all in one write; `undefined` is delivered. */
  settle(changes: readonly (readonly [sequence: number, to: PendingEvent | UndeliveredEvent | undefined])[]): void {
    const stored = this.#file.value;
    const after = new Map(changes);
    stored.pending = stored.pending.flatMap((event) => {
      if (!after.has(event.sequence)) return event;
      const to = after.get(event.sequence);
      return to && !("deadLetterReason" in to) ? to : [];
    });
    stored.undelivered.push(...changes.flatMap(([, to]) => (to && "deadLetterReason" in to ? to : [])));
    stored.undelivered.splice(0, stored.undelivered.length - kept);
    this.#file.save();
  }

  #setOperation(operation: Operation): void {
    const stored = this.#file.value;
    stored.operations = [...stored.operations.filter(({ id }) => id !== operation.id), operation].slice(-kept);
  }
}
