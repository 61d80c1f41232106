/** What is known of a tag that images stand on: one row, written by whoever looked last. */
import { keys } from "../core/state/keys.ts";
import type { Followed } from "../core/state/rows.ts";
import type { Rows, RowWrite, StoredRow } from "../core/state/store.ts";
import { platformPartition } from "./registries.ts";

export async function readFollowed(
  reference: string,
  { rows }: { readonly rows: Rows },
): Promise<StoredRow | undefined> {
  return (await rows.read(platformPartition, keys.followed(reference))).row;
}

/** What is known, for whoever only looks. */
export async function seenOfTag(reference: string, ports: { readonly rows: Rows }): Promise<Followed | undefined> {
  return (await readFollowed(reference, ports))?.value as Followed | undefined;
}

/** False: somebody else has written it since `row` was read. */
export async function remember(
  { rows }: { readonly rows: Rows },
  row: StoredRow | undefined,
  value: Followed,
): Promise<boolean> {
  return (await rows.transact(platformPartition, [writeOf(row, value)])).kind === "done";
}

/** Nothing is written if somebody else has written it since `row` was read. */
export function writeOf(row: StoredRow | undefined, value: Followed): RowWrite {
  const followedKey = keys.followed(value.reference);
  return row
    ? { kind: "replace", key: followedKey, value, etag: row.etag }
    : { kind: "insert", key: followedKey, value };
}
