import type { Misbehaving } from "./fault-table.ts";

/** A line of the ledger of one part: what it did, when, and its place among that part's lines, from 1. */
export interface LedgerLine {
  readonly source: string;
  readonly sequence: number;
  /** ISO 8601. */
  readonly at: string;
  readonly [what: string]: unknown;
}

/**
 * What acr (with its webhooks and Event Grid), the registry and GitHub did, in the order of time, each in its own words.
 * `after` says how many lines of a source are known already. Registries made later have the sources `acr/NAME` and `registry/NAME`; `arm` is what holds them.
 */
export function mergedLedger(
  { acr, registry, github }: Misbehaving,
  after: Readonly<Record<string, number>> = {},
): LedgerLine[] {
  const sources: [string, readonly object[]][] = [
    ...acr.registries().flatMap(({ name }): [string, readonly object[]][] =>
      name === acr.registryName
        ? [["acr", acr.ledger(name)]]
        : [
            [`acr/${name}`, acr.ledger(name)],
            [`registry/${name}`, acr.place(name).ledger?.() ?? []],
          ],
    ),
    ["arm", acr.armLedger()],
    ["registry", registry.ledger()],
    ["github", github.ledger()],
  ];
  const lines = sources.flatMap(([source, entries]) => {
    // A registry that was made again begins a new ledger.
    const known = after[source] ?? 0;
    const from = known > entries.length ? 0 : known;
    return entries.slice(from).map((entry, index) => lineOf(source, from + index + 1, entry));
  });
  return lines.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}

/** ACR says `time` where the others say `at`. */
function lineOf(source: string, sequence: number, entry: { at?: string; time?: string }): LedgerLine {
  const { at, time, ...what } = entry;
  return { source, at: at ?? time ?? "", ...what, sequence };
}
