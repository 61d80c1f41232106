import { keyOf } from "../../event-grid/event-grid-state.ts";
import type { Subscription } from "../../event-grid/subscription.ts";
import { subscriptionResource } from "../../event-grid/subscription-resource.ts";
import type { Versions } from "./api-version.ts";
import { badRequest, notFound } from "./arm-error.ts";
import { readSubscription } from "./read-event-subscription.ts";
import type { RegistryContext } from "./registry-context.ts";
import { type Arm, type ArmRoute, type Call, givenName, jsonBody, type Route } from "./route.ts";

/** The newest stable one, and those of Debian's `az` and of current SDKs. */
const versions: Versions = ["2025-02-15", "2022-06-15", "2021-12-01", "2021-10-15-preview", "2020-10-15-preview"];
const all = "/providers/microsoft.eventgrid/eventsubscriptions";
const one = `${all}/:eventsubscription`;

/** Subscriptions to one registry's events. */
export const eventSubscriptionRoutes: readonly Route[] = [
  { operation: "listEventSubscriptions", method: "GET", path: all, versions, handle: listSubscriptions },
  { operation: "getEventSubscription", method: "GET", path: one, versions, handle: getSubscription },
  { operation: "createEventSubscription", method: "PUT", path: one, versions, handle: putSubscription },
  { operation: "deleteEventSubscription", method: "DELETE", path: one, versions, handle: deleteSubscription },
];

export const eventGridArmRoutes: readonly ArmRoute[] = [
  {
    operation: "getOperation",
    method: "GET",
    path: "/subscriptions/:subscription/providers/microsoft.eventgrid/locations/:location/operationsstatus/:id",
    versions,
    handle: getOperation,
  },
];

function listSubscriptions(c: Call, { eventGrid, resourceId }: RegistryContext): Response {
  return c.json({ value: eventGrid.list(resourceId).map((subscription) => subscriptionResource(subscription)) });
}

function getSubscription(c: Call, registry: RegistryContext): Response {
  const { eventGrid, resourceId } = registry;
  const name = nameOf(c);
  const subscription: Subscription | undefined = eventGrid.get(resourceId, name);
  if (!subscription) throw notFound(`The Resource '${keyOf(resourceId, name)}' was not found.`);
  return c.json(subscriptionResource(subscription));
}

/** As recorded: 201 with a state under way, and an operation that tells how the handshake ended. */
async function putSubscription(c: Call, registry: RegistryContext): Promise<Response> {
  const { eventGrid, resourceId } = registry;
  const name = givenName(c, /^[a-zA-Z0-9-]{3,64}$/, "event subscription");
  const settings = readSubscription(await jsonBody(c));
  const subscription = eventGrid.put(resourceId, name, settings);
  registry.state.announce({ kind: "event-subscription-saved", name: subscription.name });
  return c.json(subscriptionResource(subscription), 201, operationHeader(c, registry, subscription.operationId));
}

function deleteSubscription(c: Call, registry: RegistryContext): Response {
  const { eventGrid, resourceId } = registry;
  const operation = eventGrid.remove(resourceId, nameOf(c));
  if (!operation) return c.body(null, 204);
  registry.state.announce({ kind: "event-subscription-deleted", name: nameOf(c) });
  return c.body(null, 202, operationHeader(c, registry, operation.id));
}

function getOperation(c: Call, { eventGrid }: Arm): Response {
  const id = c.req.param("id") ?? "";
  const operation = eventGrid.operation(id);
  if (!operation) throw notFound(`The operation '${id}' was not found.`);
  const { status, message } = operation;
  return c.json({
    id: c.req.url,
    name: id,
    status,
    ...(message !== undefined && { error: { code: "Url validation", message } }),
  });
}

function operationHeader(c: Call, { subscriptionId, state }: RegistryContext, id: string): Record<string, string> {
  const { origin, searchParams } = new URL(c.req.url);
  const path = `/subscriptions/${subscriptionId}/providers/Microsoft.EventGrid/locations/${state.settings.location}`;
  const version = searchParams.get("api-version");
  // Recorded without Retry-After, after which `az` looks again in some ten seconds; here it need not wait.
  return {
    "Azure-AsyncOperation": `${origin}${path}/operationsStatus/${id}?api-version=${version}`,
    "Retry-After": "1",
  };
}

function nameOf(c: Call): string {
  const name = c.req.param("eventsubscription");
  if (!name) throw badRequest("An event subscription has a name.");
  return name;
}
