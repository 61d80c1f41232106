import type { RegistrySettings, Sku } from "../task-record.ts";
import { ArmError } from "./arm-error.ts";
import { JsonFields } from "./json-fields.ts";
import type { RegistryContext } from "./registry-context.ts";

export const skus: readonly Sku[] = ["Basic", "Standard", "Premium"];

/** What an owner may set and reads back. Only `adminUserEnabled` changes what the twin does. */
const defaults = {
  adminUserEnabled: false,
  anonymousPullEnabled: false,
  dataEndpointEnabled: false,
  encryption: { status: "disabled" },
  networkRuleBypassAllowedForTasks: false,
  networkRuleBypassOptions: "AzureServices",
  policies: {
    quarantinePolicy: { status: "disabled" },
    trustPolicy: { status: "disabled", type: "Notary" },
    retentionPolicy: { status: "disabled", days: 7 },
    exportPolicy: { status: "enabled" },
  },
  publicNetworkAccess: "Enabled",
  roleAssignmentMode: "LegacyRegistryPermissions",
  zoneRedundancy: "Disabled",
};

export function registryResource(registry: RegistryContext, provisioningState = "Succeeded") {
  const { creationDate, settings } = registry.state;
  return {
    type: "Microsoft.ContainerRegistry/registries",
    id: registry.resourceId,
    name: registry.name,
    location: settings.location,
    tags: settings.tags,
    sku: { name: settings.sku, tier: settings.sku },
    ...(settings.identity && { identity: settings.identity }),
    properties: {
      loginServer: registry.loginServer,
      creationDate,
      provisioningState,
      privateEndpointConnections: [],
      ...defaults,
      ...settings.properties,
    },
  };
}

export function adminUserEnabled({ state }: RegistryContext): boolean {
  return state.settings.properties.adminUserEnabled === true;
}

/** Reads the body of PUT, or of PATCH merged into what there was. */
export function readRegistry(body: unknown): Omit<RegistrySettings, "passwords"> {
  const registry = new JsonFields(body, "registry");
  const location = registry.optionalText("location");
  if (!location) {
    throw new ArmError(400, "LocationRequired", "The location property is required for this definition.");
  }
  const identity = registry.optionalFields("identity");
  const properties = registry.optionalFields("properties")?.json() ?? {};
  const known = Object.entries(properties).filter(([key, value]) => key in defaults && value !== null);
  new JsonFields(properties, "registry.properties").flag("adminUserEnabled", false);
  return {
    location: location.toLowerCase().replaceAll(" ", ""),
    sku: registry.fields("sku").word("name", skus),
    tags: registry.optionalFields("tags")?.json() ?? {},
    ...(identity && { identity: identity.json() }),
    properties: Object.fromEntries(known),
  };
}
