/**
 * Azure and GitHub on this machine, with the app that would be deployed running in between. The app is told where things
 * are by the same settings as in Azure and knows nothing of any of this.
 */
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Cloud, type CloudEndpoints, type CloudOptions, startCloud, writeEndpoints } from "./cloud.ts";
import type { KeysFile } from "./host/keys.ts";
import type { LogEntry } from "./host/log.ts";
import { type RunningHost, startHost } from "./host/start-host.ts";
import { startHosts } from "./host/start-hosts.ts";
import { StateFile } from "./state-file.ts";

export interface TwinOptions extends Omit<CloudOptions, "provision"> {
  /** Folder with package.json, host.json and the built bundle. */
  readonly appDir: string;
  /** Text of slipway.platform.yaml, given what the registry is called in ARM. */
  readonly platform?: (registry: { readonly resourceId: string; readonly loginServer: string }) => string;
  /** Settings to add, or to leave out with undefined. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly onLog?: (entry: LogEntry) => void;
  /** Settles when the app's bundle is built; the host waits for it, nothing else does. */
  readonly appReady?: Promise<unknown>;
  /** `per-group`: as on Flex Consumption, two of those that plan. Default: one host. */
  readonly hosts?: "one" | "per-group";
}

export interface Twin extends Cloud {
  readonly endpoints: Endpoints;
  host(): RunningHost;
  /** After the host was stopped or killed: the same app, the same settings. */
  startHost(): Promise<RunningHost>;
}

/** Written to `endpoints.json`: where everything is, and the local secrets. */
export interface Endpoints extends CloudEndpoints {
  readonly api: string;
  readonly readKey: string;
  readonly writeKey: string;
  readonly masterKey: string;
  readonly webhook: string;
  readonly webhookSecret: string;
  /** Where registries tell of pushes, and the key they show. */
  readonly registryEvents: string;
  readonly registryEventsKey: string;
}

interface Secrets {
  readonly webhook: string;
  readonly events: string;
  readonly master: string;
  readonly read: string;
  readonly write: string;
}

export const registryAlias = "local";

export async function startTwin(options: TwinOptions): Promise<Twin> {
  mkdirSync(options.dir, { recursive: true });
  const under = (name: string) => join(options.dir, name);
  options.appReady?.catch(() => {});
  // The Azure SDK takes a second to load: about as long as Azurite takes to start.
  const provisioning = import("./provision.ts");
  const cloud = await startCloud({
    ...options,
    provision: async (storage) => (await provisioning).provisionStorage(storage),
  });
  const { acr, azurite, github, identity, registry, ports } = cloud;
  const started: (() => Promise<void>)[] = [cloud.stop];
  const stop = async () => {
    for (const end of started.splice(0).reverse()) await end();
  };
  try {
    const secrets = new StateFile<Secrets>(under("secrets.json"), newSecrets);
    secrets.save();
    options.onProgress?.("the Functions host");
    const platform = options.platform ?? defaultPlatform;
    const platformFile = under("slipway.platform.yaml");
    writeFileSync(platformFile, platform({ resourceId: acr.resourceId, loginServer: registry.loginServer }));
    const { webhook, events, master, read, write } = secrets.value;
    const api = `http://127.0.0.1:${ports.functions}/api`;
    const keys: KeysFile = { master, functions: { "read-api": { default: read }, "write-api": { default: write } } };
    const env: Record<string, string | undefined> = {
      AzureWebJobsStorage: azurite.connectionString,
      SlipwayStorage: azurite.connectionString,
      SLIPWAY_GITHUB_WEBHOOK_SECRET: webhook,
      SLIPWAY_GITHUB_APP_ID: String(github.app.id),
      SLIPWAY_GITHUB_APP_PRIVATE_KEY: github.app.privateKeyPem,
      SLIPWAY_GITHUB_API_URL: github.apiUrl,
      SLIPWAY_ARM_ENDPOINT: acr.url,
      SLIPWAY_PLATFORM_FILE: platformFile,
      SLIPWAY_PUBLIC_URL: api,
      SLIPWAY_SWEEP_SCHEDULE: "*/5 * * * * *",
      SLIPWAY_BASE_CHECK_SCHEDULE: "*/10 * * * * *",
      SLIPWAY_ACR_WEBHOOK_KEY: events,
      SLIPWAY_EVENT_GRID_KEY: events,
      SLIPWAY_CLOUD_EVENTS_KEY: events,
      NODE_EXTRA_CA_CERTS: cloud.endpoints.armCa,
      ...identity.env,
      ...options.env,
    };
    const common = {
      appDir: options.appDir,
      port: ports.functions,
      env,
      keys,
      maxPollingInterval: "00:00:00.250",
      // A killed host's messages come back in seconds here; on Azure it takes up to ten minutes and the sweep is quicker.
      receiveVisibility: "00:00:15",
      ...(options.onLog ? { onLog: options.onLog } : {}),
    };
    const start = () =>
      options.hosts === "per-group"
        ? startHosts({
            ...common,
            timerLock: "00:00:15",
            timerLockPoll: "00:00:01",
            instances: { "function:reconcile-registry": 2 },
          })
        : // Alone it needs no lock, and one that was killed would leave its timers locked.
          startHost({ ...common, timerLock: "00:00:00" });
    await options.appReady;
    let host = await start();
    started.push(() => host.stop());
    cloud.admin.onKillHost(() => host.kill());

    const endpoints: Endpoints = {
      api,
      readKey: read,
      writeKey: write,
      masterKey: master,
      webhook: `${api}/github/deliveries`,
      webhookSecret: webhook,
      registryEvents: `${api}/registry-events`,
      registryEventsKey: events,
      ...cloud.endpoints,
    };
    writeEndpoints(options.dir, endpoints);
    github.setWebhook(endpoints.webhook, webhook);
    tellOfPushes(acr, endpoints);
    return {
      ...cloud,
      endpoints,
      host: () => host,
      startHost: async () => {
        host = await start();
        return host;
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** As `az acr webhook create` would. Slipway's timer finds what gets lost. */
function tellOfPushes(acr: Cloud["acr"], { registryEvents, registryEventsKey }: Endpoints): void {
  const at = new Date().toISOString();
  acr.webhooks().put({
    name: "slipway",
    location: "westeurope",
    tags: {},
    serviceUri: `${registryEvents}/acr-webhook`,
    customHeaders: { "x-slipway-key": registryEventsKey },
    status: "enabled",
    scope: "",
    actions: ["push"],
    createdAt: at,
    lastModifiedAt: at,
  });
}

function newSecrets(): Secrets {
  const secret = () => randomBytes(24).toString("base64url");
  return { webhook: secret(), events: secret(), master: secret(), read: secret(), write: secret() };
}

function defaultPlatform({ resourceId }: { readonly resourceId: string }): string {
  return `# Which registries there are, and who may publish where.
version: 1
registries:
  ${registryAlias}:
    resource-id: ${resourceId}
    max-runs: 2
publish:
  - from: demo/*
    to: "platform/**"
# Minutes on Azure; seconds here, so that a new base is seen to rebuild what stands on it.
base-updates:
  settle: 2s
  check-every: 1m
`;
}
