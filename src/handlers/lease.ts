/**
 * One pass per registry at a time. Holding the lease is proved by every write: each transaction of a pass rewrites the
 * lease row on condition that nobody else has, so a pass that lost it cannot write anything (R4). Expiry is judged by the
 * storage service's clock alone.
 */
import { keys } from "../core/state/keys.ts";
import type { Lease } from "../core/state/rows.ts";
import type { Rows, RowWrite } from "../core/state/store.ts";
import { InternalError, TransientError } from "../errors.ts";
import type { Log } from "../ports.ts";

/** Seconds after its last write that a silent pass is taken for dead. */
export const leaseSeconds = 20;

/** Somebody else writes this registry now: stop, and leave everything as it is. */
export class LeaseLost extends TransientError {}

export interface Wake {
  readonly token: string;
}

export interface Change {
  readonly key: string;
  /** undefined removes the row. */
  readonly value: unknown;
}

export interface LeasePorts {
  readonly rows: Rows;
  readonly log: Log;
}

export class HeldLease {
  readonly #rows: Rows;
  readonly #log: Log;
  readonly #partition: string;
  #value: Lease;
  #etag: string;
  /** Of the process's own clock, and not `now`: one that is set back meanwhile would let the lease expire in our hands. */
  #writtenAtMs = performance.now();

  constructor({ rows, log }: LeasePorts, partition: string, value: Lease, etag: string) {
    this.#rows = rows;
    this.#log = log;
    this.#partition = partition;
    this.#value = value;
    this.#etag = etag;
  }

  /** All or nothing, and only while the lease is held. */
  async commit(changes: readonly Change[]): Promise<void> {
    await this.#write(this.#value, changes.map(toWrite));
  }

  /** Keeps the lease through slow work that writes nothing. */
  async renewIfOld(): Promise<void> {
    if (performance.now() - this.#writtenAtMs > (leaseSeconds * 1000) / 3) await this.commit([]);
  }

  /**
   * Gives the lease back on condition that nobody has asked for attention since `wake` was read; returns false when
   * somebody has, because their nudge found the lease held and was dropped.
   */
  async release(
    wake: { readonly token: string; readonly etag: string } | undefined,
    nudge: Lease["nudge"],
  ): Promise<boolean> {
    const free: Lease = {
      ...this.#value,
      holder: "",
      seenWake: wake?.token ?? "",
      ...(nudge ? { nudge } : { nudge: undefined }),
    };
    const guard: RowWrite = wake
      ? { kind: "replace", key: keys.wake, value: { token: wake.token } satisfies Wake, etag: wake.etag }
      : { kind: "insert", key: keys.wake, value: { token: "" } satisfies Wake };
    const outcome = await this.#rows.transact(this.#partition, [this.#leaseWrite(free), guard]);
    if (outcome.kind === "done") return true;
    const { row } = await this.#rows.read(this.#partition, keys.lease);
    if (row?.etag !== this.#etag) throw new LeaseLost(`the lease of ${this.#partition} was taken over`);
    return false;
  }

  /** After a failure: free, with the news still unseen, so that the retried nudge is not dropped. */
  async letGo(): Promise<void> {
    await this.#rows.transact(this.#partition, [this.#leaseWrite({ ...this.#value, holder: "" })]);
  }

  async #write(value: Lease, writes: readonly RowWrite[]): Promise<void> {
    const outcome = await this.#rows.transact(this.#partition, [this.#leaseWrite(value), ...writes]);
    if (outcome.kind === "conflict") throw new LeaseLost(`the lease of ${this.#partition} was taken over`);
    if (outcome.kind === "missing") return this.#writeWithoutAbsent(value, writes);
    this.#value = value;
    this.#etag = outcome.etags.get(keys.lease)!;
    this.#writtenAtMs = performance.now();
  }

  /** An index row that ought to be there is not: say so, remove the rest, and go on rather than be stuck for ever. */
  async #writeWithoutAbsent(value: Lease, writes: readonly RowWrite[]): Promise<void> {
    const present: RowWrite[] = [];
    for (const write of writes) {
      const absent = write.kind === "remove" && (await this.#rows.read(this.#partition, write.key)).row === undefined;
      if (absent) this.#log("a row to remove was already gone", { partition: this.#partition, key: write.key });
      else present.push(write);
    }
    if (present.length === writes.length) throw new InternalError(`the lease row of ${this.#partition} is gone`);
    return this.#write(value, present);
  }

  #leaseWrite(value: Lease): RowWrite {
    return { kind: "replace", key: keys.lease, value, etag: this.#etag };
  }
}

export type Taken =
  | { readonly kind: "held"; readonly lease: HeldLease }
  | { readonly kind: "dropped"; readonly why: string };

/** A nudge from a pass carries an id; one that comes with news does not. */
export async function takeLease(
  ports: LeasePorts,
  partition: string,
  holder: string,
  nudgeId: string | undefined,
): Promise<Taken> {
  const { rows } = ports;
  const [{ row, now }, wake] = await Promise.all([rows.read(partition, keys.lease), rows.read(partition, keys.wake)]);
  const taken: Lease = { holder, ttlSeconds: leaseSeconds, seenWake: "" };
  if (!row) {
    const outcome = await rows.transact(partition, [{ kind: "insert", key: keys.lease, value: taken }]);
    if (outcome.kind !== "done") return { kind: "dropped", why: "another pass has just begun" };
    return { kind: "held", lease: new HeldLease(ports, partition, taken, outcome.etags.get(keys.lease)!) };
  }
  const lease = row.value as Lease;
  if (lease.holder !== "" && now - row.writtenAt < lease.ttlSeconds * 1000)
    return { kind: "dropped", why: "a pass is under way" };
  const token = (wake.row?.value as Wake | undefined)?.token ?? "";
  const hasNews = lease.holder !== "" || token !== lease.seenWake;
  if (!hasNews && (nudgeId === undefined || nudgeId !== lease.nudge?.id))
    return { kind: "dropped", why: "nothing new" };
  const value: Lease = { ...lease, holder, ttlSeconds: leaseSeconds };
  const outcome = await rows.transact(partition, [{ kind: "replace", key: keys.lease, value, etag: row.etag }]);
  if (outcome.kind !== "done") return { kind: "dropped", why: "another pass has just begun" };
  return { kind: "held", lease: new HeldLease(ports, partition, value, outcome.etags.get(keys.lease)!) };
}

function toWrite(change: Change): RowWrite {
  return change.value === undefined
    ? { kind: "remove", key: change.key }
    : { kind: "put", key: change.key, value: change.value };
}
