import { join } from "node:path";
import { Clock } from "../clock.ts";
import type { Engine } from "../engine/engine.ts";
import { EventGrid } from "../event-grid/event-grid.ts";
import { listen } from "../http.ts";
import type { TokenVerifier } from "../identity/start-identity.ts";
import type { RegistryStore } from "../registry/registry-store.ts";
import type { NumberedChange } from "./acr-state.ts";
import { armApp } from "./arm/app.ts";
import { type CreateRegistry, Directory, type DirectoryEntry } from "./arm/directory.ts";
import { ociRegistries } from "./arm/oci-registries.ts";
import type { RegistryContext, RegistryPlace, Sku } from "./arm/registry-context.ts";
import type { Buckets } from "./arm/response-headers.ts";
import { blobUrlOf } from "./blob-store.ts";
import { Faults } from "./faults.ts";
import type { RunRecord } from "./run-record.ts";
import type { Webhooks } from "./webhooks/webhooks.ts";

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
  /** The images behind `loginServer`; without it, nothing can be imported and nothing is emptied with the registry. */
  readonly store?: RegistryStore;
  /** Where pushes and deletes are heard of; without it webhooks and Event Grid have nothing to tell. */
  readonly registryEvents?: Required<Pick<RegistryPlace, "onEvent">>;
  /** Makes the OCI registries of further registries; on free ports, in `dir`, unless given. */
  readonly createRegistry?: CreateRegistry;
  /** A storage account, for run logs and uploaded sources behind real SAS URLs. */
  readonly blobConnectionString: string;
  /** Borrowed, not closed. */
  readonly engine: Engine;
  readonly onLedger?: (change: NumberedChange, registry: string) => void;
  /** Its scale is for a task's timeouts and delays, and Event Grid's. */
  readonly clock?: Clock;
  /** Milliseconds a webhook's receiver has to answer; ACR's 8000 unless told. */
  readonly webhookAnswerWithinMs?: number;
  /** Runs executed at once; Azure does not publish its number. */
  readonly concurrency?: number;
  readonly listPageSize?: number;
  /** Refuses what ARM's token buckets have no token for, all callers together; given parts replace the usual sizes. */
  readonly throttling?: Partial<Buckets>;
}

interface RegistrySummary {
  readonly name: string;
  readonly resourceId: string;
  readonly loginServer: string;
  readonly creationDate: string;
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
  /** With subscriptions to any of the registries. */
  readonly eventGrid: EventGrid;
  /** All of them; the properties above are those of the first. */
  registries(): readonly RegistrySummary[];
  /** What a person at the machine would see; oldest first. Of the first registry unless another is named. */
  runs(registry?: string): readonly RunRecord[];
  webhooks(registry?: string): Webhooks;
  ledger(registry?: string): readonly NumberedChange[];
  /** What happened to resource groups, and which registries are gone. */
  armLedger(): readonly DirectoryEntry[];
  /** Where the images of a registry are. */
  place(registry?: string): RegistryPlace;
  /** Deletes a registry and makes it again under its name: empty, with a new creationDate, run ids from `cf1` again. */
  recreateRegistry(registry?: string): Promise<RegistrySummary>;
  /** Stops as a crash would: runs under way are run again, from the start, by the next start in the same `dir`. */
  close(): Promise<void>;
}

/** Starts ARM with the registries it has, and goes on with the runs an earlier process left open. */
export async function startAcr(options: AcrOptions): Promise<LocalAcr> {
  const { registryName, loginServer, store, registryEvents, dir, webhookAnswerWithinMs, clock = new Clock() } = options;
  if (!/^[a-zA-Z0-9]{5,50}$/.test(registryName))
    throw new Error(`registry name ${registryName} is not [a-zA-Z0-9]{5,50}`);
  const subscriptionId = options.subscriptionId ?? "00000000-0000-4000-8000-000000000001";
  const resourceGroup = options.resourceGroup ?? "local";
  const place: RegistryPlace = {
    loginServer,
    // Its server is the caller's and stays up, so it is emptied and not removed.
    ...(store && { store, remove: () => store.clear() }),
    ...(registryEvents && { onEvent: (listener) => registryEvents.onEvent(listener) }),
  };
  const faults = new Faults();
  const eventGrid = new EventGrid({
    dir: join(dir, "event-grid"),
    storageConnectionString: options.blobConnectionString,
    clock,
    onSent: (sent) => directory.byId(sent.topic)?.state.announce({ kind: "event-sent", ...sent }),
  });
  const directory = await Directory.open(
    dir,
    { name: registryName, resourceGroup, place, ...(options.sku && { sku: options.sku }) },
    options.createRegistry ?? ociRegistries({ dir: join(dir, "oci"), clock }),
    {
      subscriptionId,
      blobConnectionString: options.blobConnectionString,
      engine: options.engine,
      faults,
      clock,
      eventGrid,
      concurrency: options.concurrency ?? 2,
      listPageSize: options.listPageSize ?? 100,
      ...(webhookAnswerWithinMs !== undefined && { webhookAnswerWithinMs }),
      ...(options.onLedger && { onLedger: options.onLedger }),
    },
  );
  const { identity, throttling } = options;
  const blobUrl = blobUrlOf(options.blobConnectionString);
  const app = armApp({ directory, identity, faults, eventGrid, blobUrl, ...(throttling && { throttling }) });
  const server = await listen(app, options.port ?? 0, options.tls).catch(async (error: unknown) => {
    await directory.close();
    throw error;
  });
  eventGrid.start(server.url);
  const registry = (name = registryName): RegistryContext => {
    const found = directory.registry(name);
    if (!found) throw new Error(`there is no registry ${name}`);
    return found;
  };

  return {
    url: server.url,
    resourceId: directory.resourceId(resourceGroup, registryName),
    subscriptionId,
    resourceGroup,
    registryName,
    loginServer,
    faults,
    eventGrid,
    registries: () => directory.registries.map(summaryOf),
    runs: (name) => registry(name).state.runs,
    webhooks: (name) => registry(name).webhooks,
    ledger: (name) => registry(name).ledger.entries,
    armLedger: () => directory.ledger.entries,
    place: (name) => registry(name).place,
    recreateRegistry: async (name) => summaryOf(await directory.recreate(registry(name))),
    close: async () => {
      await server.close();
      await directory.close();
      await eventGrid.close();
    },
  };
}

function summaryOf({ name, resourceId, loginServer, state: { creationDate } }: RegistryContext): RegistrySummary {
  return { name, resourceId, loginServer, creationDate };
}
