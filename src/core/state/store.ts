/** Where rows live. Implemented over Table storage; the core only names the shape. */
import type { KeyRange } from "./keys.ts";

export interface StoredRow {
  readonly key: string;
  readonly value: unknown;
  readonly etag: string;
  /** When the service last wrote it, milliseconds since the epoch by the service's clock. */
  readonly writtenAt: number;
}

export type RowWrite =
  | { readonly kind: "put"; readonly key: string; readonly value: unknown }
  /** Only if there is no such row. */
  | { readonly kind: "insert"; readonly key: string; readonly value: unknown }
  /** Only if the row is unchanged since it was read. */
  | { readonly kind: "replace"; readonly key: string; readonly value: unknown; readonly etag: string }
  | { readonly kind: "remove"; readonly key: string };

export type TransactOutcome =
  | { readonly kind: "done"; readonly etags: ReadonlyMap<string, string> }
  /** Somebody else changed or made a row this transaction depended on. Nothing was written. */
  | { readonly kind: "conflict" }
  /** A row to remove or replace is not there. Nothing was written. */
  | { readonly kind: "missing" };

export interface Rows {
  /** `now` is the service's clock at the time of the answer. */
  read(partition: string, key: string): Promise<{ readonly row: StoredRow | undefined; readonly now: number }>;
  /** In key order, at most `limit`; follows short and empty pages. */
  list(partition: string, range: KeyRange, limit: number): Promise<StoredRow[]>;
  /** All or nothing, at most 100 writes, each row once. */
  transact(partition: string, writes: readonly RowWrite[]): Promise<TransactOutcome>;
  /** Removes a row unless it has changed since it was read; returns whether it did. */
  removeUnchanged(partition: string, row: StoredRow): Promise<boolean>;
}
