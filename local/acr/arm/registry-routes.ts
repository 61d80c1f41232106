import { randomBytes } from "node:crypto";
import type { RegistrySettings } from "../task-record.ts";
import { registryVersions } from "./api-version.ts";
import { ArmError } from "./arm-error.ts";
import { importImage } from "./import-image.ts";
import { JsonFields } from "./json-fields.ts";
import { listUsages } from "./list-usages.ts";
import { mergePatch } from "./merge-patch.ts";
import { retryAfter } from "./operations.ts";
import type { RegistryContext } from "./registry-context.ts";
import { adminUserEnabled, readRegistry, registryResource } from "./registry-resource.ts";
import { type Arm, type ArmRoute, type Call, givenName, jsonBody, operationUrl, type Route } from "./route.ts";

const versions = registryVersions;
const namePattern = /^[a-zA-Z0-9]{5,50}$/;

/** What can be asked of a registry that is there. */
export const registryRoutes: readonly Route[] = [
  {
    operation: "getRegistry",
    method: "GET",
    path: "",
    versions,
    handle: (c, registry) => c.json(registryResource(registry)),
  },
  { operation: "updateRegistry", method: "PATCH", path: "", versions, handle: updateRegistry },
  { operation: "listUsages", method: "GET", path: "/listusages", versions, handle: listUsages },
  { operation: "listCredentials", method: "POST", path: "/listcredentials", versions, handle: listCredentials },
  { operation: "regenerateCredential", method: "POST", path: "/regeneratecredential", versions, handle: regenerate },
  { operation: "importImage", method: "POST", path: "/importimage", versions, handle: importImage },
];

const provider = "/providers/microsoft.containerregistry";
const inSubscription = `/subscriptions/:subscription${provider}`;
const inGroup = `/subscriptions/:subscription/resourcegroups/:group${provider}/registries`;

/** Making and deleting registries, and finding them. */
export const registryTypeRoutes: readonly ArmRoute[] = [
  {
    operation: "listRegistries",
    method: "GET",
    path: `${inSubscription}/registries`,
    versions,
    handle: listRegistries,
  },
  { operation: "listRegistries", method: "GET", path: inGroup, versions, handle: listRegistries },
  { operation: "createRegistry", method: "PUT", path: `${inGroup}/:registry`, versions, handle: createRegistry },
  { operation: "deleteRegistry", method: "DELETE", path: `${inGroup}/:registry`, versions, handle: deleteRegistry },
  {
    operation: "checkNameAvailability",
    method: "POST",
    path: `${inSubscription}/checknameavailability`,
    versions,
    handle: checkNameAvailability,
  },
];

function listRegistries(c: Call, { directory }: Arm): Response {
  const group = c.req.param("group");
  const found = group === undefined ? directory.registries : directory.inGroup(group);
  return c.json({ value: found.map((registry) => registryResource(registry)) });
}

/** A new registry is ready before the answer says that it is being created; Azure takes seconds. */
async function createRegistry(c: Call, { directory, operations }: Arm): Promise<Response> {
  const name = givenName(c, namePattern, "registry");
  const settings = readRegistry(await jsonBody(c));
  const resourceGroup = directory.group(c.req.param("group")!)!.name;
  const taken = directory.registry(name);
  if (taken && taken.resourceGroup !== resourceGroup) {
    throw new ArmError(409, "AlreadyInUse", `The registry DNS name ${taken.loginServer} is already in use.`);
  }
  if (taken) return c.json(changed(taken, settings));
  const creating = directory.create({ name, resourceGroup }, settings);
  const operation = operations.start("Creating", creating);
  const registry = await creating;
  const place = { subscriptionId: directory.subscriptionId, location: settings.location };
  const url = operationUrl(c, place, "operationStatuses", operation.id);
  return c.json(registryResource(registry, "Creating"), 201, { "Azure-AsyncOperation": url, ...retryAfter });
}

async function updateRegistry(c: Call, registry: RegistryContext): Promise<Response> {
  const patch = new JsonFields(await jsonBody(c), "registryUpdateParameters").json();
  const { location, sku, tags, identity, properties } = registry.state.settings;
  // Tags are replaced whole: otherwise none could be taken away.
  const { tags: newTags = tags, ...rest } = patch;
  const old = { location, sku: { name: sku }, ...(identity && { identity }), properties };
  return c.json(changed(registry, readRegistry({ ...mergePatch(old, rest), tags: newTags })));
}

function changed(registry: RegistryContext, settings: Omit<RegistrySettings, "passwords">) {
  const { passwords, location } = registry.state.settings;
  if (settings.location !== location) {
    const message = `The resource '${registry.name}' already exists in location '${location}'.`;
    throw new ArmError(409, "InvalidResourceLocation", message);
  }
  registry.state.changeSettings({ ...settings, passwords });
  return registryResource(registry);
}

async function deleteRegistry(c: Call, { directory, operations }: Arm): Promise<Response> {
  const registry = directory.registry(c.req.param("registry")!);
  if (!registry || registry.resourceGroup.toLowerCase() !== c.req.param("group")) return c.body(null, 204);
  const place = { subscriptionId: directory.subscriptionId, location: registry.state.settings.location };
  const deleting = directory.delete(registry);
  const operation = operations.start("Deleting", deleting);
  await deleting;
  return c.body(null, 202, { Location: operationUrl(c, place, "operationResults", operation.id), ...retryAfter });
}

async function checkNameAvailability(c: Call, { directory }: Arm): Promise<Response> {
  const name = new JsonFields(await jsonBody(c), "registryNameCheckRequest").text("name");
  if (!namePattern.test(name)) {
    const message = `The specified resource name '${name}' is invalid. It may have 5 to 50 letters and digits.`;
    return c.json({ nameAvailable: false, reason: "Invalid", message });
  }
  const taken = directory.registry(name);
  if (!taken) return c.json({ nameAvailable: true });
  const message = `The registry ${taken.name} is already in use.`;
  return c.json({ nameAvailable: false, reason: "AlreadyExists", message });
}

function listCredentials(c: Call, registry: RegistryContext): Response {
  requireAdminUser(registry);
  return c.json(credentials(registry));
}

async function regenerate(c: Call, registry: RegistryContext): Promise<Response> {
  const which = new JsonFields(await jsonBody(c), "regenerateCredentialParameters").word("name", [
    "password",
    "password2",
  ]);
  requireAdminUser(registry);
  const { settings } = registry.state;
  const passwords = { ...settings.passwords, [which]: randomBytes(24).toString("base64url") };
  registry.state.changeSettings({ ...settings, passwords });
  return c.json(credentials(registry));
}

function credentials({ name, state }: RegistryContext) {
  const { password, password2 } = state.settings.passwords;
  return {
    username: name,
    passwords: [
      { name: "password", value: password },
      { name: "password2", value: password2 },
    ],
  };
}

function requireAdminUser(registry: RegistryContext): void {
  if (adminUserEnabled(registry)) return;
  const message = `Cannot perform credential operations for ${registry.resourceId} as admin user is disabled.`;
  throw new ArmError(400, "UnAuthorizedForCredentialOperations", message);
}
