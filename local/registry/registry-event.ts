import { randomUUID } from "node:crypto";

/** Who asked for a change; the in-process API says `slipway-engine`. */
export interface Origin {
  readonly useragent: string;
}

/** Something in the registry changed. Untagging is not told, as in ACR (facts: acr-tasks.md §6.2). */
export interface RegistryChange {
  readonly action: "push" | "delete";
  readonly repository: string;
  readonly digest: string;
  readonly mediaType: string;
  /** Bytes of the manifest. */
  readonly size: number;
  /** Absent when the manifest was pushed by digest, as the children of an index are. */
  readonly tag?: string;
  readonly origin: Origin;
}

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

export function registryEvent(change: RegistryChange, host: string, now: Date): RegistryEvent {
  const { mediaType, size, digest, repository, tag } = change;
  const pushed = change.action === "push";
  return {
    id: randomUUID(),
    timestamp: withSevenFractionDigits(now),
    action: change.action,
    target: pushed
      ? { mediaType, size, digest, length: size, repository, ...(tag === undefined ? {} : { tag }) }
      : { mediaType, digest, repository },
    request: { id: randomUUID(), host, method: pushed ? "PUT" : "DELETE", useragent: change.origin.useragent },
  };
}

/** ACR's timestamps have seven to nine fraction digits; a receiver that expects three should find out here. */
function withSevenFractionDigits(now: Date): string {
  return now.toISOString().replace("Z", "0000Z");
}
