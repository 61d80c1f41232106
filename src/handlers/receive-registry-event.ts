/**
 * A registry, or Event Grid for it, says that a tag was pushed. The order is the security: bounds, then the sender's key,
 * then parsing; one queue write an event; then 2xx. Event Grid drops what is answered 400, 401 or 413 and repeats the
 * rest, so none of these may stand for a fault of ours. https://learn.microsoft.com/azure/event-grid/delivery-and-retry
 */
import { type EventSender, eventSenders } from "../core/plan/reason.ts";
import { messageOf } from "../errors.ts";
import { type Log, type Queues, queueNames } from "../ports.ts";
import { EventMessage } from "./messages.ts";
import type { HttpAnswer, HttpRequest } from "./receive-github-delivery.ts";
import { type ReadEvent, readAcrWebhook, readCloudEvent, readEventGridEvent } from "./registry-events.ts";

export interface EventRequest extends HttpRequest {
  readonly method: string;
  readonly query: (name: string) => string | undefined;
}

export interface ReceiveEventPorts {
  readonly queues: Queues;
  /** Whether the key is the sender's own; undefined when no key is set for this sender, so that nobody may speak for it. */
  isKey(sender: EventSender, key: string | undefined): boolean | undefined;
  now(): number;
  readonly log: Log;
}

/** Event Grid's own cap for a batch is 1 MB. */
export const eventBytesMost = 2 * 1024 * 1024;
const eventsMost = 5000;

const readers: Readonly<Record<EventSender, (body: unknown) => ReadEvent>> = {
  "acr-webhook": readAcrWebhook,
  "event-grid": readEventGridEvent,
  "cloud-events": readCloudEvent,
};

export async function receiveRegistryEvent(
  sender: string,
  request: EventRequest,
  ports: ReceiveEventPorts,
): Promise<HttpAnswer> {
  if (!isSender(sender)) return refuse(404, `there is no sender of that name: ${eventSenders.join(", ")}`);
  const known = ports.isKey(sender, request.header("x-slipway-key") ?? request.query("key"));
  if (known === undefined) return refuse(404, `no key is set for ${sender}`);
  if (!known) {
    ports.log("registry event refused: wrong key", { sender });
    return refuse(401, "the key is not this sender's: send it as x-slipway-key, or as ?key=");
  }
  if (request.method === "OPTIONS") return handshake(sender, request);
  if (Number(request.header("content-length")) > eventBytesMost) return tooLarge();
  const bytes = await request.bytes();
  if (bytes.byteLength > eventBytesMost) return tooLarge();
  const body = parseJson(bytes);
  if (body === undefined) return refuse(400, "the body is not JSON");
  const events = Array.isArray(body) ? body : [body];
  if (events.length > eventsMost) return refuse(413, `at most ${eventsMost} events at once`);
  return take(events.map(readers[sender]), sender, ports);
}

/** An event that Event Grid delivered to our storage queue; throws what the queue write throws, so that it is tried again. */
export async function takeQueuedEvent(
  body: unknown,
  ports: Pick<ReceiveEventPorts, "queues" | "now" | "log">,
): Promise<void> {
  const events = (Array.isArray(body) ? body : [body]).slice(0, eventsMost);
  for (const event of events) {
    const isCloudEvent = typeof event === "object" && event !== null && "specversion" in event;
    const read = isCloudEvent ? readCloudEvent(event) : readEventGridEvent(event);
    if (read.kind === "moved") await ports.queues.send(queueNames.events, eventMessageOf(read, ports));
    else ports.log("registry event ignored", { why: read.kind === "ignored" ? read.why : read.kind });
  }
}

async function take(events: readonly ReadEvent[], sender: EventSender, ports: ReceiveEventPorts): Promise<HttpAnswer> {
  const moved = events.filter((e) => e.kind === "moved");
  const ignored = events.filter((e) => e.kind === "ignored");
  if (ignored.length > 0) ports.log("registry events ignored", { sender, count: ignored.length, why: ignored[0]!.why });
  try {
    for (const event of moved) await ports.queues.send(queueNames.events, eventMessageOf(event, ports));
  } catch (error) {
    ports.log("registry event not stored", { sender, why: messageOf(error) });
    return { status: 503, headers: { "retry-after": "30" }, body: "not stored; deliver it again" };
  }
  const validation = events.find((e) => e.kind === "validation");
  if (validation) return json(200, { validationResponse: validation.code });
  // Event Grid takes 200 to 204 for success; a sender may show the text to people.
  return { status: 202, body: `${moved.length} stored, ${ignored.length} ignored` };
}

function eventMessageOf(read: ReadEvent & { kind: "moved" }, { now }: { now(): number }): EventMessage {
  return EventMessage.parse({ ...read.event, receivedAt: new Date(now()).toISOString() });
}

/** https://github.com/cloudevents/spec/blob/main/cloudevents/http-webhook.md#4-abuse-protection */
function handshake(sender: EventSender, request: EventRequest): HttpAnswer {
  const origin = request.header("webhook-request-origin");
  if (sender !== "cloud-events" || origin === undefined)
    return { status: 405, headers: { allow: "POST" }, body: "only CloudEvents senders ask with OPTIONS" };
  if (!/^[A-Za-z0-9.-]{1,253}$/.test(origin)) return refuse(400, "WebHook-Request-Origin is not a host");
  const rate = request.header("webhook-request-rate");
  return {
    status: 200,
    headers: {
      allow: "POST",
      "webhook-allowed-origin": origin,
      "webhook-allowed-rate": /^[1-9][0-9]{0,5}$/.test(rate ?? "") ? rate! : "120",
    },
  };
}

function isSender(text: string): text is EventSender {
  return (eventSenders as readonly string[]).includes(text);
}

function tooLarge(): HttpAnswer {
  return refuse(413, `events may have at most ${eventBytesMost} bytes`);
}

function refuse(status: number, message: string): HttpAnswer {
  return { status, body: message };
}

function json(status: number, value: unknown): HttpAnswer {
  return { status, headers: { "content-type": "application/json" }, body: JSON.stringify(value) };
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) ?? undefined;
  } catch {
    return undefined;
  }
}
