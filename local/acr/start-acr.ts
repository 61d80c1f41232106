import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Engine } from "../engine/engine.ts";
import { listen } from "../http.ts";
import type { TokenVerifier } from "../identity/start-identity.ts";
import { AcrState, type NumberedChange } from "./acr-state.ts";
import { armApp } from "./arm/app.ts";
import type { RegistryContext, Sku } from "./arm/registry-context.ts";
import { openBlobStore } from "./blob-store.ts";
import { Faults } from "./faults.ts";
import { Ledger } from "./ledger.ts";
import { Clock } from "./run/clock.ts";
import { RunQueue } from "./run/run-queue.ts";
import type { RunRecord } from "./run-record.ts";

export interface AcrOptions {
  /** Everything the registry remembers, apart from blobs. */
  readonly dir: string;
  readonly port?: number;
  readonly tls: { readonly key: string; readonly cert: string };
  readonly identity: TokenVerifier;
  readonly registryName: string;
  readonly resourceGroup?: string;
  readonly subscriptionId?: string;
  /** Write it with an address, such as 127.0.0.1:5000: ACR's scanner takes a first part without a dot for Docker Hub. */
  readonly loginServer: string;
  readonly sku?: Sku;
  /** A storage account, for run logs and uploaded sources behind real SAS URLs. */
  readonly blobConnectionString: string;
  /** Borrowed, not closed. */
  readonly engine: Engine;
  readonly onLedger?: (change: NumberedChange) => void;
  /** How many times faster than on the wall a task's timeouts and delays pass; 1 unless told. */
  readonly clockScale?: number;
  /** Runs executed at once; Azure does not publish its number. */
  readonly concurrency?: number;
  readonly listPageSize?: number;
}

export interface LocalAcr {
  /** `https://127.0.0.1:PORT`, in place of https://management.azure.com. */
  readonly url: string;
  readonly resourceId: string;
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  readonly registryName: string;
  readonly loginServer: string;
  readonly faults: Faults;
  /** What a person at the machine would see; oldest first. */
  runs(): readonly RunRecord[];
  ledger(): readonly NumberedChange[];
  /** Stops as a crash would: runs under way are run again, from the start, by the next start in the same `dir`. */
  close(): Promise<void>;
}

/** Starts the ARM side of one registry, and goes on with the runs an earlier process left open. */
export async function startAcr(options: AcrOptions): Promise<LocalAcr> {
  const { registryName, loginServer } = options;
  if (!/^[a-zA-Z0-9]{5,50}$/.test(registryName))
    throw new Error(`registry name ${registryName} is not [a-zA-Z0-9]{5,50}`);
  const subscriptionId = options.subscriptionId ?? "00000000-0000-4000-8000-000000000001";
  const resourceGroup = options.resourceGroup ?? "local";
  const resourceId =
    `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}` +
    `/providers/Microsoft.ContainerRegistry/registries/${registryName}`;

  const state = new AcrState(options.dir);
  const ledger = new Ledger(join(options.dir, "ledger.jsonl"), state);
  if (options.onLedger) state.onChange(options.onLedger);
  const blobs = await openBlobStore(options.blobConnectionString, registryName);
  const faults = new Faults();
  const clock = new Clock(options.clockScale ?? 1);
  const agent = { state, blobs, engine: options.engine, clock, loginServer, workDir: emptyWorkDir(options.dir) };
  const queue = new RunQueue(agent, faults, options.concurrency ?? 2);

  const registry: RegistryContext = {
    name: registryName,
    subscriptionId,
    resourceGroup,
    resourceId,
    location: "westeurope",
    loginServer,
    sku: options.sku ?? "Standard",
    state,
    queue,
    blobs,
    listPageSize: options.listPageSize ?? 100,
  };
  const app = armApp({ registry, identity: options.identity, faults });
  const server = await listen(app, options.port ?? 0, options.tls).catch(async (error: unknown) => {
    await queue.close();
    throw error;
  });

  return {
    url: server.url,
    resourceId,
    subscriptionId,
    resourceGroup,
    registryName,
    loginServer,
    faults,
    runs: () => state.runs,
    ledger: () => ledger.entries,
    close: async () => {
      await server.close();
      await queue.close();
    },
  };
}

/** Workspaces of a process that was killed are of no use: its runs start over. */
function emptyWorkDir(dir: string): string {
  const path = join(dir, "work");
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { recursive: true });
  return path;
}
