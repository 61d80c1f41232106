import { createHmac } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Delivery, DeliveryOutcome } from "./delivery-log.ts";
import { takeFault } from "./faults.ts";
import { sendWebhook } from "./send-webhook.ts";
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

/** Sends in the background; `world.sending` holds it until there is an outcome. */
export function deliver(world: World, delivery: Delivery): void {
  const sending = attempt(world, delivery)
    // Stopping: no outcome is written, so the next start sends it again.
    .catch((error) => {
      if (!world.stopping.signal.aborted) throw error;
    })
    .finally(() => world.sending.delete(sending));
  world.sending.add(sending);
}

async function attempt(world: World, delivery: Delivery): Promise<void> {
  const { hook } = world.state.value;
  if (!hook) return;
  const failing = takeFault(world.faults, "failWebhooks");
  const twice = takeFault(world.faults, "duplicateWebhooks");
  const delay = world.faults.delayWebhooksMs;
  if (delay > 0) await sleep(delay, undefined, { signal: world.stopping.signal });

  const headers = { ...deliveryHeaders(world, hook, delivery), ...signatureHeaders(hook.secret, delivery.body) };
  const started = performance.now();
  const send = () =>
    sendWebhook(hook.url, headers, delivery.body, world.limits.webhookTimeoutMs, world.stopping.signal);
  const answer = failing
    ? { statusCode: 502, status: "failed to connect to host", headers: null, body: null }
    : await send();
  const outcome: DeliveryOutcome = {
    url: hook.url,
    deliveredAt: world.now(),
    duration: Math.round(performance.now() - started) / 1000,
    status: answer.status,
    statusCode: answer.statusCode,
    requestHeaders: headers,
    responseHeaders: answer.headers,
    responseBody: answer.body,
  };
  delivery.outcome = outcome;
  world.deliveries.save(delivery);
  const { id, guid, event, redelivery } = delivery;
  record(world, { kind: "webhook-sent", id, guid, event, redelivery, status: outcome.status });
  if (twice) await send();
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
