/**
 * Turns a hint ("this ref may have moved", "this tag may have moved") into facts for the registries concerned, and decides
 * nothing about builds. What came in and what became of it is kept, so that it can be seen and replayed.
 */
import { key } from "../core/state/keys.ts";
import type { Rows } from "../core/state/store.ts";
import type { EventMessage } from "./messages.ts";
import { giveUpRef, type ResolveRefPorts, resolveRef } from "./resolve-ref.ts";
import { giveUpTag, type ResolveTagPorts, resolveTag } from "./resolve-tag.ts";

export interface ResolvePorts extends ResolveRefPorts, ResolveTagPorts {
  /** The table of deliveries: what has come in, and what became of it. */
  readonly deliveries: Rows;
}

export interface Delivery {
  readonly state: "received" | "done" | "failed";
  readonly event: EventMessage;
  readonly seen: number;
  readonly at: string;
  readonly outcome?: string;
}

/** Events of every sender: their ids tell them apart. */
export const deliveriesPartition = "all";

export async function resolveEvent(message: EventMessage, ports: ResolvePorts): Promise<void> {
  if (await isFinished(message, ports)) {
    ports.log("delivery was already worked off", { eventId: message.eventId });
    return;
  }
  const outcome = message.kind === "ref-moved" ? await resolveRef(message, ports) : await resolveTag(message, ports);
  // Not finished: this message's successor will finish it.
  if (outcome === "later") return;
  await recordDelivery(message, ports, "done", outcome);
}

/** For what cannot be resolved however often it is tried: recorded, so that it can be seen and replayed. */
export async function giveUpEvent(message: EventMessage, error: Error, ports: ResolvePorts): Promise<void> {
  if (message.kind === "ref-moved") await giveUpRef(message, error, ports);
  else await giveUpTag(message, error, ports);
  await recordDelivery(message, ports, "failed", error.message);
}

/** Claims the delivery. Seen is not finished: a redelivery after our own failure must get through. */
async function isFinished(message: EventMessage, ports: ResolvePorts): Promise<boolean> {
  const { row } = await ports.deliveries.read(deliveriesPartition, key(message.eventId));
  const before = row?.value as Delivery | undefined;
  const delivery: Delivery = {
    state: "received",
    event: message,
    seen: (before?.seen ?? 0) + 1,
    at: message.receivedAt,
  };
  await putDelivery(ports, message, before?.state === "done" ? { ...before, seen: delivery.seen } : delivery);
  return before?.state === "done";
}

async function recordDelivery(
  message: EventMessage,
  ports: ResolvePorts,
  state: "done" | "failed",
  outcome: string,
): Promise<void> {
  const { row } = await ports.deliveries.read(deliveriesPartition, key(message.eventId));
  const seen = (row?.value as Delivery | undefined)?.seen ?? 1;
  await putDelivery(ports, message, { state, event: message, seen, at: message.receivedAt, outcome });
}

async function putDelivery(ports: ResolvePorts, message: EventMessage, delivery: Delivery): Promise<void> {
  await ports.deliveries.transact(deliveriesPartition, [{ kind: "put", key: key(message.eventId), value: delivery }]);
}
