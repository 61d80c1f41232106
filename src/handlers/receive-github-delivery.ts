/**
 * A GitHub webhook arrives. The order is the security: bounds, then the signature over the raw bytes, then parsing; one
 * queue write; then 202. Nothing is read from anywhere else before the answer (R1).
 */

import type { ReadPush } from "../core/source.ts";
import { messageOf } from "../errors.ts";
import { type Log, type Queues, queueNames } from "../ports.ts";
import { EventMessage } from "./messages.ts";

export interface HttpRequest {
  header(name: string): string | undefined;
  /** Reads the body; called only once the headers are acceptable. */
  bytes(): Promise<Uint8Array>;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface ReceivePorts {
  readonly queues: Queues;
  isSigned(body: Uint8Array, signature: string | undefined): boolean;
  readPush(payload: unknown): ReadPush;
  now(): number;
  readonly log: Log;
}

/** GitHub's own cap is 25 MB; a push of 2,048 commits is far below ours, and what is larger is still seen by the sweep. */
export const deliveryBytesMost = 10 * 1024 * 1024;
const guidShape = /^[0-9A-Za-z][0-9A-Za-z-]{7,63}$/;

export async function receiveGitHubDelivery(request: HttpRequest, ports: ReceivePorts): Promise<HttpAnswer> {
  const type = request.header("content-type")?.split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json") return refuse(415, "set the webhook's content type to application/json");
  const length = Number(request.header("content-length"));
  if (Number.isFinite(length) && length > deliveryBytesMost)
    return refuse(413, `deliveries may have at most ${deliveryBytesMost} bytes`);
  const eventName = request.header("x-github-event");
  const guid = request.header("x-github-delivery");
  const body = await request.bytes();
  if (body.byteLength > deliveryBytesMost) return refuse(413, `deliveries may have at most ${deliveryBytesMost} bytes`);
  if (!ports.isSigned(body, request.header("x-hub-signature-256"))) {
    ports.log("delivery refused: bad signature", { bytes: body.byteLength });
    return refuse(401, "the signature does not match");
  }
  if (!eventName || !guid) return refuse(400, "X-GitHub-Event and X-GitHub-Delivery are required");
  if (!guidShape.test(guid)) return refuse(400, "X-GitHub-Delivery must be 8 to 64 letters, digits and hyphens");
  const payload = parseObject(body);
  if (payload === undefined) return refuse(400, "the body is not a JSON object");
  if (eventName === "ping") return { status: 200, body: "pong" };
  // A 4xx for an event we do not use would show as a failed delivery and be redelivered for ever.
  if (eventName !== "push")
    return { status: 202, body: `ignored: ${eventName.replace(/[^a-z0-9_]/g, "").slice(0, 40)} is not used` };

  const push = ports.readPush(payload);
  if (push.ok === "ignored") return { status: 202, body: `ignored: ${push.reason}` };
  if (!push.ok) return refuse(400, push.message);
  const { event } = push;
  const message: EventMessage = EventMessage.parse({
    kind: "ref-moved",
    eventId: guid,
    origin: "delivery",
    receivedAt: new Date(ports.now()).toISOString(),
    sourceId: event.sourceRepository.id,
    fullName: event.sourceRepository.fullName,
    ref: event.ref,
    before: event.before,
    after: event.after,
    deleted: event.deleted,
    ...(event.changedPaths === "unknown" ? {} : { changedPaths: event.changedPaths }),
    by: event.pusher,
  });
  try {
    await ports.queues.send(queueNames.events, message);
  } catch (error) {
    ports.log("delivery not stored", { guid, why: messageOf(error) });
    return { status: 503, headers: { "retry-after": "30" }, body: "not stored; deliver it again" };
  }
  return { status: 202, body: "stored" };
}

function refuse(status: number, message: string): HttpAnswer {
  return { status, body: message };
}

function parseObject(body: Uint8Array): object | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
