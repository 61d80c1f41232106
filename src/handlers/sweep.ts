/**
 * Webhooks hasten; this guarantees. Sends again what is owed and late, wakes passes that are overdue or died, asks GitHub
 * to redeliver what we failed to take, and looks for refs that moved without a word. Bounded per tick.
 */

import type { SourceRepository } from "../core/source.ts";
import { keys, rangeOf } from "../core/state/keys.ts";
import type { Due, GivenUp, Lease } from "../core/state/rows.ts";
import type { Rows, RowWrite } from "../core/state/store.ts";
import { messageOf } from "../errors.ts";
import { type Log, type Queues, queueNames } from "../ports.ts";
import { leaveWord } from "./inbox.ts";
import type { Wake } from "./lease.ts";
import { type EventMessage, RunWork } from "./messages.ts";
import { pagesOf, readValue } from "./read-rows.ts";
import { findOrSay, platformPartition, type Registries, type Registry } from "./registries.ts";
import type { Note, SeenRef } from "./resolve-ref.ts";
import { wordOfFailed } from "./run-work.ts";
import { sendDue } from "./send-due.ts";

export interface ListedRef {
  readonly ref: string;
  /** Of the tag object for an annotated tag. */
  readonly sha: string;
  readonly annotatedTag: boolean;
}

export interface SweepPorts {
  readonly rows: Rows;
  readonly queues: Queues;
  readonly registries: Registries;
  readonly github: {
    refs(source: SourceRepository): Promise<readonly ListedRef[]>;
    failedDeliveries(sinceIso: string): Promise<readonly { readonly id: string; readonly guid: string }[]>;
    redeliver(id: string): Promise<void>;
  };
  now(): number;
  newId(): string;
  readonly log: Log;
}

/** An owed message this old was probably lost between the transaction and the queue. */
const lateMs = 60_000;
const lateMostMs = 3_600_000;
/** A run holds a slot while its context is prepared. */
const prepareLateMostMs = 300_000;
const sentMost = 200;
const duePage = 1000;
/** Sent again for about three days: who could not be told by then is not told. */
const resendsMost = 75;
const sourcesPerTick = 3;
const refsMost = 20_000;
/** GitHub keeps deliveries for redelivery three days. */
const redeliverHours = 72;
const redeliveriesMost = 20;
/** An attempt is listed with its outcome a few seconds after it was made. */
const outcomeMinutes = 10;
/** Deliveries that were asked for once; as many as fit one row with ease. */
const redeliveredKept = 5000;
/** A delivery that is on its way speaks first: people know the push that set a run off, not the sweep that saw it too. */
const deliveryFirstSeconds = 5;

export async function sweep(ports: SweepPorts): Promise<void> {
  // One thing that fails must not keep the others from being done.
  const parts: [string, () => Promise<void>][] = [
    ...ports.registries.aliases.map((alias): [string, () => Promise<void>] => [
      `registry ${alias}`,
      () => sweepRegistry(alias, ports),
    ]),
    ["notes", () => sweepNotes(ports)],
    ["poison", () => drainPoison(ports)],
    ["deliveries", () => redeliverFailed(ports)],
    ["refs", () => findMovedRefs(ports)],
  ];
  for (const [what, work] of parts) await tolerate(what, ports, work);
}

async function sweepRegistry(alias: string, ports: SweepPorts): Promise<void> {
  const registry = await ports.registries.find(alias);
  await wakePass(registry, ports);
  for (const kind of ["report", "prepare", "collect"])
    await sendLate<Due>(registry.partition, kind, ports, {
      send: (due) => sendDue(ports.queues, alias, due),
      giveUp: (due, remove) => giveUpDue(alias, due, remove, ports),
    });
}

interface Owed<T> {
  send(owed: T): Promise<void>;
  /** `remove`: it is owed no longer, unless that has changed meanwhile. */
  giveUp(owed: T, remove: () => Promise<unknown>): Promise<void>;
}

/**
 * Sends again what is owed and late. The row is rewritten, so that it is late again only after a longer while: the message
 * may still be on its way, or being worked on, or trying again by itself. What is not late yet keeps nothing behind it from
 * being sent.
 */
async function sendLate<T extends { readonly resent?: number }>(
  partition: string,
  kind: string,
  ports: SweepPorts,
  { send, giveUp }: Owed<T>,
): Promise<void> {
  const { now } = await ports.rows.read(partition, keys.lease);
  const mostMs = kind === "prepare" ? prepareLateMostMs : lateMostMs;
  const range = rangeOf("due", kind);
  let sent = 0;
  for await (const page of pagesOf(ports.rows, partition, range, duePage))
    for (const row of page) {
      const owed = row.value as T;
      const resent = owed.resent ?? 0;
      if (now - row.writtenAt < Math.min(mostMs, lateMs * 4 ** resent)) continue;
      if (sent++ === sentMost) return;
      const again: RowWrite = { kind: "replace", key: row.key, value: { ...owed, resent: resent + 1 }, etag: row.etag };
      const outcome = await ports.rows.transact(partition, [again]);
      if (outcome.kind !== "done") continue;
      const etag = outcome.etags.get(row.key)!;
      if (resent < resendsMost) await send(owed);
      else await giveUp(owed, () => ports.rows.removeUnchanged(partition, { ...row, etag }));
    }
}

async function giveUpDue(alias: string, due: Due, remove: () => Promise<unknown>, ports: SweepPorts): Promise<void> {
  const { kind, run, attempt: runAttempt } = due;
  ports.log("owed for days, given up", { registry: alias, kind, run });
  if (kind === "report") await remove();
  else await failWork({ kind, registry: alias, run, runAttempt }, "could not be done for days", ports);
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

function sweepNotes(ports: SweepPorts): Promise<void> {
  return sendLate<Note>(platformPartition, "note", ports, {
    send: ({ id }) => ports.queues.send(queueNames.reports, { kind: "note", note: id }),
    giveUp: async ({ id, source, sha }, remove) => {
      ports.log("owed for days, given up", { note: id, source: source.fullName, sha });
      await remove();
    },
  });
}

/** What failed for good is kept where people look (health, logs), and a run whose work it was ends and says so. */
async function drainPoison(ports: SweepPorts): Promise<void> {
  for (const queue of Object.values(queueNames))
    await tolerate(`poison of ${queue}`, ports, () =>
      ports.queues.drainPoison(queue, async ({ id, body }) => {
        const work = RunWork.safeParse(body);
        if (queue === queueNames.runWork && work.success)
          await failWork(work.data, "failed again and again: this is a bug of Slipway's", ports);
        const value: GivenUp = { queue, body, at: new Date(ports.now()).toISOString() };
        await ports.rows.transact(platformPartition, [{ kind: "put", key: keys.poison(ports.now(), id), value }]);
        ports.log("message given up", { queue, body });
      }),
    );
}

async function failWork(work: RunWork, why: string, ports: SweepPorts): Promise<void> {
  const registry = await findOrSay(work.registry, ports);
  // What was of a registry that is none of ours any more ends with it.
  if (registry) await leaveWord(ports, registry, wordOfFailed(work, "gave-up", `preparing its context ${why}`));
}

interface SweepRow {
  /** Last source repository looked at; the next tick goes on after it. */
  readonly source: string;
  readonly redelivered: readonly string[];
  /** Failed deliveries are looked for from here on, milliseconds since the epoch: what is older was asked for. */
  readonly lookedFrom?: number;
}

async function readSweep(ports: SweepPorts): Promise<SweepRow> {
  return (
    (await readValue<SweepRow>(ports.rows, platformPartition, keys.sweep)) ?? {
      source: "",
      redelivered: [],
    }
  );
}

async function putSweep(ports: SweepPorts, value: SweepRow): Promise<void> {
  await ports.rows.transact(platformPartition, [{ kind: "put", key: keys.sweep, value }]);
}

/** GitHub never retries by itself. A delivery is asked for once more, not for ever. */
async function redeliverFailed(ports: SweepPorts): Promise<void> {
  const began = ports.now();
  const state = await readSweep(ports);
  const since = new Date(Math.max(began - redeliverHours * 3_600_000, state.lookedFrom ?? 0)).toISOString();
  const found = (await ports.github.failedDeliveries(since)).filter((d) => !state.redelivered.includes(d.guid));
  const failed = found.slice(0, redeliveriesMost);
  // Noted before it is done: one that GitHub will not redeliver must not be asked for every minute.
  await putSweep(ports, {
    ...state,
    redelivered: [...state.redelivered, ...failed.map((d) => d.guid)].slice(-redeliveredKept),
    // While there are more than are asked for at once, the next tick has to find the others again.
    ...(found.length > failed.length ? {} : { lookedFrom: began - outcomeMinutes * 60_000 }),
  });
  for (const { id, guid } of failed)
    await tolerate(`redeliver ${guid}`, ports, async () => {
      ports.log("asking GitHub to redeliver", { guid });
      await ports.github.redeliver(id);
    });
}

/** What a push would have told: every ref whose head is not the one that was last read. */
async function findMovedRefs(ports: SweepPorts): Promise<void> {
  const state = await readSweep(ports);
  const sources = await ports.rows.list(platformPartition, rangeOf("source"), 10_000);
  const next = sources.filter((s) => s.key > state.source);
  const turn = [...next, ...sources.filter((s) => s.key <= state.source)].slice(0, sourcesPerTick);
  for (const row of turn) {
    const source = row.value as SourceRepository;
    // One repository that is gone must not keep the others from being looked at.
    await tolerate(`refs of ${source.fullName}`, ports, () => findMoved(source, ports));
  }
  const last = turn.at(-1);
  if (last) await putSweep(ports, { ...(await readSweep(ports)), source: last.key });
}

async function findMoved(source: SourceRepository, ports: SweepPorts): Promise<void> {
  const rows = await ports.rows.list(platformPartition, rangeOf("seen", String(source.id)), refsMost);
  const listed = await ports.github.refs(source);
  if (rows.length >= refsMost || listed.length >= refsMost) {
    ports.log("too many refs to compare; only deliveries tell of this repository", { source: source.fullName });
    return;
  }
  const seen = new Map(rows.map((r) => [(r.value as SeenRef).ref, r.value as SeenRef]));
  const met = keys.met(source.id);
  if ((await ports.rows.read(platformPartition, met)).row === undefined) {
    // What was there before Slipway was is not news: nobody wants every old release built again.
    await rememberAll(
      source,
      listed.filter((l) => !seen.has(l.ref)),
      ports,
    );
    await ports.rows.transact(platformPartition, [
      { kind: "put", key: met, value: { at: new Date(ports.now()).toISOString() } },
    ]);
    return;
  }
  for (const { ref, sha, annotatedTag } of listed) {
    const before = seen.get(ref);
    // An annotated tag is listed as a tag object and read as a commit: either is the one we know.
    if (before?.sha !== sha && before?.listed !== sha) await announce(source, { ref, sha, annotatedTag }, ports);
  }
  const present = new Set(listed.map((l) => l.ref));
  for (const { ref } of seen.values()) if (!present.has(ref)) await announce(source, { ref }, ports);
}

async function rememberAll(source: SourceRepository, refs: readonly ListedRef[], ports: SweepPorts): Promise<void> {
  for (let i = 0; i < refs.length; i += 100) {
    const writes = refs.slice(i, i + 100).map(({ ref, sha, annotatedTag }): RowWrite => {
      const value: SeenRef = { ref, sha, listed: annotatedTag ? sha : null };
      return { kind: "put", key: keys.seen(source.id, ref), value };
    });
    await ports.rows.transact(platformPartition, writes);
  }
}

async function announce(
  source: SourceRepository,
  found: { readonly ref: string } & Partial<ListedRef>,
  ports: SweepPorts,
): Promise<void> {
  const { ref, sha, annotatedTag } = found;
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
    ...(annotatedTag ? { annotatedTag } : {}),
    deleted: sha === undefined,
  };
  ports.log("a ref moved without a word", { source: source.fullName, ref, sha });
  await ports.queues.send(queueNames.events, message, { delaySeconds: deliveryFirstSeconds });
}

async function tolerate(what: string, ports: SweepPorts, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    ports.log("sweep failed", { what, why: messageOf(error) });
  }
}
