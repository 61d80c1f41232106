import { randomUUID } from "node:crypto";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { DeliveryFaults } from "../../delivery/faults.ts";
import { Misdelivery } from "../../delivery/misdelivery.ts";
import { send } from "../../delivery/send.ts";
import type { RegistryEvent } from "../../registry/registry-event.ts";
import { StateFile } from "../../state-file.ts";
import { concerns, type Ping, type Webhook, type WebhookBody } from "./webhook.ts";
import { type HistoryEntry, historyEntry } from "./webhook-history.ts";

export interface WebhooksOptions {
  /** One file for each webhook, with its history. */
  readonly dir: string;
  /** Milliseconds a receiver has to answer; 8000, as recorded, unless told. */
  readonly answerWithinMs?: number;
  /** Told of each attempt, also of one whose webhook is gone meanwhile. */
  readonly onSent?: (sent: SentWebhook) => void;
}

export interface SentWebhook {
  readonly webhook: string;
  /** Of the event. */
  readonly id: string;
  readonly action: WebhookBody["action"];
  /** As in the history: an HTTP status, or 502 or 504 where there was no answer. */
  readonly statusCode: string;
}

interface Stored {
  webhook: Webhook;
  /** Oldest first. */
  history: HistoryEntry[];
  /** How many older ones are gone. */
  forgotten: number;
}

/** A delivery and its place in the whole history, from 0: later deliveries do not move it. */
interface PlacedEntry {
  readonly place: number;
  readonly entry: HistoryEntry;
}

interface Outgoing {
  readonly webhook: string;
  readonly body: WebhookBody;
}

/** Deliveries of a webhook that listEvents can show. ACR's own retention has not been seen. */
const keptHistory = 200;

/**
 * The webhooks of one registry and their sender. Each event is tried once and no order is promised, as on ACR: an event on
 * its way when the process dies is lost, and in no history.
 */
export class Webhooks {
  readonly #dir: string;
  readonly #answerWithinMs: number;
  readonly #onSent: (sent: SentWebhook) => void;
  /** By name in lower case, in the order of creation. */
  readonly #files = new Map<string, StateFile<Stored>>();
  readonly #stop = new AbortController();
  readonly #outgoing: Misdelivery<Outgoing>;

  constructor({ dir, answerWithinMs = 8_000, onSent = () => {} }: WebhooksOptions) {
    this.#dir = dir;
    this.#answerWithinMs = answerWithinMs;
    this.#onSent = onSent;
    this.#outgoing = new Misdelivery((outgoing) => this.#attempt(outgoing), this.#stop.signal);
    const names = existsSync(dir) ? readdirSync(dir).filter((name) => name.endsWith(".json")) : [];
    const files = names.map((name) => new StateFile<Stored>(join(dir, name), () => vanished(name)));
    files.sort((a, b) => a.value.webhook.createdAt.localeCompare(b.value.webhook.createdAt));
    for (const file of files) this.#files.set(file.value.webhook.name.toLowerCase(), file);
  }

  get faults(): DeliveryFaults {
    return this.#outgoing.faults;
  }

  /** No fault strikes any more; what was held back is sent. */
  clearFaults(): void {
    this.#outgoing.clear();
  }

  list(): Webhook[] {
    return [...this.#files.values()].map((file) => file.value.webhook);
  }

  get(name: string): Webhook | undefined {
    return this.#files.get(name.toLowerCase())?.value.webhook;
  }

  /** Creates or replaces; the history stays. */
  put(webhook: Webhook): void {
    const key = webhook.name.toLowerCase();
    const file =
      this.#files.get(key) ??
      new StateFile<Stored>(join(this.#dir, `${key}.json`), () => ({ webhook, history: [], forgotten: 0 }));
    file.value.webhook = webhook;
    file.save();
    this.#files.set(key, file);
  }

  /** False when there was none. */
  remove(name: string): boolean {
    const file = this.#files.get(name.toLowerCase());
    if (!file) return false;
    rmSync(file.path, { force: true });
    return this.#files.delete(name.toLowerCase());
  }

  /** Newest first. */
  history(name: string): PlacedEntry[] {
    const stored = this.#files.get(name.toLowerCase())?.value;
    if (!stored) return [];
    return stored.history.map((entry, index) => ({ place: stored.forgotten + index, entry })).reverse();
  }

  /** Sends a ping whatever the webhook's status, actions and scope are; returns its id. */
  ping(name: string, now = new Date()): string {
    const ping: Ping = { id: randomUUID(), timestamp: now.toISOString().replace("Z", "0000Z"), action: "ping" };
    this.#outgoing.take({ webhook: name, body: ping });
    return ping.id;
  }

  /** Something was pushed or deleted. */
  tell(event: RegistryEvent): void {
    for (const webhook of this.list())
      if (concerns(webhook, event)) this.#outgoing.take({ webhook: webhook.name, body: event });
  }

  /** When nothing is on its way. */
  settled(): Promise<void> {
    return this.#outgoing.settled();
  }

  /** Stops at once; what was on its way is lost. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#outgoing.settled();
  }

  async #attempt({ webhook: name, body: content }: Outgoing): Promise<void> {
    const webhook = this.get(name);
    if (!webhook) return;
    const body = JSON.stringify(content);
    const headers = deliveryHeaders(webhook, body);
    const answer = await send(
      { method: "POST", url: webhook.serviceUri, headers, body, timeoutMs: this.#answerWithinMs },
      this.#stop.signal,
    );
    const entry = historyEntry(content, webhook.serviceUri, headers, answer);
    const { statusCode } = entry.eventResponseMessage;
    // It may have been deleted, or made anew, meanwhile.
    const file = this.#files.get(name.toLowerCase());
    if (file?.value.webhook.createdAt === webhook.createdAt) remember(file, entry);
    this.#onSent({ webhook: webhook.name, id: content.id, action: content.action, statusCode });
  }
}

function remember(file: StateFile<Stored>, entry: HistoryEntry): void {
  const { history } = file.value;
  history.push(entry);
  file.value.forgotten += history.splice(0, history.length - keptHistory).length;
  file.save();
}

/** Custom headers come first and as they were given; a Content-Type or User-Agent among them replaces ACR's own. */
function deliveryHeaders({ customHeaders }: Webhook, body: string): Record<string, string> {
  const given = new Set(Object.keys(customHeaders).map((name) => name.toLowerCase()));
  const own = {
    "Content-Type": "application/json; charset=utf-8",
    "User-Agent": "AzureContainerRegistry/1.0",
    "Content-Length": String(Buffer.byteLength(body)),
  };
  return {
    ...customHeaders,
    ...Object.fromEntries(Object.entries(own).filter(([name]) => !given.has(name.toLowerCase()))),
  };
}

function vanished(name: string): never {
  throw new Error(`${name} vanished while it was read`);
}
