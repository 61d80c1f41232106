import { randomUUID } from "node:crypto";
import { Clock } from "../clock.ts";
import type { DeliveryFaults } from "../delivery/faults.ts";
import { Misdelivery } from "../delivery/misdelivery.ts";
import { send } from "../delivery/send.ts";
import type { RegistryEvent } from "../registry/registry-event.ts";
import { deliver, type Outcome } from "./deliver.ts";
import { EventGridState, keyOf, type Operation, type PendingEvent, type UndeliveredEvent } from "./event-grid-state.ts";
import { handshakeFor } from "./handshake.ts";
import { isDelivered, secondsUntilRetry } from "./retry.ts";
import { matches, type Subscription, type SubscriptionSettings, type TopicEvent, topicEvent } from "./subscription.ts";

export interface EventGridOptions {
  readonly dir: string;
  /** Where queues are; without it a StorageQueue destination cannot be reached. */
  readonly storageConnectionString?: string;
  /** Its scale is for retries, times to live and validation URLs. */
  readonly clock?: Clock;
  /** Milliseconds a receiver has to answer; Event Grid's 30 s unless told. Not scaled. */
  readonly answerWithinMs?: number;
  /** Told of each attempt to deliver. */
  readonly onSent?: (sent: SentEvents) => void;
}

export interface SentEvents {
  readonly topic: string;
  readonly subscription: string;
  /** Of the events, which stood or fell together. */
  readonly ids: readonly string[];
  /** As in `aeg-delivery-count`: 0 for a first attempt. */
  readonly deliveryCount: number;
  readonly outcome: string;
}

interface Intake {
  readonly subscription: string;
  readonly event: TopicEvent;
}

/** How long a validation URL counts. */
const validationMinutes = 5;

/** Subscriptions to any number of topics, and the delivery of what is published there. */
export class EventGrid {
  readonly #state: EventGridState;
  readonly #storageConnectionString: string | undefined;
  readonly #clock: Clock;
  readonly #answerWithinMs: number;
  readonly #onSent: (sent: SentEvents) => void;
  readonly #stop = new AbortController();
  readonly #intake: Misdelivery<Intake>;
  /** Subscriptions whose pending events are being seen to, by key. One request at a time for each. */
  readonly #pumps = new Map<string, Promise<void>>();
  readonly #handshakes = new Set<Promise<void>>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  #validationBaseUrl = "";

  constructor(options: EventGridOptions) {
    const { dir, storageConnectionString, clock = new Clock(), answerWithinMs = 30_000, onSent = () => {} } = options;
    this.#state = new EventGridState(dir);
    this.#storageConnectionString = storageConnectionString;
    this.#clock = clock;
    this.#answerWithinMs = answerWithinMs;
    this.#onSent = onSent;
    this.#intake = new Misdelivery(async (intake) => this.#accept(intake), this.#stop.signal);
  }

  /** Faults strike between the topic and a subscription's queue; what has got into the queue is delivered at least once. */
  get faults(): DeliveryFaults {
    return this.#intake.faults;
  }

  /** No fault strikes any more; what was held back is queued. */
  clearFaults(): void {
    this.#intake.clear();
  }

  /** In place of a dead-letter container: what was given up lately, oldest first. */
  get undelivered(): readonly UndeliveredEvent[] {
    return this.#state.undelivered;
  }

  /** Goes on with what an earlier process left, once it is known where `GET /eventsubscriptions/…/validate` is served. */
  start(validationBaseUrl: string): void {
    this.#validationBaseUrl = validationBaseUrl;
    for (const subscription of this.#state.subscriptions) {
      const { provisioningState } = subscription;
      if (provisioningState === "Creating" || provisioningState === "Updating") this.#shakeHands(subscription);
      if (provisioningState === "AwaitingManualAction") this.#awaitUrl(subscription);
      this.#pump(keyOf(subscription.topic, subscription.name));
    }
  }

  list(topic: string): Subscription[] {
    return this.#state.subscriptions.filter((subscription) => subscription.topic.toLowerCase() === topic.toLowerCase());
  }

  get(topic: string, name: string): Subscription | undefined {
    return this.#state.subscription(keyOf(topic, name));
  }

  operation(id: string): Operation | undefined {
    return this.#state.operation(id);
  }

  /** Events this subscription has yet to get, oldest first. */
  pending(topic: string, name: string): readonly PendingEvent[] {
    return this.#state.pending(keyOf(topic, name));
  }

  /** Creates or replaces, and asks a webhook for its consent, in the background, each time. */
  put(topic: string, name: string, settings: SubscriptionSettings): Subscription {
    const before = this.get(topic, name);
    const subscription: Subscription = {
      ...settings,
      name: before?.name ?? name,
      topic: before?.topic ?? topic,
      provisioningState: before && isCollecting(before) ? "Updating" : "Creating",
      operationId: randomUUID(),
      validationCode: randomUUID(),
      validUntil: this.#clock.now() + this.#clock.scaled(validationMinutes * 60),
    };
    this.#state.saveSubscription(subscription, { id: subscription.operationId, status: "InProgress" });
    this.#shakeHands(subscription);
    return subscription;
  }

  /** Undefined when there is none. Nothing more is delivered, also of what was already published. */
  remove(topic: string, name: string): Operation | undefined {
    const key = keyOf(topic, name);
    if (!this.#state.subscription(key)) return undefined;
    clearTimeout(this.#timers.get(key));
    const operation: Operation = { id: randomUUID(), status: "Succeeded" };
    this.#state.removeSubscription(key, operation);
    return operation;
  }

  /** Somebody called a validation URL; true when it counted. */
  validate(code: string): boolean {
    const subscription = this.#state.subscriptions.find(({ validationCode }) => validationCode === code);
    if (!subscription || subscription.provisioningState === "Failed") return false;
    if (subscription.provisioningState !== "Succeeded") this.#move(subscription, "Succeeded");
    return true;
  }

  /** The resource is gone, and what hung on it. */
  removeTopic(topic: string): void {
    for (const { name } of this.list(topic)) this.remove(topic, name);
  }

  /** A registry's event on its topic. It is queued on disk before this returns, but for faults that hold it back. */
  publish(topic: string, location: string, event: RegistryEvent): void {
    const published = topicEvent(topic, location, event);
    for (const subscription of this.list(topic)) {
      if (!isCollecting(subscription) || !matches(subscription, published)) continue;
      this.#intake.take({ subscription: keyOf(topic, subscription.name), event: published });
    }
  }

  /** When nothing is on its way; an event that waits for its next attempt is not waited for. */
  async settled(): Promise<void> {
    await this.#intake.settled();
    while (this.#handshakes.size > 0 || this.#pumps.size > 0)
      await Promise.all([...this.#handshakes, ...this.#pumps.values()]);
  }

  /** Stops as a crash would: what was on its way is sent again by the next start in the same `dir`. */
  async close(): Promise<void> {
    this.#stop.abort();
    for (const timer of this.#timers.values()) clearTimeout(timer);
    await this.settled();
  }

  #accept({ subscription, event }: Intake): void {
    if (!this.#state.subscription(subscription)) return;
    this.#state.addPending(subscription, event, this.#clock.now());
    this.#pump(subscription);
  }

  #shakeHands(subscription: Subscription): void {
    const shaking = this.#ask(subscription)
      .catch((error: unknown) => {
        // Stopping: it stays as it is, so the next start asks again.
        if (!this.#stop.signal.aborted) throw error;
      })
      .finally(() => this.#handshakes.delete(shaking));
    this.#handshakes.add(shaking);
  }

  async #ask(subscription: Subscription): Promise<void> {
    const { destination } = subscription;
    if (destination.endpointType === "StorageQueue") {
      // Azure too answers first, with the state it then leaves.
      await Promise.resolve();
      return this.#move(subscription, "Succeeded");
    }
    const handshake = handshakeFor(
      subscription,
      destination.endpointUrl,
      this.#validationUrl(subscription),
      this.#clock.date(),
    );
    const { judge, ...request } = handshake;
    const answer = await send(
      { ...request, url: destination.endpointUrl, timeoutMs: this.#answerWithinMs },
      this.#stop.signal,
    );
    // A receiver may call the validation URL before it answers.
    if (this.get(subscription.topic, subscription.name)?.provisioningState === "Succeeded") return;
    const verdict = judge(answer);
    if (verdict.kind === "validated") this.#move(subscription, "Succeeded");
    else if (verdict.kind === "refused") this.#move(subscription, "Failed", verdict.message);
    else this.#move(subscription, "AwaitingManualAction");
  }

  /** ARM's operation stays under way meanwhile: the PUT is not done until there is consent or the time is over. */
  #awaitUrl(subscription: Subscription): void {
    this.#at(keyOf(subscription.topic, subscription.name), subscription.validUntil, () => {
      const { destination } = subscription;
      const url = destination.endpointType === "WebHook" ? destination.endpointUrl : "";
      this.#move(
        subscription,
        "Failed",
        `Webhook validation handshake failed for ${url}. Nobody called the validation URL.`,
      );
    });
  }

  /** Takes a PUT further, unless another came after it. */
  #move(
    subscription: Subscription,
    provisioningState: "AwaitingManualAction" | "Succeeded" | "Failed",
    message?: string,
  ): void {
    const { topic, name, operationId: id } = subscription;
    if (this.get(topic, name)?.operationId !== id) return;
    const status = provisioningState === "AwaitingManualAction" ? "InProgress" : provisioningState;
    const operation: Operation = { id, status, ...(message !== undefined && { message }) };
    this.#state.saveSubscription({ ...subscription, provisioningState }, operation);
    clearTimeout(this.#timers.get(keyOf(topic, name)));
    if (provisioningState === "AwaitingManualAction") this.#awaitUrl(subscription);
    else this.#pump(keyOf(topic, name));
  }

  #validationUrl({ name, validationCode }: Subscription): string {
    const query = new URLSearchParams({
      id: validationCode,
      t: this.#clock.iso().replace("Z", "0000Z"),
      apiVersion: "2022-06-15",
    });
    return `${this.#validationBaseUrl}/eventsubscriptions/${name.toLowerCase()}/validate?${query}`;
  }

  #pump(key: string): void {
    if (this.#pumps.has(key) || this.#stop.signal.aborted) return;
    const pumping = this.#deliverDue(key)
      .catch((error: unknown) => {
        if (!this.#stop.signal.aborted) throw error;
      })
      .finally(() => {
        this.#pumps.delete(key);
        this.#wakeForNext(key);
      });
    this.#pumps.set(key, pumping);
  }

  async #deliverDue(key: string): Promise<void> {
    for (;;) {
      const subscription = this.#state.subscription(key);
      if (subscription?.provisioningState !== "Succeeded") return;
      this.#expire(key, subscription);
      const batch = this.#nextBatch(key, subscription);
      if (batch.length === 0) return;
      const outcome = await deliver(subscription, batch, {
        stop: this.#stop.signal,
        timeoutMs: this.#answerWithinMs,
        storageConnectionString: this.#storageConnectionString,
      });
      this.#state.settle(batch.map((event) => [event.sequence, this.#after(event, subscription, outcome)] as const));
      this.#onSent({
        topic: subscription.topic,
        subscription: subscription.name,
        ids: batch.map(({ event }) => event.data.id),
        deliveryCount: batch[0]!.attempts,
        outcome: outcome.words,
      });
    }
  }

  /** Of a twin that was off for longer than an event lives, or a consent that took long. */
  #expire(key: string, { retryPolicy }: Subscription): void {
    const oldest = this.#clock.now() - this.#clock.scaled(retryPolicy.eventTimeToLiveInMinutes * 60);
    const expired = this.#state.pending(key).filter(({ publishedAt }) => publishedAt < oldest);
    if (expired.length === 0) return;
    this.#state.settle(
      expired.map((event) => [event.sequence, { ...event, deadLetterReason: "TimeToLiveExceeded" }] as const),
    );
  }

  /** Only events with the same number of attempts, because a request has one aeg-delivery-count. */
  #nextBatch(key: string, { destination }: Subscription): PendingEvent[] {
    const size = destination.endpointType === "WebHook" ? destination.maxEventsPerBatch : 1;
    const now = this.#clock.now();
    const due = this.#state.pending(key).filter(({ dueAt }) => dueAt <= now);
    return due.filter(({ attempts }) => attempts === due[0]!.attempts).slice(0, size);
  }

  #after(
    event: PendingEvent,
    { retryPolicy }: Subscription,
    outcome: Outcome,
  ): PendingEvent | UndeliveredEvent | undefined {
    if (outcome.status !== undefined && isDelivered(outcome.status)) return undefined;
    const attempts = event.attempts + 1;
    const tried: PendingEvent = { ...event, attempts, lastOutcome: outcome.words };
    const wait = secondsUntilRetry(outcome.status, attempts);
    if (wait === undefined) return { ...tried, deadLetterReason: "UndeliverableDueToHttpStatus" };
    if (attempts >= retryPolicy.maxDeliveryAttempts)
      return { ...tried, deadLetterReason: "MaxDeliveryAttemptsExceeded" };
    const dueAt = this.#clock.now() + this.#clock.scaled(wait);
    if (dueAt > event.publishedAt + this.#clock.scaled(retryPolicy.eventTimeToLiveInMinutes * 60))
      return { ...tried, deadLetterReason: "TimeToLiveExceeded" };
    return { ...tried, dueAt };
  }

  #wakeForNext(key: string): void {
    if (this.#state.subscription(key)?.provisioningState !== "Succeeded") return;
    const due = Math.min(...this.#state.pending(key).map(({ dueAt }) => dueAt));
    if (due <= this.#clock.now()) this.#pump(key);
    else if (due < Number.POSITIVE_INFINITY) this.#at(key, due, () => this.#pump(key));
  }

  /** One timer for each subscription: it waits for its consent or, having it, for its next attempt. */
  #at(key: string, time: number, act: () => void): void {
    clearTimeout(this.#timers.get(key));
    if (!this.#stop.signal.aborted) this.#timers.set(key, setTimeout(act, Math.max(0, time - this.#clock.now())));
  }
}

/** Events are queued for it: it may be asked for its consent again, but has had it. */
function isCollecting({ provisioningState }: Subscription): boolean {
  return provisioningState === "Succeeded" || provisioningState === "Updating";
}
