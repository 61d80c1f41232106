import type { KeyRange } from "../../src/core/state/keys.ts";
import type { Rows, RowWrite, StoredRow, TransactOutcome } from "../../src/core/state/store.ts";
import { TransientError } from "../../src/errors.ts";

interface Cell {
  readonly json: string;
  readonly etag: string;
  readonly writtenAt: number;
}

/**
 * Table storage as far as Slipway knows it, with what cannot be had from Azurite: a clock the test owns, and a fault at
 * any chosen write. The contract suite runs against this and the real thing.
 */
export class MemoryRows implements Rows {
  readonly #partitions = new Map<string, Map<string, Cell>>();
  readonly #clock: () => number;
  /** Keys in order, until a key comes or goes. */
  readonly #sorted = new WeakMap<Map<string, Cell>, string[]>();
  #etags = 0;
  /** Transactions stored so far. */
  transactions = 0;
  operations = 0;
  reads = 0;
  /** Called before every write; throwing stops the writer there, as a crash would. */
  beforeWrite: (partition: string, keys: readonly string[]) => void = () => {};
  /** Called after every write: the write is stored, its answer is lost. */
  afterWrite: (partition: string, keys: readonly string[]) => void = () => {};

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  async read(partition: string, key: string): Promise<{ row: StoredRow | undefined; now: number }> {
    this.reads++;
    const cell = this.#partition(partition).get(key);
    return { row: cell && toRow(key, cell), now: this.#clock() };
  }

  async list(partition: string, range: KeyRange, limit: number): Promise<StoredRow[]> {
    this.reads++;
    const cells = this.#partition(partition);
    const sorted = this.#sorted.get(cells) ?? [...cells.keys()].sort();
    this.#sorted.set(cells, sorted);
    const found: StoredRow[] = [];
    for (
      let i = firstAtLeast(sorted, range.from);
      i < sorted.length && found.length < limit && sorted[i]! < range.to;
      i++
    )
      found.push(toRow(sorted[i]!, cells.get(sorted[i]!)!));
    return found;
  }

  async transact(partition: string, writes: readonly RowWrite[]): Promise<TransactOutcome> {
    const keys = writes.map((w) => w.key);
    if (writes.length > 100) throw new Error(`a transaction takes 100 operations, not ${writes.length}`);
    if (new Set(keys).size !== keys.length) throw new Error(`a transaction may touch a row once: ${keys.join(" ")}`);
    for (const key of keys)
      if (/[/\\#?\u0000-\u001f]/.test(key) || key.length > 1024) throw new Error(`not a table key: ${key}`);
    this.beforeWrite(partition, keys);
    const cells = this.#partition(partition);
    for (const write of writes) {
      const cell = cells.get(write.key);
      if (write.kind === "insert" && cell) return { kind: "conflict" };
      if ((write.kind === "remove" || write.kind === "replace") && !cell) return { kind: "missing" };
      if (write.kind === "replace" && cell?.etag !== write.etag) return { kind: "conflict" };
    }
    const etags = new Map<string, string>();
    for (const write of writes) {
      if (write.kind === "remove" || !cells.has(write.key)) this.#sorted.delete(cells);
      if (write.kind === "remove") cells.delete(write.key);
      else {
        const etag = `"${++this.#etags}"`;
        cells.set(write.key, { json: JSON.stringify(write.value), etag, writtenAt: this.#clock() });
        etags.set(write.key, etag);
      }
    }
    this.transactions++;
    this.operations += writes.length;
    this.afterWrite(partition, keys);
    return { kind: "done", etags };
  }

  async removeUnchanged(partition: string, row: StoredRow): Promise<boolean> {
    this.beforeWrite(partition, [row.key]);
    const cells = this.#partition(partition);
    if (cells.get(row.key)?.etag !== row.etag) return false;
    cells.delete(row.key);
    this.#sorted.delete(cells);
    this.afterWrite(partition, [row.key]);
    return true;
  }

  /** Everything in a partition, for looking at the end state. */
  dump(partition: string): Record<string, unknown> {
    return Object.fromEntries(
      [...this.#partition(partition)].sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, c]) => [k, JSON.parse(c.json)]),
    );
  }

  #partition(name: string): Map<string, Cell> {
    const found = this.#partitions.get(name) ?? new Map<string, Cell>();
    this.#partitions.set(name, found);
    return found;
  }
}

function firstAtLeast(sorted: readonly string[], from: string): number {
  let low = 0;
  for (let high = sorted.length; low < high; ) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < from) low = middle + 1;
    else high = middle;
  }
  return low;
}

function toRow(key: string, cell: Cell): StoredRow {
  return { key, value: JSON.parse(cell.json), etag: cell.etag, writtenAt: cell.writtenAt };
}

/** What a stopped process throws in these tests: nothing in src may treat it as an answer. */
export class Stopped extends TransientError {}
