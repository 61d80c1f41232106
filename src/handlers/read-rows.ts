import { type KeyRange, keyAfter } from "../core/state/keys.ts";
import type { Rows, StoredRow } from "../core/state/store.ts";

/** The row's value; undefined: there is none. */
export async function readValue<T>(rows: Rows, partition: string, rowKey: string): Promise<T | undefined> {
  return (await rows.read(partition, rowKey)).row?.value as T | undefined;
}

/** A range in key order, so many rows at a time. What is written behind the page that is being read is seen, too. */
export async function* pagesOf(
  rows: Rows,
  partition: string,
  { from, to }: KeyRange,
  size: number,
): AsyncIterable<readonly StoredRow[]> {
  for (let next = from; ; ) {
    const page = await rows.list(partition, { from: next, to }, size);
    yield page;
    const last = page.at(-1);
    if (last === undefined || page.length < size) return;
    next = keyAfter(last.key);
  }
}
