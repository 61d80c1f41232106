import type { CloudEndpoints } from "../cloud.ts";
import { quoted } from "../shell-words.ts";

/** What programs are told by, as lines for a shell. Names that Azure's own SDKs and Node read are called as there. */
export function environmentLines(endpoints: CloudEndpoints): string {
  const variables: Record<string, string> = {
    IDENTITY_ENDPOINT: endpoints.identityEndpoint,
    IDENTITY_HEADER: endpoints.identityHeader,
    NODE_EXTRA_CA_CERTS: endpoints.armCa,
    AZURE_SUBSCRIPTION_ID: endpoints.subscriptionId,
    AZURE_STORAGE_CONNECTION_STRING: endpoints.storage,
    TWIN_ARM: endpoints.arm,
    TWIN_CA: endpoints.armCa,
    TWIN_SUBSCRIPTION: endpoints.subscriptionId,
    TWIN_TENANT: endpoints.tenantId,
    TWIN_CLIENT_ID: endpoints.clientId,
    TWIN_CLIENT_SECRET: endpoints.clientSecret,
    TWIN_REGISTRY: endpoints.registry,
    TWIN_REGISTRY_NAME: endpoints.registryName,
    TWIN_RESOURCE_GROUP: endpoints.resourceGroup,
    TWIN_RESOURCE_ID: endpoints.resourceId,
    TWIN_GITHUB: endpoints.github,
    TWIN_GITHUB_API: endpoints.githubApi,
    TWIN_GITHUB_APP_ID: String(endpoints.githubAppId),
    TWIN_GITHUB_APP_KEY: endpoints.githubAppKey,
    TWIN_ADMIN: endpoints.admin,
    TWIN_ADMIN_TOKEN: endpoints.adminToken,
  };
  return Object.entries(variables)
    .map(([name, value]) => `export ${name}=${quoted(value)}\n`)
    .join("");
}
