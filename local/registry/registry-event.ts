import { randomUUID } from "node:crypto";
import { acrTime } from "./acr-time.ts";
import type { ToldChange } from "./registry-change.ts";

/** The body ACR posts to a webhook, and the `data` of its Event Grid event. */
export interface RegistryEvent {
  readonly id: string;
  readonly timestamp: string;
  readonly action: "push" | "delete";
  readonly target: {
    readonly mediaType: string;
    readonly size?: number;
    readonly digest: string;
    readonly length?: number;
    readonly repository: string;
    readonly tag?: string;
  };
  readonly request: {
    readonly id: string;
    readonly host: string;
    readonly method: "PUT" | "DELETE";
    readonly useragent: string;
  };
}

export function registryEvent(change: ToldChange, host: string, now: Date): RegistryEvent {
  const { action, mediaType, size, digest, repository, origin } = change;
  const tag = action === "push" ? change.tag : undefined;
  const pushed = action === "push";
  return {
    id: randomUUID(),
    timestamp: acrTime(now),
    action,
    target: pushed
      ? { mediaType, size, digest, length: size, repository, ...(tag === undefined ? {} : { tag }) }
      : { mediaType, digest, repository },
    request: { id: randomUUID(), host, method: pushed ? "PUT" : "DELETE", useragent: origin.useragent },
  };
}
