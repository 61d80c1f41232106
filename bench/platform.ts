/** A registry full of built images, and what planning a base update there costs, counted at the edge of the handlers. */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { definitionKey } from "../src/core/config/definition-hash.ts";
import { keys, rangeOf } from "../src/core/state/keys.ts";
import type { Inbox, Run, Track } from "../src/core/state/rows.ts";
import type { RowWrite } from "../src/core/state/store.ts";
import { type Death, debian, definitionOf, loginServer, main, Simulation, source } from "../test/support/simulation.ts";
import { type Graph, randomNumbers } from "./graphs.ts";

export const movedBase = debian;
const before = sha256("before");
const after = sha256("after");

export const wordId = "tag-0123456789ab-1-01234567";
export const word: Inbox & { kind: "tag-moved" } = {
  kind: "tag-moved",
  id: wordId,
  cause: {
    kind: "registry-event",
    id: "acr-webhook:1",
    sender: "acr-webhook",
    reference: movedBase,
    at: "2026-11-23T12:00:00.000Z",
  },
  reference: movedBase,
  digest: after,
  from: before,
};

/** Rows of a registry in which every image of the graph has been built once. */
export function rowsOf(graph: Graph): ReadonlyMap<string, unknown> {
  const names = namesFor(graph.standsOn.length);
  const reference = (i: number) => `${loginServer}/${names[i]}:main`;
  const rows = new Map<string, unknown>();
  graph.standsOn.forEach((on, i) => {
    const image = names[i]!;
    const bases = on.length === 0 ? [movedBase] : on.map(reference);
    const key = keys.track(source.id, main, image);
    const definition = definitionOf(image);
    const wanted = { commit: sha1("commit"), inputs: sha256(image), definition: definitionKey(definition) };
    const track: Track = {
      key,
      source,
      ref: main,
      image,
      definition,
      dockerfileSha: sha1(image),
      bases: bases.map((b) => ({ reference: b, class: "runtime", pinned: false })),
      makes: [reference(i)],
      wanted,
      built: {
        ...wanted,
        bases: Object.fromEntries(bases.map((b) => [b, b === movedBase ? before : sha256(b)])),
        proved: true,
        digest: sha256(reference(i)),
        run: `acme-${i + 1}`,
        at: "2026-11-22T12:00:00.000Z",
      },
      failures: 0,
    };
    rows.set(key, track);
    rows.set(keys.makes(reference(i)), { track: key });
    for (const b of bases)
      rows.set(keys.base(b, key), { track: key, reference: b, class: "runtime", baseUpdate: "all" });
  });
  return rows;
}

export async function platformOf(graph: Graph): Promise<Simulation> {
  const sim = new Simulation();
  // Nothing is released: only planning is looked at.
  sim.maxRuns = 0;
  const { partition } = await sim.registry();
  const writes = [...rowsOf(graph)].map(([key, value]): RowWrite => ({ kind: "put", key, value }));
  for (let i = 0; i < writes.length; i += 100) await sim.rows.transact(partition, writes.slice(i, i + 100));
  return sim;
}

export interface Cost {
  readonly runs: number;
  /** Images with a run; fewer than runs if one was planned twice. */
  readonly images: number;
  readonly transactions: number;
  readonly ranges: number;
  readonly rows: number;
  /** Times that everything asked of storage had been answered and the work went on. */
  readonly waits: number;
  /** Reads under way at once, at most. */
  readonly readsAtOnce: number;
  /** JSON, in characters. */
  readonly largestRow: { readonly key: string; readonly size: number; readonly compressed: number };
  /** Bytes of one transaction as it is stored, at most. */
  readonly largestTransaction: number;
  readonly largestMessage: number;
  readonly milliseconds: number;
}

/** Leaves the word that the base has moved, and lets the handlers plan all of it. */
export async function planBaseUpdate(
  sim: Simulation,
  death?: Omit<Death, "at"> & { readonly nth: number },
): Promise<Cost> {
  const { partition } = await sim.registry();
  await sim.word(word);
  if (death) sim.death = { at: sim.effects + death.nth, when: death.when };
  const meter = measure(sim);
  const began = performance.now();
  await sim.settle({ until: () => meter.decided });
  const milliseconds = performance.now() - began;
  meter.stop();
  const runs = (await sim.rows.list(partition, rangeOf("run"), 1_000_000)).map((r) => r.value as Run);
  return { ...meter.counts, runs: runs.length, images: new Set(runs.map((r) => r.track)).size, milliseconds };
}

function measure(sim: Simulation) {
  const { rows } = sim;
  const { read, list, transact } = rows;
  const counts = {
    transactions: 0,
    ranges: 0,
    rows: 0,
    waits: 0,
    readsAtOnce: 0,
    largestRow: { key: "", size: 0, compressed: 0 },
    largestTransaction: 0,
    largestMessage: 0,
  };
  const meter = { counts, decided: false, stop: () => Object.assign(rows, { read, list, transact }) };
  let underWay = 0;
  const reading = async <T>(act: () => Promise<T>): Promise<T> => {
    if (underWay++ === 0) counts.waits++;
    counts.readsAtOnce = Math.max(counts.readsAtOnce, underWay);
    try {
      return await act();
    } finally {
      underWay--;
    }
  };
  rows.read = (...args) => {
    counts.rows++;
    return reading(() => read.apply(rows, args));
  };
  rows.list = (...args) => {
    counts.ranges++;
    return reading(() => list.apply(rows, args));
  };
  rows.transact = async (partition, writes) => {
    let stored = 0;
    for (const write of writes) {
      if (write.kind === "remove") continue;
      const json = JSON.stringify(write.value);
      // As azure/table-rows.ts stores them.
      const compressed = json.length > 30_000 ? gzipSync(json).length : 2 * json.length;
      stored += compressed;
      if (json.length > counts.largestRow.size) counts.largestRow = { key: write.key, size: json.length, compressed };
      meter.decided ||= write.key === keys.decided(wordId);
    }
    counts.largestTransaction = Math.max(counts.largestTransaction, stored);
    counts.transactions++;
    return transact.call(rows, partition, writes);
  };
  sim.onSend = (body) => {
    counts.largestMessage = Math.max(counts.largestMessage, JSON.stringify(body).length);
  };
  return meter;
}

/** Names as long and as varied as those of a large company. */
function namesFor(size: number): readonly string[] {
  const next = randomNumbers(1);
  const word = () => Array.from({ length: 9 }, () => String.fromCharCode(97 + Math.floor(next() * 26))).join("");
  return Array.from({ length: size }, (_, i) => `platform/team-${word()}/${word()}-${word()}-service-${i}`);
}

function sha256(text: string): string {
  return `sha256:${createHash("sha256").update(text).digest("hex")}`;
}

function sha1(text: string): string {
  return createHash("sha1").update(text).digest("hex");
}
