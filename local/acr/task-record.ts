/** A JSON object, as it came and as it will be shown. */
export type Json = { readonly [key: string]: unknown };

/** A task as the twin keeps it: its settings with the service's defaults, and with its secrets. */
export interface TaskRecord {
  /** As first written; found in any case. */
  readonly name: string;
  readonly creationDate: string;
  readonly location: string;
  readonly tags: Json;
  readonly identity?: Json;
  /** The wire's `properties` without what only the service writes. */
  readonly properties: Json & { readonly step: Json & { readonly type: string } };
  /** From the last successful run; absent before the first. */
  readonly baseImageDependencies?: readonly object[];
}

/** A run that is a resource of its own, so that a template can wait for it and a client can ask for it twice. */
export interface TaskRunRecord {
  readonly name: string;
  readonly location?: string;
  readonly tags?: Json;
  readonly identity?: Json;
  /** As given, with its secrets: what a later PUT is compared with. */
  readonly runRequest: Json;
  readonly forceUpdateTag?: string;
  readonly runId: string;
  /** Of the ARM operation that ends with the run. */
  readonly operationId: string;
}

export type Sku = "Basic" | "Standard" | "Premium";

/** What a registry's owner can set, and the passwords of its admin user. */
export interface RegistrySettings {
  readonly location: string;
  readonly sku: Sku;
  readonly tags: Json;
  readonly identity?: Json;
  /** The wire's `properties` as far as they are written by the owner. */
  readonly properties: Json;
  readonly passwords: { readonly password: string; readonly password2: string };
}
