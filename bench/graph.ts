/** `npm run bench:graph`: what planning a base update costs. README.md says how to read it. */

import { defaultWaves } from "../src/core/config/platform.ts";
import { planTagMoved } from "../src/core/plan/tag-moved.ts";
import { type Desk, defaultTiming } from "../src/core/run/desk.ts";
import { NotRead, World } from "../src/core/state/world.ts";
import { chain, edgeCount, flat, type Graph, lattice, random } from "./graphs.ts";
import { planBaseUpdate, platformOf, rowsOf, word } from "./platform.ts";

const size = Number(process.argv[2] ?? 10_000);
/** A chain asks storage twice for every level and begins its plan anew each time; nobody stacks images a thousand high. */
const chainSize = Math.min(size, 1_000);

// What comes first would be measured with the compiler at work.
pureMilliseconds(lattice(Math.min(size, 2_000)));

const graphs = [flat(size), chain(chainSize), lattice(size), random(size)];
const lines: (readonly (string | number)[])[] = [
  [
    "graph",
    "images",
    "edges",
    "plan ms",
    "median",
    "all ms",
    "runs",
    "ranges/img",
    "rows/img",
    "waits",
    "at once",
    "tx",
    "tx/img",
  ],
];
const sizes: (readonly (string | number)[])[] = [
  ["graph", "largest row", "JSON", "stored", "largest tx", "largest message"],
];
for (const graph of graphs) {
  const plan = pureMilliseconds(graph);
  const cost = await planBaseUpdate(await platformOf(graph));
  const images = graph.standsOn.length;
  if (cost.runs !== images || cost.images !== images)
    throw new Error(`${graph.name}: ${cost.runs} runs of ${cost.images} images, not one for each of ${images}`);
  const each = (n: number) => (n / images).toFixed(2);
  lines.push([
    graph.name,
    images,
    edgeCount(graph),
    plan.least.toFixed(1),
    plan.median.toFixed(1),
    Math.round(cost.milliseconds),
    cost.runs,
    each(cost.ranges),
    each(cost.rows),
    cost.waits,
    cost.readsAtOnce,
    cost.transactions,
    each(cost.transactions),
  ]);
  const { largestRow } = cost;
  sizes.push([
    graph.name,
    largestRow.key.split("|")[0]!,
    kib(largestRow.size),
    kib(largestRow.compressed),
    kib(cost.largestTransaction),
    `${cost.largestMessage} B`,
  ]);
}

print(lines);
print(sizes);

/** Processor time from the word to the whole plan, with everything read already, of nine times: other programs do not count. */
function pureMilliseconds(graph: Graph): { readonly least: number; readonly median: number } {
  const rows = rowsOf(graph);
  const sorted = [...rows.keys()].sort();
  const world = new World();
  const desk: Desk = {
    world,
    now: Date.parse("2026-11-23T12:00:00Z"),
    registry: { alias: "acme", resourceId: "/s", maxRuns: 2, loginServer: "acme.azurecr.io", firstSequence: 1 },
    timing: defaultTiming,
    policy: { waves: defaultWaves, freeze: [] },
    mayPublish: () => true,
  };
  const bases = new Map<string, string[]>();
  for (const key of sorted) {
    const prefix = key.slice(0, key.indexOf("|", 5) + 1);
    if (!key.startsWith("base|")) continue;
    const list = bases.get(prefix);
    if (list) list.push(key);
    else bases.set(prefix, [key]);
  }
  const attempt = () => {
    const began = process.cpuUsage();
    for (;;)
      try {
        planTagMoved(desk, word);
        const { user, system } = process.cpuUsage(began);
        return (user + system) / 1000;
      } catch (error) {
        if (!(error instanceof NotRead)) throw error;
        for (const fetch of error.fetches) {
          if (fetch.kind === "row") world.addRow(fetch.key, rows.get(fetch.key));
          else if (fetch.kind === "range")
            world.addRange(
              fetch.range,
              fetch.limit,
              (bases.get(fetch.range.from) ?? []).map((key) => ({ key, value: rows.get(key) })),
            );
        }
      }
  };
  attempt();
  const times = Array.from({ length: 9 }, attempt).sort((a, b) => a - b);
  return { least: times[0]!, median: times[4]! };
}

function kib(characters: number): string {
  return `${(characters / 1024).toFixed(0)} KiB`;
}

function print(table: readonly (readonly (string | number)[])[]): void {
  const widths = table[0]!.map((_, column) => Math.max(...table.map((line) => String(line[column]).length)));
  for (const line of table) console.log(line.map((cell, i) => String(cell).padStart(widths[i]!)).join("  "));
  console.log();
}
