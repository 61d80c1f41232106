import type { Attributes } from "./locks.ts";

/** Who asked for a change; the in-process API says `slipway-engine`. */
export interface Origin {
  readonly useragent: string;
}

interface ManifestChange {
  readonly digest: string;
  readonly mediaType: string;
  /** Bytes of the manifest. */
  readonly size: number;
}

/** Something in the registry changed. Events and the ledger are made of these and of nothing else. */
export type RegistryChange = { readonly repository: string; readonly origin: Origin } & (
  | (ManifestChange & {
      readonly action: "push";
      /** Absent when the manifest was pushed by digest, as the children of an index are. */
      readonly tag?: string;
    })
  | (ManifestChange & { readonly action: "delete" })
  | { readonly action: "untag"; readonly tag: string; readonly digest: string }
  | { readonly action: "blob-added" | "blob-deleted"; readonly digest: string }
  | { readonly action: "blob-mounted"; readonly digest: string; readonly from: string }
  /** `target` is a tag, a digest, or empty for the repository. */
  | { readonly action: "attributes"; readonly target: string; readonly attributes: Attributes }
);

/** The changes ACR tells of. Untagging is not told (facts: acr-tasks.md §6.2). */
export type ToldChange = Extract<RegistryChange, { action: "push" | "delete" }>;

export function isTold(change: RegistryChange): change is ToldChange {
  return change.action === "push" || change.action === "delete";
}
