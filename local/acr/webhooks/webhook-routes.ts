import { isHeader, isHttpUrl } from "../../delivery/receiver.ts";
import { registryVersions } from "../arm/api-version.ts";
import { ArmError, badRequest } from "../arm/arm-error.ts";
import { JsonFields } from "../arm/json-fields.ts";
import type { RegistryContext } from "../arm/registry-context.ts";
import { type Call, givenName, jsonBody, type Route, required } from "../arm/route.ts";
import { precise } from "../arm/run-resource.ts";
import { type Webhook, type WebhookAction, webhookActions, webhookLimits } from "./webhook.ts";

const one = "/webhooks/:webhook";
const versions = registryVersions;

export const webhookRoutes: readonly Route[] = [
  { operation: "listWebhooks", method: "GET", path: "/webhooks", versions, handle: listWebhooks },
  { operation: "getWebhook", method: "GET", path: one, versions, handle: getWebhook },
  { operation: "createWebhook", method: "PUT", path: one, versions, handle: putWebhook },
  { operation: "updateWebhook", method: "PATCH", path: one, versions, handle: patchWebhook },
  { operation: "deleteWebhook", method: "DELETE", path: one, versions, handle: deleteWebhook },
  { operation: "pingWebhook", method: "POST", path: `${one}/ping`, versions, handle: pingWebhook },
  { operation: "listWebhookEvents", method: "POST", path: `${one}/listevents`, versions, handle: listEvents },
  // The SDK follows a nextLink with GET.
  { operation: "listWebhookEvents", method: "GET", path: `${one}/listevents`, versions, handle: listEvents },
  {
    operation: "getCallbackConfig",
    method: "POST",
    path: `${one}/getcallbackconfig`,
    versions,
    handle: callbackConfig,
  },
];

function listWebhooks(c: Call, registry: RegistryContext): Response {
  return c.json({ value: registry.webhooks.list().map((webhook) => webhookResource(webhook, registry)) });
}

function getWebhook(c: Call, registry: RegistryContext): Response {
  return c.json(webhookResource(requireWebhook(c, registry), registry));
}

/** 200 at once, for a new one too, as recorded. */
async function putWebhook(c: Call, registry: RegistryContext): Promise<Response> {
  const name = givenName(c, /^[a-zA-Z0-9]{5,50}$/, "webhook");
  const body = new JsonFields(await jsonBody(c), "webhookCreateParameters");
  const properties = body.fields("properties");
  const before = registry.webhooks.get(name);
  if (!before) checkLimit(registry);
  const now = registry.clock.iso();
  return save(c, registry, {
    name: before?.name ?? name,
    location: body.text("location"),
    tags: readTexts(body, "tags") ?? {},
    serviceUri: readServiceUri(properties.text("serviceUri")),
    customHeaders: readHeaders(properties) ?? {},
    status: properties.optionalWord("status", ["enabled", "disabled"]) ?? "enabled",
    scope: properties.optionalText("scope") ?? "",
    actions: readActions(properties),
    createdAt: before?.createdAt ?? now,
    lastModifiedAt: now,
  });
}

async function patchWebhook(c: Call, registry: RegistryContext): Promise<Response> {
  const before = requireWebhook(c, registry);
  const body = new JsonFields(await jsonBody(c), "webhookUpdateParameters");
  const properties = body.optionalFields("properties") ?? new JsonFields({}, "webhookUpdateParameters.properties");
  const serviceUri = properties.optionalText("serviceUri");
  return save(c, registry, {
    ...before,
    tags: readTexts(body, "tags") ?? before.tags,
    serviceUri: serviceUri === undefined ? before.serviceUri : readServiceUri(serviceUri),
    customHeaders: readHeaders(properties) ?? before.customHeaders,
    status: properties.optionalWord("status", ["enabled", "disabled"]) ?? before.status,
    scope: properties.optionalText("scope") ?? before.scope,
    actions: properties.keys().includes("actions") ? readActions(properties) : before.actions,
    lastModifiedAt: registry.clock.iso(),
  });
}

function save(c: Call, registry: RegistryContext, webhook: Webhook): Response {
  registry.webhooks.put(webhook);
  registry.state.announce({ kind: "webhook-saved", name: webhook.name });
  return c.json(webhookResource(webhook, registry));
}

function deleteWebhook(c: Call, registry: RegistryContext): Response {
  const webhook = registry.webhooks.get(nameOf(c));
  if (!webhook) return c.body(null, 204);
  registry.webhooks.remove(webhook.name);
  registry.state.announce({ kind: "webhook-deleted", name: webhook.name });
  return c.body(null, 200);
}

function pingWebhook(c: Call, registry: RegistryContext): Response {
  return c.json({ id: registry.webhooks.ping(requireWebhook(c, registry).name, registry.clock.date()) });
}

/** Newest first. A page ends at a place in the history, so events that come meanwhile do not shift the next one. */
function listEvents(c: Call, registry: RegistryContext): Response {
  const before = Number(c.req.query("$skiptoken") ?? Number.POSITIVE_INFINITY);
  if (Number.isNaN(before)) throw badRequest("The $skiptoken is invalid.");
  const history = registry.webhooks.history(requireWebhook(c, registry).name).filter(({ place }) => place < before);
  const page = history.slice(0, registry.listPageSize);
  return c.json({
    value: page.map(({ entry }) => entry),
    ...(history.length > page.length && { nextLink: nextLink(c, page.at(-1)!.place) }),
  });
}

function callbackConfig(c: Call, registry: RegistryContext): Response {
  const { serviceUri, customHeaders } = requireWebhook(c, registry);
  return c.json({ serviceUri, ...(Object.keys(customHeaders).length > 0 && { customHeaders }) });
}

/** Neither the address nor the headers are shown: both may hold a secret. */
function webhookResource(webhook: Webhook, registry: RegistryContext) {
  const { name, location, tags, status, scope, actions } = webhook;
  return {
    type: "Microsoft.ContainerRegistry/registries/webhooks",
    id: `${registry.resourceId}/webhooks/${name}`,
    name,
    location,
    tags,
    systemData: {
      createdByType: "Application",
      createdAt: precise(webhook.createdAt),
      lastModifiedByType: "Application",
      lastModifiedAt: precise(webhook.lastModifiedAt),
    },
    properties: { status, scope, actions, provisioningState: "Succeeded" },
  };
}

function nextLink(c: Call, place: number): string {
  const url = new URL(c.req.url);
  url.searchParams.set("$skiptoken", String(place));
  return url.href;
}

function nameOf(c: Call): string {
  return c.req.param("webhook") ?? "";
}

function requireWebhook(c: Call, registry: RegistryContext): Webhook {
  return required(registry.webhooks.get(nameOf(c)), "webhooks", nameOf(c), registry);
}

/** The code is our choice: nobody has been seen to reach the limit. */
function checkLimit({ webhooks, state, name }: RegistryContext): void {
  const { sku } = state.settings;
  const limit = webhookLimits[sku];
  if (webhooks.list().length < limit) return;
  const message = `The registry ${name} has ${limit} webhooks, the most that the SKU ${sku} allows.`;
  throw new ArmError(403, "QuotaExceeded", message);
}

function readServiceUri(given: string): string {
  if (!isHttpUrl(given)) throw badRequest(`The service URI '${given}' is not an absolute http or https URI.`);
  return given;
}

function readActions(properties: JsonFields): WebhookAction[] {
  const actions = properties.texts("actions").map((given) => {
    const action = webhookActions.find((known) => known === given.toLowerCase());
    if (!action) throw badRequest(`The action '${given}' is not one of ${webhookActions.join(", ")}.`);
    return action;
  });
  if (actions.length === 0) throw badRequest("Missing required property 'properties.actions'.");
  return actions;
}

function readHeaders(properties: JsonFields): Record<string, string> | undefined {
  const headers = readTexts(properties, "customHeaders");
  for (const [name, value] of Object.entries(headers ?? {}))
    if (!isHeader(name, value)) throw badRequest(`The custom header '${name}' cannot be sent.`);
  return headers;
}

function readTexts(fields: JsonFields, key: string): Record<string, string> | undefined {
  const given = fields.optionalFields(key);
  return given && Object.fromEntries(given.keys().map((name) => [name, given.optionalText(name) ?? ""]));
}
