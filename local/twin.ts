/**
 * Azure and GitHub on this machine, with the app that would be deployed running in between. The app is told where things
 * are by the same settings as in Azure and knows nothing of any of this.
 */
import { randomBytes } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadCertificate } from "./acr/certificate.ts";
import type { LocalAcr } from "./acr/start-acr.ts";
import { type AzuriteOptions, type RunningAzurite, startAzurite } from "./azurite.ts";
import { chooseEngine, type EngineChoice } from "./engine/choose-engine.ts";
import { pushShellBase } from "./engine/shell-base.ts";
import { type LocalGitHub, startGitHub } from "./github/start-github.ts";
import type { KeysFile } from "./host/keys.ts";
import type { LogEntry } from "./host/log.ts";
import { type RunningHost, startHost } from "./host/start-host.ts";
import { type LocalIdentity, startIdentity } from "./identity/start-identity.ts";
import { choosePorts, type PortName } from "./ports.ts";
import { type LocalRegistry, startRegistry } from "./registry/registry.ts";
import { StateFile } from "./state-file.ts";

export interface TwinOptions {
  /** Everything the twin remembers; survives SIGKILL. */
  readonly dir: string;
  /** Folder with package.json, host.json and the built bundle. */
  readonly appDir: string;
  readonly ports?: Partial<Record<PortName, number>>;
  readonly engine?: "docker" | "built-in";
  /** Text of slipway.platform.yaml, given what the registry is called in ARM. */
  readonly platform?: (registry: { readonly resourceId: string; readonly loginServer: string }) => string;
  /** Settings to add, or to leave out with undefined. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly onLog?: (entry: LogEntry) => void;
  /** Told what is being started, a few words each time. */
  readonly onProgress?: (what: string) => void;
  /** Settles when the app's bundle is built; the host waits for it, nothing else does. */
  readonly appReady?: Promise<unknown>;
  /** In memory: for tests that never restart. */
  readonly forgetful?: boolean;
  readonly acrConcurrency?: number;
}

export interface Twin {
  readonly dir: string;
  readonly azurite: RunningAzurite;
  readonly identity: LocalIdentity;
  readonly registry: LocalRegistry;
  readonly acr: LocalAcr;
  readonly github: LocalGitHub;
  readonly engine: EngineChoice;
  readonly endpoints: Endpoints;
  host(): RunningHost;
  /** After the host was stopped or killed: the same app, the same settings. */
  startHost(): Promise<RunningHost>;
  stop(): Promise<void>;
}

/** Written to `endpoints.json`: where everything is, and the local secrets. */
export interface Endpoints {
  readonly api: string;
  readonly readKey: string;
  readonly writeKey: string;
  readonly masterKey: string;
  readonly webhook: string;
  readonly webhookSecret: string;
  readonly github: string;
  readonly githubApi: string;
  readonly registry: string;
  readonly arm: string;
  readonly armCa: string;
  readonly resourceId: string;
  readonly storage: string;
}

interface Secrets {
  readonly webhook: string;
  readonly master: string;
  readonly read: string;
  readonly write: string;
}

export const registryName = "localregistry";
export const registryAlias = "local";
const githubAppId = 4711;

export async function startTwin(options: TwinOptions): Promise<Twin> {
  mkdirSync(options.dir, { recursive: true });
  const under = (name: string) => join(options.dir, name);
  const ports = await choosePorts(options.dir, options.ports ?? {});
  const secrets = new StateFile<Secrets>(under("secrets.json"), newSecrets);
  secrets.save();
  const progress = options.onProgress ?? (() => {});
  const started: (() => Promise<void>)[] = [];
  progress("storage (Azurite), registry, identity, GitHub");
  // Azurite takes the longest and is a process of its own: everything that does not need it starts meanwhile.
  const storage = startStorage({
    ...(options.forgetful ? {} : { location: under("azurite") }),
    ports: { blob: ports.blob, queue: ports.queue, table: ports.table },
  });
  // Looked at below; a failure of something else must not turn this one into an unhandled rejection.
  storage.catch(() => {});
  options.appReady?.catch(() => {});
  const stop = async () => {
    for (const end of started.splice(0).reverse()) await end();
    const azurite = await storage.catch(() => undefined);
    await azurite?.stop();
  };
  try {
    const identity = await startIdentity({ dir: under("identity"), port: ports.identity });
    started.push(() => identity.close());
    const registry = await startRegistry({
      dir: under("registry"),
      port: ports.registry,
      auth: { mode: "open", verifyAadToken: (token) => identity.verify(token).kind === "valid" },
    });
    started.push(() => registry.close());
    const github = await startGitHub({ dir: under("github"), port: ports.github, app: { id: githubAppId } });
    started.push(() => github.close());
    progress("a base image made of this machine's shell");
    await pushShellBase(registry.store);

    const engine = await chooseEngine({
      registry,
      scratchDir: under("engine"),
      ...(options.engine ? { prefer: options.engine } : {}),
    });
    started.push(() => engine.engine.close());
    const tls = await loadCertificate(under("tls"));
    progress("storage (Azurite)");
    const azurite = await storage;
    progress("ACR and the Functions host");
    const { startAcr } = await import("./acr/start-acr.ts");
    const acr = await startAcr({
      dir: under("acr"),
      port: ports.arm,
      tls,
      identity,
      registryName,
      loginServer: registry.loginServer,
      blobConnectionString: azurite.connectionString,
      engine: engine.engine,
      ...(options.acrConcurrency ? { concurrency: options.acrConcurrency } : {}),
    });
    started.push(() => acr.close());

    const platform = options.platform ?? defaultPlatform;
    const platformFile = under("slipway.platform.yaml");
    writeFileSync(platformFile, platform({ resourceId: acr.resourceId, loginServer: registry.loginServer }));
    const { webhook, master, read, write } = secrets.value;
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
      NODE_EXTRA_CA_CERTS: tls.caPath,
      ...identity.env,
      ...options.env,
    };
    const start = () =>
      startHost({
        appDir: options.appDir,
        port: ports.functions,
        env,
        keys,
        maxPollingInterval: "00:00:00.250",
        // A killed host's messages come back in seconds here; on Azure it takes up to ten minutes and the sweep is quicker.
        receiveVisibility: "00:00:15",
        ...(options.onLog ? { onLog: options.onLog } : {}),
      });
    await options.appReady;
    let host = await start();
    started.push(() => host.stop());

    const endpoints: Endpoints = {
      api,
      readKey: read,
      writeKey: write,
      masterKey: master,
      webhook: `${api}/github/deliveries`,
      webhookSecret: webhook,
      github: github.url,
      githubApi: github.apiUrl,
      registry: registry.loginServer,
      arm: acr.url,
      armCa: tls.caPath,
      resourceId: acr.resourceId,
      storage: azurite.connectionString,
    };
    writeFileSync(under("endpoints.json"), `${JSON.stringify(endpoints, null, 2)}\n`, { mode: 0o600 });
    github.setWebhook(endpoints.webhook, webhook);
    return {
      dir: options.dir,
      azurite,
      identity,
      registry,
      acr,
      github,
      engine,
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

async function startStorage(options: AzuriteOptions): Promise<RunningAzurite> {
  // The Azure SDK takes a second to load, here and for ACR below: about as long as Azurite takes to start.
  const starting = startAzurite(options);
  starting.catch(() => {});
  const { provisionStorage } = await import("./provision.ts");
  const azurite = await starting;
  try {
    await provisionStorage(azurite.connectionString);
    return azurite;
  } catch (error) {
    await azurite.stop();
    throw error;
  }
}

export function forget(dir: string): void {
  rmSync(dir, { recursive: true, force: true });
}

function newSecrets(): Secrets {
  const secret = () => randomBytes(24).toString("base64url");
  return { webhook: secret(), master: secret(), read: secret(), write: secret() };
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
`;
}
