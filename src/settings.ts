import { createPrivateKey } from "node:crypto";
import { isLoopbackHost, parseEndpoint } from "./endpoint.ts";
import { Secret } from "./secret.ts";

/** How to reach the storage account: as Functions' own `connection` settings say it, so that triggers and our clients agree. */
export type StorageConnection =
  | { readonly kind: "connection-string"; readonly connectionString: Secret }
  | {
      readonly kind: "identity";
      readonly queueServiceUri: string;
      readonly tableServiceUri: string;
      readonly blobServiceUri: string;
      /** Of a user-assigned identity; the system-assigned one (or a developer's own) when absent. */
      readonly clientId?: string;
    };

export type GitHubCredential =
  | { readonly kind: "app"; readonly appId: string; readonly privateKey: Secret }
  | { readonly kind: "token"; readonly token: Secret };

export interface Settings {
  readonly storage: StorageConnection;
  /** Current first, then the previous one while rotating. Empty: refuse every delivery. */
  readonly webhookSecrets: readonly Secret[];
  /** By sender of registry events, the same way; a sender without one is not listened to. */
  readonly eventKeys: Readonly<Record<"acr-webhook" | "event-grid" | "cloud-events", readonly Secret[]>>;
  /** `user:password` by the name of its setting, for registries that slipway.platform.yaml gives one. */
  readonly registryCredentials: ReadonlyMap<string, { readonly username: string; readonly password: Secret }>;
  readonly github: GitHubCredential;
  /** No trailing slash, as are all URLs here. */
  readonly githubApiUrl: string;
  readonly armEndpoint: string;
  /** Where people reach our API; links in statuses start with it. */
  readonly publicUrl?: string;
  /** The host offers a managed identity (App Service sets IDENTITY_ENDPOINT). */
  readonly managedIdentity: boolean;
  /** Of the user-assigned identity that speaks to ARM and ACR. */
  readonly azureClientId?: string;
}

export type ReadSettings =
  | { readonly ok: true; readonly settings: Settings }
  | { readonly ok: false; readonly problems: readonly string[] };

type Environment = Readonly<Record<string, string | undefined>>;

/** GitHub does not limit webhook secrets; shorter ones can be guessed offline from one delivery. */
const minimumSecretLength = 16;

/** Environment → settings, or every problem at once. Problems name the setting and never its value. An empty value counts as not set. */
export function readSettings(env: Environment): ReadSettings {
  const problems: string[] = [];
  const text = (name: string) => env[name]?.trim() || undefined;
  const endpoint = (name: string, fallback?: string) => {
    const parsed = parseEndpoint(text(name) ?? fallback ?? "");
    if (!parsed.ok) {
      problems.push(`${name} ${text(name) === undefined ? "is not set" : parsed.problem}`);
      return "";
    }
    if (parsed.url.search !== "" || parsed.url.hash !== "") problems.push(`${name} must not have a query or fragment`);
    return parsed.url.href.replace(/\/+$/, "");
  };

  // App Service hands on a reference that it could not resolve as its own text, which anybody can guess.
  for (const [name, value] of Object.entries(env))
    if (/^(SLIPWAY|SlipwayStorage)/.test(name) && value?.startsWith("@Microsoft.KeyVault("))
      problems.push(
        `${name} is a Key Vault reference that was not resolved: is the secret there, and may our identity read it?`,
      );

  const settings: Settings = {
    storage: readStorage(text, endpoint, problems),
    webhookSecrets: readSecrets(env, "SLIPWAY_GITHUB_WEBHOOK_SECRET", problems),
    eventKeys: {
      "acr-webhook": readSecrets(env, "SLIPWAY_ACR_WEBHOOK_KEY", problems),
      "event-grid": readSecrets(env, "SLIPWAY_EVENT_GRID_KEY", problems),
      "cloud-events": readSecrets(env, "SLIPWAY_CLOUD_EVENTS_KEY", problems),
    },
    registryCredentials: readRegistryCredentials(env, problems),
    github: readGitHub(text, problems),
    githubApiUrl: endpoint("SLIPWAY_GITHUB_API_URL", "https://api.github.com"),
    armEndpoint: endpoint("SLIPWAY_ARM_ENDPOINT", "https://management.azure.com"),
    publicUrl: readPublicUrl(text, endpoint),
    managedIdentity: text("IDENTITY_ENDPOINT") !== undefined,
    azureClientId: text("AZURE_CLIENT_ID"),
  };
  return problems.length === 0 ? { ok: true, settings } : { ok: false, problems };
}

/** Path, relative to the app root unless absolute. Apart, so that a platform file that is wrong is told together with settings that are. */
export function platformFileOf(env: Environment): string {
  return env.SLIPWAY_PLATFORM_FILE?.trim() || "slipway.platform.yaml";
}

type Text = (name: string) => string | undefined;
type Endpoint = (name: string, fallback?: string) => string;

/** https://learn.microsoft.com/azure/azure-functions/functions-reference#connections — the exact name wins over the `__` parts. */
function readStorage(text: Text, endpoint: Endpoint, problems: string[]): StorageConnection {
  const connectionString = text("SlipwayStorage");
  if (connectionString !== undefined)
    return { kind: "connection-string", connectionString: new Secret(connectionString) };
  const uris = [
    "SlipwayStorage__queueServiceUri",
    "SlipwayStorage__tableServiceUri",
    "SlipwayStorage__blobServiceUri",
  ] as const;
  if (uris.every((name) => text(name) === undefined)) {
    problems.push(
      "SlipwayStorage is not set: give a connection string, or SlipwayStorage__queueServiceUri, __tableServiceUri and __blobServiceUri",
    );
    return { kind: "identity", queueServiceUri: "", tableServiceUri: "", blobServiceUri: "" };
  }
  const credential = text("SlipwayStorage__credential");
  if (credential !== undefined && credential.toLowerCase() !== "managedidentity")
    problems.push("SlipwayStorage__credential must be managedidentity when it is set");
  const [queueServiceUri, tableServiceUri, blobServiceUri] = uris.map((name) => endpoint(name)) as [
    string,
    string,
    string,
  ];
  return {
    kind: "identity",
    queueServiceUri,
    tableServiceUri,
    blobServiceUri,
    clientId: text("SlipwayStorage__clientId"),
  };
}

/** A secret that others send or sign with, and the one before it while rotating. */
function readSecrets(env: Environment, name: string, problems: string[]): Secret[] {
  // Not trimmed: a secret is compared byte for byte with what the sender was given.
  const current = env[name] || undefined;
  const previous = env[`${name}_PREVIOUS`] || undefined;
  for (const [setting, value] of [
    [name, current],
    [`${name}_PREVIOUS`, previous],
  ] as const) {
    if (value !== undefined && [...value].length < minimumSecretLength)
      problems.push(`${setting} must have at least ${minimumSecretLength} characters`);
  }
  if (previous !== undefined && current === undefined) problems.push(`${name}_PREVIOUS is set without ${name}`);
  return [current, previous].filter((value) => value !== undefined).map((value) => new Secret(value));
}

function readRegistryCredentials(env: Environment, problems: string[]): Settings["registryCredentials"] {
  const found = new Map<string, { readonly username: string; readonly password: Secret }>();
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith("SLIPWAY_REGISTRY_") || !value) continue;
    const colon = value.indexOf(":");
    if (colon < 1 || colon === value.length - 1) problems.push(`${name} must be user:password`);
    else found.set(name, { username: value.slice(0, colon), password: new Secret(value.slice(colon + 1)) });
  }
  return found;
}

function readGitHub(text: Text, problems: string[]): GitHubCredential {
  const token = text("SLIPWAY_GITHUB_TOKEN");
  const appId = text("SLIPWAY_GITHUB_APP_ID");
  const privateKey = text("SLIPWAY_GITHUB_APP_PRIVATE_KEY")?.replaceAll("\\n", "\n");
  if (appId === undefined && privateKey === undefined) {
    if (token === undefined)
      problems.push(
        "GitHub access is not set: give SLIPWAY_GITHUB_APP_ID and SLIPWAY_GITHUB_APP_PRIVATE_KEY, or SLIPWAY_GITHUB_TOKEN",
      );
    return { kind: "token", token: new Secret(token ?? "") };
  }
  if (token !== undefined) problems.push("SLIPWAY_GITHUB_TOKEN and a GitHub App are both set: keep one");
  if (appId === undefined) problems.push("SLIPWAY_GITHUB_APP_ID is not set");
  else if (!/^(\d+|Iv[A-Za-z0-9.]+)$/.test(appId))
    problems.push("SLIPWAY_GITHUB_APP_ID must be an app id (a number) or a client id");
  if (privateKey === undefined) problems.push("SLIPWAY_GITHUB_APP_PRIVATE_KEY is not set");
  else if (!isPrivateKey(privateKey)) problems.push("SLIPWAY_GITHUB_APP_PRIVATE_KEY is not a PEM private key");
  return { kind: "app", appId: appId ?? "", privateKey: new Secret(privateKey ?? "") };
}

function isPrivateKey(pem: string): boolean {
  try {
    return createPrivateKey(pem).asymmetricKeyType === "rsa";
  } catch {
    return false;
  }
}

function readPublicUrl(text: Text, endpoint: Endpoint): string | undefined {
  if (text("SLIPWAY_PUBLIC_URL") !== undefined) return endpoint("SLIPWAY_PUBLIC_URL");
  const host = text("WEBSITE_HOSTNAME");
  if (host === undefined) return undefined;
  const scheme =
    URL.canParse(`http://${host}`) && isLoopbackHost(new URL(`http://${host}`).hostname) ? "http" : "https";
  return URL.canParse(`${scheme}://${host}/api`) ? `${scheme}://${host}/api` : undefined;
}
