import type { BlobServiceClient } from "@azure/storage-blob";
import { statusOf } from "./storage-status.ts";

/** When a timer last ran and should run next. `last` undefined: never yet. */
export interface TimerStatus {
  readonly last: Date | undefined;
  readonly next: Date;
  readonly lastUpdated: Date;
}

/** .NET's default(DateTime), which the real host writes for "never". */
const NEVER = "0001-01-01T00:00:00";
const CONTAINER = "azure-webjobs-hosts";

export interface TimerStatusStore {
  read(): Promise<TimerStatus | undefined>;
  write(status: TimerStatus): Promise<void>;
}

/** Blob `azure-webjobs-hosts/timers/<hostId>/<timer>/status`, the place and shape of the real host. */
export function timerStatusStore(blobs: BlobServiceClient, hostId: string, functionName: string): TimerStatusStore {
  const container = blobs.getContainerClient(CONTAINER);
  const blob = container.getBlockBlobClient(`timers/${hostId}/Host.Functions.${functionName}/status`);
  return {
    async read() {
      try {
        const status = JSON.parse((await blob.downloadToBuffer()).toString("utf8")) as Record<string, string>;
        const [last, next, lastUpdated] = [status.Last, status.Next, status.LastUpdated].map(dateFrom);
        return next && lastUpdated ? { last, next, lastUpdated } : undefined;
      } catch (error) {
        if (statusOf(error) === 404) return undefined;
        throw error;
      }
    },
    async write(status) {
      await container.createIfNotExists();
      const text = JSON.stringify(statusJson(status));
      await blob.upload(text, Buffer.byteLength(text));
    },
  };
}

/** As the blob and the handler's `scheduleStatus` have it. */
export function statusJson(status: TimerStatus): { Last: string; Next: string; LastUpdated: string } {
  return {
    Last: status.last?.toISOString() ?? NEVER,
    Next: status.next.toISOString(),
    LastUpdated: status.lastUpdated.toISOString(),
  };
}

function dateFrom(text: string | undefined): Date | undefined {
  if (!text || text.startsWith("0001-")) return undefined;
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? undefined : date;
}
