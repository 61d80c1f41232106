/**
 * Azure and GitHub on this machine, without any app: storage, identity, a registry, ACR with Tasks and Event Grid, GitHub.
 * `npm run twin` starts this alone, `twin.ts` puts Slipway into it.
 */
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadCertificate } from "./acr/certificate.ts";
import type { LocalAcr } from "./acr/start-acr.ts";
import { type Admin, type AdminEndpoints, startAdmin } from "./admin/start-admin.ts";
import { type AzuriteOptions, type RunningAzurite, startAzurite } from "./azurite.ts";
import { Clock } from "./clock.ts";
import { chooseEngine, type EngineChoice } from "./engine/choose-engine.ts";
import type { EngineName } from "./engine/engine.ts";
import { helloWorld, pushHelloWorld } from "./engine/hello-world.ts";
import { hasShellBase, pushShellBase } from "./engine/shell-base.ts";
import type { EventGrid } from "./event-grid/event-grid.ts";
import { type LocalGitHub, startGitHub } from "./github/start-github.ts";
import { type LocalIdentity, startIdentity } from "./identity/start-identity.ts";
import { choosePorts, type PortName } from "./ports.ts";
import { type LocalRegistry, startRegistry } from "./registry/registry.ts";

export interface CloudOptions {
  /** Everything the twin remembers; survives SIGKILL. */
  readonly dir: string;
  readonly ports?: Partial<Record<PortName, number>>;
  readonly engine?: EngineName;
  /** Told what is being started, a few words each time. */
  readonly onProgress?: (what: string) => void;
  /** In memory: for tests that never restart. */
  readonly forgetful?: boolean;
  readonly acrConcurrency?: number;
  /** The time of all parts but storage; a scale other than 1 is told by `onProgress`. */
  readonly clock?: Clock;
  /** Makes in the storage account what an app wants to find there. */
  readonly provision?: (storageConnectionString: string) => Promise<void>;
}

export interface Cloud {
  readonly dir: string;
  readonly ports: Readonly<Record<PortName, number>>;
  readonly clock: Clock;
  readonly azurite: RunningAzurite;
  readonly identity: LocalIdentity;
  readonly registry: LocalRegistry;
  readonly acr: LocalAcr;
  /** The same as `acr.eventGrid`: what hangs on the registries' topics. */
  readonly eventGrid: EventGrid;
  readonly github: LocalGitHub;
  readonly engine: EngineChoice;
  readonly admin: Admin;
  readonly endpoints: CloudEndpoints;
  stop(): Promise<void>;
}

/** Where everything is, and the local secrets. */
export interface CloudEndpoints extends AdminEndpoints {
  readonly github: string;
  readonly githubApi: string;
  readonly githubAppId: number;
  /** Of the App's private key, a PEM file. */
  readonly githubAppKey: string;
  readonly registry: string;
  readonly arm: string;
  /** Of ARM's certificate, a PEM file. */
  readonly armCa: string;
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  readonly registryName: string;
  readonly resourceId: string;
  readonly storage: string;
  /** As IDENTITY_ENDPOINT and IDENTITY_HEADER, for ManagedIdentityCredential. */
  readonly identityEndpoint: string;
  readonly identityHeader: string;
  /** A service principal, for `az login`. */
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

export const registryName = "localregistry";
export const githubAppId = 4711;

export async function startCloud(options: CloudOptions): Promise<Cloud> {
  mkdirSync(options.dir, { recursive: true });
  const under = (name: string) => join(options.dir, name);
  const ports = await choosePorts(options.dir, options.ports ?? {});
  const { onProgress: progress = () => {}, clock = new Clock() } = options;
  if (clock.scale !== 1)
    progress(`a task's timeouts and delays, and Event Grid's, ${clock.scale} times faster than on Azure`);
  const started: (() => Promise<void>)[] = [];
  progress("identity, registry, GitHub");
  // Azurite takes the longest and is a process of its own: everything that does not need it starts meanwhile.
  const storage = startStorage(
    {
      ...(options.forgetful ? {} : { location: under("azurite") }),
      ports: { blob: ports.blob, queue: ports.queue, table: ports.table },
    },
    options.provision,
  );
  // Looked at below; a failure of something else must not turn this one into an unhandled rejection.
  storage.catch(() => {});
  const stop = async () => {
    for (const end of started.splice(0).reverse()) await end();
    const azurite = await storage.catch(() => undefined);
    await azurite?.stop();
  };
  try {
    const tls = await loadCertificate(under("tls"));
    const identity = await startIdentity({ dir: under("identity"), port: ports.identity, tls, clock });
    started.push(() => identity.close());
    const verifyAadToken = (token: string) => identity.verify(token).kind === "valid";
    const registry = await startRegistry({
      dir: under("registry"),
      port: ports.registry,
      clock,
      // az speaks https only; everybody else may go on with http.
      tls: { ...tls, plainToo: true },
      auth: { mode: "open", verifyAadToken },
    });
    started.push(() => registry.close());
    const adminToken = randomBytes(24).toString("base64url");
    const github = await startGitHub({
      dir: under("github"),
      port: ports.github,
      app: { id: githubAppId },
      clock: () => clock.now(),
      adminToken,
    });
    started.push(() => github.close());
    if (!(await hasShellBase(registry.store))) {
      progress("a base image made of this machine's shell");
      await pushShellBase(registry.store);
    }
    // What the built-in engine sees of Microsoft's registry, which is out of reach.
    const mirror = await startRegistry({ dir: under("mirror") });
    started.push(() => mirror.close());
    await pushHelloWorld(mirror.store);
    const mirrors = new Map([[helloWorld.host, mirror.store]]);
    const engine = await chooseEngine({
      registry,
      scratchDir: under("engine"),
      mirrors,
      ...(options.engine ? { prefer: options.engine } : {}),
    });
    started.push(() => engine.engine.close());
    progress("storage (Azurite)");
    const azurite = await storage;
    progress("ACR");
    const [{ startAcr }, { ociRegistries }] = await Promise.all([
      import("./acr/start-acr.ts"),
      import("./acr/arm/oci-registries.ts"),
    ]);
    const acr = await startAcr({
      dir: under("acr"),
      port: ports.arm,
      clock,
      tls,
      identity,
      registryName,
      loginServer: registry.loginServer,
      store: registry.store,
      registryEvents: registry,
      blobConnectionString: azurite.connectionString,
      engine: engine.engine,
      createRegistry: ociRegistries({
        dir: under("acr/oci"),
        clock,
        tls: { ...tls, plainToo: true },
        auth: { mode: "open", verifyAadToken },
        engineFor: async (made, name) => {
          const prefer = engine.engine.name as EngineName;
          const scratchDir = under(`engine-of-${name}`);
          // The first registry lets anybody pull, as one on Azure with anonymous pull does.
          const pulled = new Map([...mirrors, [registry.loginServer, registry.store]]);
          return (await chooseEngine({ registry: made, scratchDir, mirrors: pulled, prefer })).engine;
        },
      }),
      ...(options.acrConcurrency ? { concurrency: options.acrConcurrency } : {}),
    });
    started.push(() => acr.close());
    const admin = await startAdmin({ registry, acr, github, clock }, adminToken);
    started.push(() => admin.close());
    const endpoints: CloudEndpoints = {
      github: github.url,
      githubApi: github.apiUrl,
      githubAppId: github.app.id,
      githubAppKey: github.app.privateKeyPath,
      registry: registry.loginServer,
      arm: acr.url,
      armCa: tls.caPath,
      subscriptionId: acr.subscriptionId,
      resourceGroup: acr.resourceGroup,
      registryName: acr.registryName,
      resourceId: acr.resourceId,
      storage: azurite.connectionString,
      identityEndpoint: identity.env.IDENTITY_ENDPOINT,
      identityHeader: identity.env.IDENTITY_HEADER,
      tenantId: identity.tenantId,
      clientId: identity.systemAssigned.clientId,
      clientSecret: identity.clientSecret(),
      ...admin.endpoints,
    };
    const { dir } = options;
    const { eventGrid } = acr;
    return { dir, ports, clock, azurite, identity, registry, acr, eventGrid, github, engine, admin, endpoints, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What `npm run twin -- …` and people read. The file holds secrets: for its owner only. */
export function writeEndpoints(dir: string, endpoints: CloudEndpoints): void {
  writeFileSync(join(dir, "endpoints.json"), `${JSON.stringify(endpoints, null, 2)}\n`, { mode: 0o600 });
}

async function startStorage(
  options: AzuriteOptions,
  provision: CloudOptions["provision"] = async () => {},
): Promise<RunningAzurite> {
  const azurite = await startAzurite(options);
  try {
    await provision(azurite.connectionString);
    return azurite;
  } catch (error) {
    await azurite.stop();
    throw error;
  }
}
