import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { ContainerClient } from "@azure/storage-blob";
import type { Clock } from "../../clock.ts";
import type { Engine } from "../../engine/engine.ts";
import { removeTree } from "../../engine/remove-tree.ts";
import type { EventGrid } from "../../event-grid/event-grid.ts";
import { AcrState, type NumberedChange } from "../acr-state.ts";
import { openBlobStore } from "../blob-store.ts";
import type { Faults } from "../faults.ts";
import { Ledger } from "../ledger.ts";
import { RunQueue } from "../run/run-queue.ts";
import type { RegistrySettings } from "../task-record.ts";
import { Webhooks } from "../webhooks/webhooks.ts";
import type { RegistryContext, RegistryPlace } from "./registry-context.ts";

/** What all registries of a twin share. */
export interface SharedMachinery {
  readonly subscriptionId: string;
  readonly blobConnectionString: string;
  /** Borrowed, not closed. */
  readonly engine: Engine;
  readonly faults: Faults;
  readonly clock: Clock;
  readonly eventGrid: EventGrid;
  /** Of each registry. */
  readonly concurrency: number;
  readonly listPageSize: number;
  /** Milliseconds a webhook's receiver has to answer. */
  readonly webhookAnswerWithinMs?: number;
  readonly onLedger?: (change: NumberedChange, registry: string) => void;
}

export interface RegistryEntry {
  readonly name: string;
  readonly resourceGroup: string;
}

/** Brings one registry up from its folder, or begins it there; the runs an earlier process left open go on. */
export async function openRegistry(
  { name, resourceGroup }: RegistryEntry,
  dir: string,
  place: RegistryPlace,
  on: SharedMachinery,
  settings: Partial<RegistrySettings> = {},
): Promise<RegistryContext> {
  const state = new AcrState(dir, on.clock, settings);
  const ledger = new Ledger(join(dir, "ledger.jsonl"), state);
  state.onChange((change) => on.onLedger?.(change, name));
  const blobs = await openBlobStore(on.blobConnectionString, name);
  const { loginServer, engine = on.engine } = place;
  const agent = { state, blobs, engine, clock: on.clock, loginServer, workDir: await emptyWorkDir(dir) };
  const resourceId = registryId(on.subscriptionId, resourceGroup, name);
  const { eventGrid, webhookAnswerWithinMs } = on;
  const webhooks = new Webhooks({
    dir: join(dir, "webhooks"),
    onSent: (sent) => state.announce({ kind: "webhook-sent", ...sent }),
    ...(webhookAnswerWithinMs !== undefined && { answerWithinMs: webhookAnswerWithinMs }),
  });
  const unheard = place.onEvent?.((event) => {
    webhooks.tell(event);
    eventGrid.publish(resourceId, state.settings.location, event);
  });
  return {
    name,
    subscriptionId: on.subscriptionId,
    resourceGroup,
    resourceId,
    loginServer,
    dir,
    clock: on.clock,
    place,
    state,
    ledger,
    queue: new RunQueue(agent, on.faults, on.concurrency),
    blobs,
    webhooks,
    eventGrid,
    stopEvents: async () => {
      unheard?.();
      await webhooks.close();
    },
    listPageSize: on.listPageSize,
  };
}

/** Stops as a crash would: runs under way are run again, from the start, when it is opened again. */
export async function closeRegistry({ queue, place, stopEvents }: RegistryContext): Promise<void> {
  await stopEvents();
  await queue.close();
  await place.close?.();
}

/** In the folder of the first registry lie those of the others, too. */
const outlivesRegistry = ["ledger.jsonl", "arm.json", "arm-ledger.jsonl", "registries", "oci", "event-grid"];

/** Takes away images, runs, logs, uploads, tasks, webhooks and event subscriptions. The ledger stays: what happened has happened. */
export async function removeRegistry(registry: RegistryContext): Promise<void> {
  const { state, queue, place, blobs, dir } = registry;
  // Nobody is told of each image that goes with its registry.
  await registry.stopEvents();
  registry.eventGrid.removeTopic(registry.resourceId);
  state.announce({ kind: "registry-deleted", creationDate: state.creationDate });
  await queue.close();
  await place.remove?.();
  await Promise.all([empty(blobs.logs), empty(blobs.sources)]);
  for (const name of readdirSync(dir)) {
    if (!outlivesRegistry.includes(name)) await removeTree(join(dir, name));
  }
}

/** A new registry of the same name must not find an old run's log under its own run's name. */
async function empty(container: ContainerClient): Promise<void> {
  for await (const { name } of container.listBlobsFlat()) await container.deleteBlob(name);
}

export function registryId(subscriptionId: string, resourceGroup: string, name: string): string {
  const group = `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}`;
  return `${group}/providers/Microsoft.ContainerRegistry/registries/${name}`;
}

/** Workspaces of a process that was killed are of no use: its runs start over. */
async function emptyWorkDir(dir: string): Promise<string> {
  const path = join(dir, "work");
  try {
    await removeTree(path);
  } catch (error) {
    // Containers of a daemon leave files of root's. They are in nobody's way: each run has a folder of its own.
    console.error(`acr: what earlier runs left in ${path} could not be removed`, error);
  }
  mkdirSync(path, { recursive: true });
  return path;
}
