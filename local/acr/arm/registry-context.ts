import type { AcrState } from "../acr-state.ts";
import type { BlobStore } from "../blob-store.ts";
import type { RunQueue } from "../run/run-queue.ts";

export type Sku = "Basic" | "Standard" | "Premium";

/** What the routes need to know and to reach. */
export interface RegistryContext {
  readonly name: string;
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  readonly resourceId: string;
  readonly location: string;
  readonly loginServer: string;
  readonly sku: Sku;
  readonly state: AcrState;
  readonly queue: RunQueue;
  readonly blobs: BlobStore;
  /** Most runs on one page of a list; Azure's own number has not been seen. */
  readonly listPageSize: number;
}
