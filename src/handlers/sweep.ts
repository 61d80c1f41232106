/**
 * Webhooks hasten; this guarantees. Sends again what is owed and late, wakes passes that are overdue or died, asks GitHub
 * to redeliver what we failed to take, and looks for refs that moved without a word. Bounded per tick.
 */

import type { SourceRepository } from "../core/source.ts";
import { key, keys, rangeOf } from "../core/state/keys.ts";
import type { Due, Lease } from "../core/state/rows.ts";
import type { Rows } from "../core/state/store.ts";
import type { Wake } from "./lease.ts";
import { type EventMessage, type Queues, queueNames } from "./messages.ts";
import { platformPartition, type Registries, type Registry } from "./registries.ts";
import type { Note, SeenRef } from "./resolve-event.ts";

export interface SweepPorts {
  readonly rows: Rows;
  readonly queues: Queues;
  readonly registries: Registries;
  readonly github: {
    refs(source: SourceRepository): Promise<readonly { readonly ref: string; readonly sha: string }[]>;
    failedDeliveries(sinceIso: string): Promise<readonly { readonly id: string; readonly guid: string }[]>;
    redeliver(id: string): Promise<void>;
  };
  now(): number;
  newId(): string;
  log(message: string, fields: Record<string, unknown>): void;
}

/** An owed message this old was probably lost between the transaction and the queue. */
const lateMs = 60_000;
const dueMost = 200;
const sourcesPerTick = 3;
const refsMost = 5000;
/** GitHub keeps deliveries for redelivery three days. */
const redeliverHours = 72;
const redeliveriesMost = 20;

export async function sweep(ports: SweepPorts): Promise<void> {
  // One thing that fails must not keep the others from being done.
  const parts: [string, () => Promise<void>][] = [
    ...ports.registries.aliases.map((alias): [string, () => Promise<void>] => [
      `registry ${alias}`,
      () => sweepRegistry(alias, ports),
    ]),
    ["notes", () => sweepNotes(ports)],
    ["deliveries", () => redeliverFailed(ports)],
    ["refs", () => findMovedRefs(ports)],
  ];
  for (const [what, work] of parts) {
    try {
      await work();
    } catch (error) {
      ports.log("sweep failed", { what, why: error instanceof Error ? error.message : String(error) });
    }
  }
}

async function sweepRegistry(alias: string, ports: SweepPorts): Promise<void> {
  const registry = await ports.registries.find(alias);
  await wakePass(registry, ports);
  const { now } = await ports.rows.read(registry.partition, keys.lease);
  for (const row of await ports.rows.list(registry.partition, rangeOf("due"), dueMost)) {
    if (now - row.writtenAt < lateMs) continue;
    const due = row.value as Due;
    if (due.kind === "report")
      await ports.queues.send(queueNames.reports, { kind: "run", registry: alias, run: due.run });
    else
      await ports.queues.send(queueNames.runWork, {
        kind: due.kind,
        registry: alias,
        run: due.run,
        runAttempt: due.attempt,
      });
  }
}

/** A pass that died holds its lease until it expires; a nudge that got lost leaves its moment behind. */
async function wakePass(registry: Registry, ports: SweepPorts): Promise<void> {
  const [{ row, now }, wake] = await Promise.all([
    ports.rows.read(registry.partition, keys.lease),
    ports.rows.read(registry.partition, keys.wake),
  ]);
  const lease = row?.value as Lease | undefined;
  if (row && lease && lease.holder !== "") {
    if (now - row.writtenAt >= lease.ttlSeconds * 1000)
      await ports.queues.send(queueNames.registries, { registry: registry.alias });
    return;
  }
  const token = (wake.row?.value as Wake | undefined)?.token ?? "";
  if (token !== (lease?.seenWake ?? "")) await ports.queues.send(queueNames.registries, { registry: registry.alias });
  else if (lease?.nudge && Date.parse(lease.nudge.at) + 10_000 < now)
    await ports.queues.send(queueNames.registries, { registry: registry.alias, nudge: lease.nudge.id });
}

async function sweepNotes(ports: SweepPorts): Promise<void> {
  const { now } = await ports.rows.read(platformPartition, key("sweep"));
  for (const row of await ports.rows.list(platformPartition, rangeOf("due", "note"), dueMost))
    if (now - row.writtenAt >= lateMs)
      await ports.queues.send(queueNames.reports, { kind: "note", note: (row.value as Note).id });
}

interface SweepRow {
  /** Last source repository looked at; the next tick goes on after it. */
  readonly source: string;
  readonly redelivered: readonly string[];
}

async function readSweep(ports: SweepPorts): Promise<SweepRow> {
  return (
    ((await ports.rows.read(platformPartition, key("sweep"))).row?.value as SweepRow | undefined) ?? {
      source: "",
      redelivered: [],
    }
  );
}

async function putSweep(ports: SweepPorts, value: SweepRow): Promise<void> {
  await ports.rows.transact(platformPartition, [{ kind: "put", key: key("sweep"), value }]);
}

/** GitHub never retries by itself. A delivery is asked for once more, not for ever. */
async function redeliverFailed(ports: SweepPorts): Promise<void> {
  const since = new Date(ports.now() - redeliverHours * 3_600_000).toISOString();
  const state = await readSweep(ports);
  const failed = (await ports.github.failedDeliveries(since))
    .filter((d) => !state.redelivered.includes(d.guid))
    .slice(0, redeliveriesMost);
  if (failed.length === 0) return;
  for (const { id, guid } of failed) {
    ports.log("asking GitHub to redeliver", { guid });
    await ports.github.redeliver(id);
  }
  await putSweep(ports, { ...state, redelivered: [...state.redelivered, ...failed.map((d) => d.guid)].slice(-500) });
}

/** What a push would have told: every ref whose head is not the one that was last read. */
async function findMovedRefs(ports: SweepPorts): Promise<void> {
  const state = await readSweep(ports);
  const sources = await ports.rows.list(platformPartition, rangeOf("source"), 10_000);
  const next = sources.filter((s) => s.key > state.source);
  const turn = [...next, ...sources.filter((s) => s.key <= state.source)].slice(0, sourcesPerTick);
  for (const row of turn) await findMoved(row.value as SourceRepository, ports);
  const last = turn.at(-1);
  if (last) await putSweep(ports, { ...(await readSweep(ports)), source: last.key });
}

async function findMoved(source: SourceRepository, ports: SweepPorts): Promise<void> {
  const rows = await ports.rows.list(platformPartition, rangeOf("seen", String(source.id)), refsMost);
  const seen = new Map(rows.map((r) => [(r.value as SeenRef).ref, r.value as SeenRef]));
  const listed = await ports.github.refs(source);
  for (const { ref, sha } of listed.slice(0, refsMost)) {
    const before = seen.get(ref);
    // An annotated tag is listed as a tag object and read as a commit: either is the one we know.
    if (before?.sha !== sha && before?.listed !== sha) await announce(source, ref, sha, ports);
  }
  if (listed.length >= refsMost) return;
  const present = new Set(listed.map((l) => l.ref));
  for (const { ref, sha } of seen.values())
    if (sha !== null && !present.has(ref)) await announce(source, ref, undefined, ports);
}

async function announce(
  source: SourceRepository,
  ref: string,
  sha: string | undefined,
  ports: SweepPorts,
): Promise<void> {
  // Found again by the next tick before it is resolved, it is another event that changes nothing (R2).
  const message: EventMessage = {
    kind: "ref-moved",
    eventId: `sweep-${ports.newId()}`,
    origin: "sweep",
    receivedAt: new Date(ports.now()).toISOString(),
    sourceId: source.id,
    fullName: source.fullName,
    ref,
    ...(sha ? { after: sha } : {}),
    deleted: sha === undefined,
  };
  ports.log("a ref moved without a word", { source: source.fullName, ref, sha });
  await ports.queues.send(queueNames.events, message);
}
