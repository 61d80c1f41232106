/**
 * What people ask of the history. Every question is one range of keys per registry, merged newest first; what it costs
 * depends on the page, not on how much history there is.
 */
import { z } from "zod";
import type { SkipReason } from "../core/plan/reason.ts";
import { refName, seqOf } from "../core/run/desk.ts";
import { summarize } from "../core/run/transition.ts";
import { type KeyRange, keyAfter, keys, rangeOf } from "../core/state/keys.ts";
import type { Attempt, Decision, Run, RunSummary, Track, TrackPointer } from "../core/state/rows.ts";
import type { Rows, StoredRow } from "../core/state/store.ts";
import { readValue } from "../handlers/read-rows.ts";
import {
  platformPartition,
  pushesPartition,
  type Registries,
  type Registry,
  registriesAtHand,
} from "../handlers/registries.ts";
import { findSource, sourceIdOf } from "../handlers/sources.ts";
import { badRequest, notFound } from "./problem.ts";

export interface HistoryPorts {
  readonly rows: Rows;
  readonly registries: Registries;
}

export interface RunFilter {
  readonly image?: string | undefined;
  readonly source?: string | undefined;
  readonly commit?: string | undefined;
  readonly branch?: string | undefined;
  readonly status?: string | undefined;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly next?: string;
}

/** Rows looked through for one page when several filters are combined; then the page is returned as it is, with a `next`. */
const lookedThroughMost = 1000;

/** Last key seen, by partition. Opaque to people, and checked when it comes back. */
const Cursor = z.record(z.string().max(200), z.string().max(1024));

function readCursor(text: string | undefined): z.infer<typeof Cursor> {
  if (text === undefined) return {};
  try {
    return Cursor.parse(JSON.parse(Buffer.from(text, "base64url").toString("utf8")));
  } catch {
    throw badRequest({ at: "query.after", message: "not a continuation that this API gave out" });
  }
}

function writeCursor(cursor: z.infer<typeof Cursor>): string {
  return Buffer.from(JSON.stringify(cursor)).toString("base64url");
}

export async function allRegistries(ports: HistoryPorts): Promise<readonly Registry[]> {
  return registriesAtHand(ports.registries);
}

/** Newest first. Throws Problem: 404 for a source that Slipway has not heard of, 400 for an `after` that this API did not give out. */
export async function listRuns(
  filter: RunFilter,
  limit: number,
  after: string | undefined,
  ports: HistoryPorts,
): Promise<Page<RunSummary>> {
  const source = filter.source === undefined ? undefined : await findSource(filter.source, ports);
  if (filter.source !== undefined && !source) throw notFound(`Slipway has not heard of the source ${filter.source}`);
  const fits = (run: RunSummary) =>
    (filter.image === undefined || run.image === filter.image) &&
    (filter.commit === undefined || run.commit === filter.commit) &&
    (filter.branch === undefined || run.ref === filter.branch || refName(run.ref) === filter.branch) &&
    (filter.status === undefined || run.status === filter.status);
  const range = rangeFor(filter, source?.id);
  const partitions = (await allRegistries(ports)).map((r) => r.partition);
  return newestFirst<RunSummary>(ports.rows, partitions, range, limit, after, {
    // The unfiltered list reads the runs themselves; every other range holds summaries.
    valueOf: (stored) => (isRun(stored) ? summarize(stored) : (stored as RunSummary)),
    timeOf: (run) => run.plannedAt,
    // The source is not compared: its own range is used whenever it is asked for.
    fits,
  });
}

function isRun(stored: unknown): stored is Run {
  return typeof stored === "object" && stored !== null && "times" in stored;
}

/** The range that leaves least to look through. */
function rangeFor(filter: RunFilter, sourceId: number | undefined): KeyRange {
  if (sourceId !== undefined) return rangeOf("src", String(sourceId));
  if (filter.commit !== undefined) return rangeOf("commit", filter.commit);
  if (filter.image !== undefined) return rangeOf("img", filter.image);
  if (filter.branch !== undefined) return rangeOf("branch", refName(filter.branch));
  if (filter.status !== undefined) return rangeOf("status", filter.status);
  return rangeOf("run");
}

/** Those about pushes that are news to nobody are only among them when a reason is asked for. Throws Problem 400, as `listRuns`. */
export async function listDecisions(
  reason: SkipReason | undefined,
  limit: number,
  after: string | undefined,
  ports: HistoryPorts,
): Promise<Page<Decision>> {
  const partitions = await decisionPartitions(ports);
  if (reason !== undefined) partitions.push(pushesPartition);
  return newestFirst<Decision>(ports.rows, partitions, rangeOf("decision"), limit, after, {
    valueOf: (stored) => stored as Decision,
    timeOf: (decision) => decision.at,
    fits: (decision) => reason === undefined || decision.skipped.some((s) => s.reason === reason),
  });
}

async function decisionPartitions(ports: HistoryPorts): Promise<string[]> {
  return [platformPartition, ...(await allRegistries(ports)).map((r) => r.partition)];
}

/** Merges the newest rows of several partitions; each is in its own order already. */
export async function newestFirst<T>(
  rows: Rows,
  partitions: readonly string[],
  range: KeyRange,
  limit: number,
  after: string | undefined,
  read: {
    readonly valueOf: (stored: unknown) => T;
    readonly timeOf: (value: T) => string;
    readonly fits: (value: T) => boolean;
  },
): Promise<Page<T>> {
  const timeOf = (row: StoredRow) => read.timeOf(read.valueOf(row.value));
  const cursor = readCursor(after);
  const pageSize = Math.min(200, limit + 1);
  const streams = await Promise.all(
    partitions.map(async (partition) => createStream(rows, partition, range, cursor[partition], pageSize)),
  );
  const items: T[] = [];
  const seen: Record<string, string> = { ...cursor };
  for (let looked = 0; looked < lookedThroughMost; looked++) {
    let newest: Stream | undefined;
    for (const stream of streams) {
      const head = await stream.peek();
      if (head && (!newest || timeOf(head) > timeOf((await newest.peek())!))) newest = stream;
    }
    if (!newest) return { items };
    if (items.length === limit) return { items, next: writeCursor(seen) };
    const row = newest.take()!;
    seen[newest.partition] = row.key;
    const value = read.valueOf(row.value);
    if (read.fits(value)) items.push(value);
  }
  return { items, next: writeCursor(seen) };
}

interface Stream {
  readonly partition: string;
  peek(): Promise<StoredRow | undefined>;
  take(): StoredRow | undefined;
}

async function createStream(
  rows: Rows,
  partition: string,
  range: KeyRange,
  after: string | undefined,
  pageSize: number,
): Promise<Stream> {
  let buffer: StoredRow[] = [];
  let from = after === undefined || after < range.from || after >= range.to ? range.from : keyAfter(after);
  let ended = false;
  return {
    partition,
    async peek() {
      if (buffer.length === 0 && !ended) {
        buffer = await rows.list(partition, { from, to: range.to }, pageSize);
        ended = buffer.length < pageSize;
        const last = buffer.at(-1);
        if (last) from = keyAfter(last.key);
      }
      return buffer[0];
    },
    take: () => buffer.shift(),
  };
}

export interface FoundRun {
  readonly run: Run;
  readonly registry: Registry;
}

export async function findRun(id: string, ports: HistoryPorts): Promise<FoundRun | undefined> {
  const alias = id.slice(0, Math.max(0, id.lastIndexOf("-")));
  const seq = seqOf(id);
  if (!ports.registries.aliases.includes(alias) || !Number.isSafeInteger(seq) || seq < 1 || `${alias}-${seq}` !== id)
    return undefined;
  const registry = await ports.registries.find(alias);
  const { row } = await ports.rows.read(registry.partition, keys.run(seq));
  return row ? { run: row.value as Run, registry } : undefined;
}

/** Throws Problem 404 when there is none. */
export async function mustFindRun(id: string, ports: HistoryPorts): Promise<FoundRun> {
  const found = await findRun(id, ports);
  if (!found) throw notFound(`there is no run ${id}`);
  return found;
}

/** At most 20. */
export async function attemptsOf({ run, registry }: FoundRun, ports: HistoryPorts): Promise<readonly Attempt[]> {
  return (await ports.rows.list(registry.partition, rangeOf("attempt", run.id), 20)).map((r) => r.value as Attempt);
}

export async function findDecision(id: string, ports: HistoryPorts): Promise<readonly Decision[]> {
  const partitions = [...(await decisionPartitions(ports)), pushesPartition];
  const found = await Promise.all(
    partitions.map(async (partition) => {
      const pointer = await readValue<{ key: string }>(ports.rows, partition, keys.decided(id));
      return pointer && (await readValue<Decision>(ports.rows, partition, pointer.key));
    }),
  );
  return found.filter((d): d is Decision => d !== undefined);
}

export interface FoundTrack {
  readonly track: Track;
  readonly registry: Registry;
}

/** In every registry that can be had; at most 500 refs of each. */
export async function tracksOfImage(name: string, ports: HistoryPorts): Promise<readonly FoundTrack[]> {
  const found = await Promise.all(
    (await allRegistries(ports)).map(async (registry) => {
      const pointers = await ports.rows.list(registry.partition, rangeOf("image", name), 500);
      const tracks = await Promise.all(
        pointers.map(
          async (p) => await readValue<Track>(ports.rows, registry.partition, (p.value as TrackPointer).track),
        ),
      );
      return tracks.flatMap((track) => (track ? [{ track, registry }] : []));
    }),
  );
  return found.flat();
}

/** At least one; throws Problem 404 when there is none. */
export async function mustFindImage(
  name: string,
  of: { readonly ref?: string | undefined; readonly source?: string | undefined },
  ports: HistoryPorts,
): Promise<readonly FoundTrack[]> {
  const source = of.source === undefined ? undefined : await sourceIdOf(of.source, ports);
  const found = (await tracksOfImage(name, ports)).filter(
    ({ track }) =>
      (of.ref === undefined || track.ref === of.ref) && (of.source === undefined || track.source.id === source),
  );
  const narrowed = [of.ref && ` from ${of.ref}`, of.source && ` of ${of.source}`].join("");
  if (found.length === 0) throw notFound(`no image ${name}${narrowed} is built by Slipway`);
  return found;
}
