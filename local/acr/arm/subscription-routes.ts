import { anyVersion, registryVersions, tasksVersions } from "./api-version.ts";
import { ArmError } from "./arm-error.ts";
import type { ResourceGroup } from "./directory.ts";
import { JsonFields } from "./json-fields.ts";
import { type Operation, retryAfter } from "./operations.ts";
import { registryResource } from "./registry-resource.ts";
import { type Arm, type ArmRoute, type Call, givenName, jsonBody, operationUrl } from "./route.ts";
import { taskRunOperation } from "./task-run-routes.ts";

type Handle = ArmRoute["handle"];

const subscription = "/subscriptions/:subscription";
const groups = `${subscription}/resourcegroups`;
const acr = `${subscription}/providers/microsoft.containerregistry`;

/** The little of Azure Resource Manager itself that a client walks through on its way to a registry. */
export const subscriptionRoutes: readonly ArmRoute[] = [
  read("/tenants", (c, { caller }) => c.json({ value: [tenant(caller.tid)] })),
  read("/subscriptions", (c, arm) => c.json({ value: [subscriptionResource(arm)] })),
  read(subscription, (c, arm) => c.json(subscriptionResource(arm))),
  read(`${subscription}/locations`, (c, arm) => c.json({ value: locations.map((name) => location(name, arm)) })),
  read(`${subscription}/providers`, (c, arm) => c.json({ value: [providerResource(arm)] })),
  read(acr, (c, arm) => c.json(providerResource(arm))),
  change("POST", `${acr}/register`, (c, arm) => c.json(providerResource(arm))),
  read(`${subscription}/resources`, listResources),
  read(`${groups}/:group/resources`, listResources),
  read(groups, (c, arm) => c.json({ value: arm.directory.groups.map((group) => groupResource(group, arm)) })),
  read(`${groups}/:group`, getGroup),
  { ...change("PUT", `${groups}/:group`, putGroup), makesGroup: true },
  change("PATCH", `${groups}/:group`, patchGroup),
  { ...change("DELETE", `${groups}/:group`, deleteGroup), makesGroup: true },
  { ...read(`${acr}/locations/:location/operationstatuses/:operation`, operationStatus), operation: "getOperation" },
  { ...read(`${acr}/locations/:location/operationresults/:operation`, operationResult), operation: "getOperation" },
];

function read(path: string, handle: Handle): ArmRoute {
  return { operation: "resourceManager", method: "GET", path, versions: anyVersion, handle };
}

function change(method: ArmRoute["method"], path: string, handle: Handle): ArmRoute {
  return { operation: "resourceManager", method, path, versions: anyVersion, handle };
}

/** A few that exist, for pickers; a registry or a group may be in any. */
const locations = ["westeurope", "northeurope", "eastus", "eastus2", "westus2", "uksouth"];

function location(name: string, { directory }: Arm) {
  return { id: `/subscriptions/${directory.subscriptionId}/locations/${name}`, name, displayName: name };
}

function tenant(tenantId: string) {
  return { id: `/tenants/${tenantId}`, tenantId, displayName: "Local twin", tenantCategory: "Home", domains: [] };
}

function subscriptionResource({ directory, caller }: Arm) {
  return {
    id: `/subscriptions/${directory.subscriptionId}`,
    authorizationSource: "RoleBased",
    managedByTenants: [],
    subscriptionId: directory.subscriptionId,
    tenantId: caller.tid,
    displayName: "Local twin",
    state: "Enabled",
    subscriptionPolicies: {
      locationPlacementId: "Public_2014-09-01",
      quotaId: "PayAsYouGo_2014-09-01",
      spendingLimit: "Off",
    },
  };
}

function providerResource({ directory }: Arm) {
  const type = (resourceType: string, apiVersions: readonly string[]) => ({ resourceType, locations, apiVersions });
  return {
    id: `/subscriptions/${directory.subscriptionId}/providers/Microsoft.ContainerRegistry`,
    namespace: "Microsoft.ContainerRegistry",
    registrationState: "Registered",
    resourceTypes: [
      type("registries", registryVersions),
      type("registries/tasks", tasksVersions),
      type("registries/runs", tasksVersions),
      type("registries/taskRuns", tasksVersions),
    ],
  };
}

/** Registries only. Of filters, `name eq '…'` and `resourceType eq '…'`, with `and` between; `az` sends the latter. */
function listResources(c: Call, { directory }: Arm): Response {
  const group = c.req.param("group");
  const wanted: Record<string, string> = {};
  for (const part of (c.req.query("$filter") ?? "").split(/\s+and\s+/i).filter((text) => text !== "")) {
    const [, field, value] = /^\(?\s*(name|resourceType)\s+eq\s+'([^']*)'\s*\)?$/i.exec(part) ?? [];
    if (field === undefined) throw new ArmError(400, "InvalidFilterInQueryString", `Invalid $filter '${part}'.`);
    wanted[field.toLowerCase()] = value!.toLowerCase();
  }
  const resources = (group === undefined ? directory.registries : directory.inGroup(group))
    .map((registry) => registryResource(registry))
    .filter(({ name }) => [undefined, name.toLowerCase()].includes(wanted.name))
    .filter(({ type }) => [undefined, type.toLowerCase()].includes(wanted.resourcetype));
  return c.json({ value: resources.map(({ properties: _, ...rest }) => rest) });
}

function groupResource({ name, location: place, tags }: ResourceGroup, { directory }: Arm) {
  return {
    id: `/subscriptions/${directory.subscriptionId}/resourceGroups/${name}`,
    type: "Microsoft.Resources/resourceGroups",
    name,
    location: place,
    tags,
    properties: { provisioningState: "Succeeded" },
  };
}

/** HEAD, by which clients ask whether a group exists, is answered 204. */
function getGroup(c: Call, arm: Arm): Response {
  if (c.req.raw.method === "HEAD") return c.body(null, 204);
  return c.json(groupResource(requireGroup(c, arm), arm));
}

async function putGroup(c: Call, arm: Arm): Promise<Response> {
  const body = new JsonFields(await jsonBody(c), "resourceGroup");
  const known = arm.directory.group(c.req.param("group")!);
  const place = body.optionalText("location");
  if (!place) throw new ArmError(400, "LocationRequired", "The location property is required for this definition.");
  const group: ResourceGroup = {
    name: known?.name ?? givenName(c, /^[\w().-]{0,89}[\w()-]$/, "resource group"),
    location: place.toLowerCase().replaceAll(" ", ""),
    tags: body.optionalFields("tags")?.json() ?? {},
  };
  if (known && known.location !== group.location) {
    const message = `The resource group '${known.name}' already exists in location '${known.location}'.`;
    throw new ArmError(409, "InvalidResourceGroupLocation", message);
  }
  arm.directory.putGroup(group);
  return c.json(groupResource(group, arm), known ? 200 : 201);
}

async function patchGroup(c: Call, arm: Arm): Promise<Response> {
  const tags = new JsonFields(await jsonBody(c), "resourceGroup").optionalFields("tags")?.json();
  const known = requireGroup(c, arm);
  const group = { ...known, tags: tags ?? known.tags };
  arm.directory.putGroup(group);
  return c.json(groupResource(group, arm));
}

/** 202 with a place to ask, as ARM does; what was in the group is gone by then. */
async function deleteGroup(c: Call, { directory, operations }: Arm): Promise<Response> {
  const name = c.req.param("group")!;
  const group = directory.group(name);
  if (!group) throw groupNotFound(name);
  const deleting = directory.deleteGroup(group.name);
  const operation = operations.start("Deleting", deleting);
  await deleting;
  const place = { subscriptionId: directory.subscriptionId, location: group.location };
  return c.body(null, 202, { Location: operationUrl(c, place, "operationResults", operation.id), ...retryAfter });
}

function requireGroup(c: Call, { directory }: Arm): ResourceGroup {
  const name = c.req.param("group")!;
  const group = directory.group(name);
  if (!group) throw groupNotFound(name);
  return group;
}

export function groupNotFound(name: string): ArmError {
  return new ArmError(404, "ResourceGroupNotFound", `Resource group '${name}' could not be found.`);
}

function operationStatus(c: Call, arm: Arm): Response {
  const { id, status, error } = requireOperation(c, arm);
  const name = id;
  const body = { id: new URL(c.req.url).pathname, name, status };
  if (!error) return c.json(body, 200, isOver(status) ? {} : retryAfter);
  const { code, message } = error.answer;
  return c.json({ ...body, error: { code, message } });
}

/** No word, only a code: 202 until it is over, then 200 without a body, or the error it ended with. */
function operationResult(c: Call, arm: Arm): Response {
  const { status, error } = requireOperation(c, arm);
  if (error) throw error;
  if (isOver(status)) return c.body(null, 200);
  return c.body(null, 202, { Location: c.req.url, ...retryAfter });
}

function isOver(status: string): boolean {
  return ["Succeeded", "Failed", "Canceled"].includes(status);
}

function requireOperation(c: Call, { directory, operations }: Arm): Operation {
  const id = c.req.param("operation")!;
  const operation = operations.find(id) ?? taskRunOperation(id, directory.registries);
  if (!operation) throw new ArmError(404, "NotFound", `The operation '${id}' was not found.`);
  return operation;
}
