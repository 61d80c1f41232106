import type { Clock } from "../../clock.ts";
import type { Engine } from "../../engine/engine.ts";
import type { EventGrid } from "../../event-grid/event-grid.ts";
import type { LedgerEntry } from "../../registry/ledger.ts";
import type { RegistryEvent } from "../../registry/registry-event.ts";
import type { RegistryStore } from "../../registry/registry-store.ts";
import type { AcrState } from "../acr-state.ts";
import type { BlobStore } from "../blob-store.ts";
import type { Ledger } from "../ledger.ts";
import type { RunQueue } from "../run/run-queue.ts";
import type { Sku } from "../task-record.ts";
import type { Webhooks } from "../webhooks/webhooks.ts";

export type { Sku };

/** The OCI registry that holds a registry's images. A `LocalRegistry` is one. */
export interface RegistryPlace {
  readonly loginServer: string;
  /** For importImage and listUsages, which work in process; without it neither sees an image. */
  readonly store?: RegistryStore;
  /** Every change of its images; told by those who have them. */
  ledger?(): readonly LedgerEntry[];
  /** For runs of this registry, where an engine serves one registry only; the twin's own unless given. */
  readonly engine?: Engine;
  /** For webhooks and Event Grid; without it neither hears anything. */
  onEvent?(listener: (event: RegistryEvent) => void): () => void;
  close?(): Promise<void>;
  /** Takes every image away, as deleting a registry does, and closes unless it is to be used again. */
  remove?(): Promise<void>;
}

/** What the routes of one registry need to know and to reach. */
export interface RegistryContext {
  readonly name: string;
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  readonly resourceId: string;
  readonly loginServer: string;
  /** Everything the registry remembers, apart from blobs and images; emptied with the registry, but for its ledger. */
  readonly dir: string;
  readonly clock: Clock;
  readonly place: RegistryPlace;
  readonly state: AcrState;
  readonly ledger: Ledger;
  readonly queue: RunQueue;
  readonly blobs: BlobStore;
  readonly webhooks: Webhooks;
  /** Of all registries; this one's topic is its resource id. */
  readonly eventGrid: EventGrid;
  /** Webhooks under way are lost, as in a crash; Event Grid hears no more from this registry. */
  stopEvents(): Promise<void>;
  /** Most runs on one page of a list; Azure's own number has not been seen. */
  readonly listPageSize: number;
}
