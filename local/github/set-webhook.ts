import { isOnThisMachine } from "../delivery/receiver.ts";
import { deliver, prepareDelivery } from "./deliver.ts";
import { pingPayload } from "./ping-payload.ts";
import { takeId, type World } from "./world.ts";

/** Sets the App's webhook and sends a ping. The same URL and secret again change nothing. */
export function setWebhook(world: World, url: string, secret: string): void {
  if (!isOnThisMachine(url)) throw new Error(`the local GitHub sends webhooks to this machine only, not to ${url}`);
  const { hook } = world.state.value;
  if (hook?.url === url && hook.secret === secret) return;
  const now = world.now();
  const next = hook
    ? { ...hook, url, secret, updatedAt: now }
    : { id: takeId(world), url, secret, createdAt: now, updatedAt: now };
  world.state.value.hook = next;
  const payload = pingPayload(world, next);
  const ping = prepareDelivery(world, {
    event: "ping",
    action: null,
    installationId: null,
    repositoryId: null,
    payload,
  });
  world.state.save();
  if (ping) deliver(world, ping);
}
