import { createHmac } from "node:crypto";
import { takeFault } from "../delivery/faults.ts";
import { type Answer, send } from "../delivery/send.ts";
import type { Delivery, DeliveryOutcome } from "./delivery-log.ts";
import type { Hook } from "./state.ts";
import { signatureHeaders } from "./webhook-signature.ts";
import { record, takeId, type World } from "./world.ts";

export type NewDelivery = Pick<Delivery, "event" | "action" | "installationId" | "repositoryId"> & { payload: object };

/**
 * Writes a delivery down without sending it. The caller saves the state afterwards: id and GUID come from the state's own
 * counter and seed, so when the process dies in between, doing it again overwrites this record instead of adding one.
 */
export function prepareDelivery(world: World, wanted: NewDelivery): Delivery | undefined {
  const body = JSON.stringify(wanted.payload);
  if (Buffer.byteLength(body) > world.limits.payloadBytes) return undefined;
  const id = takeId(world);
  const { event, action, installationId, repositoryId } = wanted;
  const now = world.now();
  const delivery: Delivery = {
    id,
    guid: guidFor(world.state.value.seed, id),
    event,
    action,
    installationId,
    repositoryId,
    redelivery: false,
    body,
    createdAt: now,
  };
  world.deliveries.save(delivery);
  return delivery;
}

/** A new attempt of an old delivery: same GUID, same body, today's URL and secret. */
export function prepareRedelivery(world: World, of: Delivery): Delivery {
  const { outcome: _, ...rest } = of;
  const delivery: Delivery = { ...rest, id: takeId(world), redelivery: true, createdAt: world.now() };
  world.deliveries.save(delivery);
  world.state.save();
  return delivery;
}

/** Sends in the background, or does with it what the faults want. */
export function deliver(world: World, delivery: Delivery): void {
  world.outgoing.forward(delivery);
}

/** Tries once and writes down what came of it. Stopping, it rejects: without an outcome, the next start sends it again. */
export async function attempt(world: World, delivery: Delivery): Promise<void> {
  const { hook } = world.state.value;
  if (!hook) return;
  const { faults, limits, stopping } = world;
  const refused = takeFault(faults, "refuse");
  const again = takeFault(faults, "repeat");
  const unsigned = delivery.redelivery && takeFault(faults, "unsigned");
  const { body } = delivery;
  const headers = {
    ...deliveryHeaders(world, hook, delivery),
    ...(unsigned ? {} : signatureHeaders(hook.secret, body)),
  };
  const started = performance.now();
  const sending = { method: "POST", url: hook.url, headers, body, timeoutMs: limits.webhookTimeoutMs } as const;
  const answer: Answer = refused ? { kind: "failed", message: "fault: refused" } : await send(sending, stopping.signal);
  delivery.outcome = {
    url: hook.url,
    deliveredAt: world.now(),
    duration: Math.round(performance.now() - started) / 1000,
    requestHeaders: headers,
    ...inWords(answer),
  };
  world.deliveries.save(delivery);
  const { id, guid, event, redelivery } = delivery;
  record(world, { kind: "webhook-sent", id, guid, event, redelivery, status: delivery.outcome.status });
  if (again) await attempt(world, prepareRepetition(world, delivery));
}

/** `OK` for 2xx. GitHub does not follow redirects, so 3xx is a failure like the rest. */
function inWords(answer: Answer): Pick<DeliveryOutcome, "status" | "statusCode" | "responseHeaders" | "responseBody"> {
  if (answer.kind === "answered") {
    const { status: statusCode, headers, body } = answer;
    const status = statusCode >= 200 && statusCode < 300 ? "OK" : `Invalid HTTP Response: ${statusCode}`;
    return { status, statusCode, responseHeaders: headers, responseBody: body };
  }
  const [status, statusCode] =
    answer.kind === "timed-out" ? (["timed out", 504] as const) : (["failed to connect to host", 502] as const);
  return { status, statusCode, responseHeaders: null, responseBody: null };
}

/** The same event under another GUID. */
function prepareRepetition(world: World, of: Delivery): Delivery {
  const { outcome: _, ...rest } = of;
  const id = takeId(world);
  const delivery: Delivery = { ...rest, id, guid: guidFor(world.state.value.seed, id), createdAt: world.now() };
  world.deliveries.save(delivery);
  world.state.save();
  return delivery;
}

function deliveryHeaders(world: World, hook: Hook, delivery: Delivery): Record<string, string> {
  return {
    Accept: "*/*",
    "Content-Type": "application/json",
    "Content-Length": String(Buffer.byteLength(delivery.body)),
    "User-Agent": `GitHub-Hookshot/${world.state.value.seed.slice(0, 7)}`,
    "X-GitHub-Delivery": delivery.guid,
    "X-GitHub-Event": delivery.event,
    "X-GitHub-Hook-ID": String(hook.id),
    "X-GitHub-Hook-Installation-Target-ID": String(world.app.id),
    "X-GitHub-Hook-Installation-Target-Type": "integration",
  };
}

function guidFor(seed: string, id: number): string {
  const hex = createHmac("sha256", seed).update(`delivery ${id}`).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    "-",
  );
}
