/**
 * What words would lead to, without anything being written: the same decisions as a pass makes, over the same rows, with
 * the writes kept in memory. Used to ask "what would be built?" and to make an old decision again.
 */
import type { DigestLookup } from "../core/image/digest-lookup.ts";
import { expand } from "../core/plan/expand.ts";
import type { Desk, Policy } from "../core/run/desk.ts";
import { defaultTiming } from "../core/run/desk.ts";
import type { SourceRepository } from "../core/source.ts";
import { basesAt, keys, rangeOf } from "../core/state/keys.ts";
import type { Decision, Inbox, Run, Skipped, Track } from "../core/state/rows.ts";
import type { Rows } from "../core/state/store.ts";
import { type Facts, NotRead, World } from "../core/state/world.ts";
import { readMissing } from "./read-missing.ts";
import { pagesOf } from "./read-rows.ts";
import type { Registry } from "./registries.ts";

export interface DryRunPorts {
  readonly rows: Rows;
  resolveDigest(reference: string): Promise<DigestLookup>;
  readonly policy: Policy;
  mayPublish(source: SourceRepository, alias: string, repository: string): boolean;
  now(): number;
}

export interface DryRun {
  /** In the order they would be planned: what an image stands on comes before it. */
  readonly runs: readonly Run[];
  readonly skipped: readonly Skipped[];
  /** What would be done besides planning. */
  readonly done: readonly string[];
  /** Stable tags that the runs would move. */
  readonly moves: readonly string[];
}

/** Words to one registry, one after the other: the second finds what the first has planned. */
export async function dryRun(
  words: readonly Inbox[],
  registry: Registry,
  ports: DryRunPorts,
  facts?: Facts,
): Promise<DryRun> {
  const world = new World();
  if (facts) world.addFacts(facts);
  const now = ports.now();
  const desk: Desk = {
    world,
    now,
    registry,
    timing: defaultTiming,
    policy: ports.policy,
    mayPublish: (source, repository) => ports.mayPublish(source, registry.alias, repository),
  };
  const written = new Map<string, unknown>();
  for (const word of words) {
    const inboxKey = keys.inbox(now, word.id);
    world.addRow(inboxKey, word);
    // Asked again, it is not decided yet and has set nothing off.
    world.addRow(keys.decided(word.id), undefined);
    world.addRow(keys.wave(word.id), undefined);
    for (let done = false; !done; ) {
      done = await decide(world, registry, ports, () => expand(desk, inboxKey, word));
      for (const { key, value } of world.writes()) written.set(key, value);
      world.committed();
    }
  }
  const ofKind = <T>(segment: string) => {
    const { from, to } = rangeOf(segment);
    return [...written].flatMap(([key, value]) => (key >= from && key < to && value !== undefined ? [value as T] : []));
  };
  const runs = ofKind<Run>("run").filter((run) => run.status === "Planned");
  const planned = new Set(runs.map((run) => run.track));
  const decisions = ofKind<Decision>("decision");
  return {
    runs: runs.sort((a, b) => a.seq - b.seq),
    skipped: decisions.flatMap((d) => d.skipped),
    done: decisions.flatMap((d) => d.done ?? []),
    moves: ofKind<Track>("track").flatMap((track) => (planned.has(track.key) ? track.makes : [])),
  };
}

/**
 * Words to each of several registries. What one would build may be what images of another stand on, which hears of it by
 * the push: `moved` makes that word. A registry hears of a tag once, so this ends where registries stand on each other.
 */
export async function dryRunIn(
  registries: readonly Registry[],
  told: ReadonlyMap<Registry, readonly Inbox[]>,
  moved: (reference: string) => Inbox,
  ports: DryRunPorts,
): Promise<ReadonlyMap<Registry, DryRun>> {
  const words = new Map(told);
  const results = new Map<Registry, DryRun>();
  for (let next = [...told.keys()]; next.length > 0; ) {
    const runs = await Promise.all(next.map((registry) => dryRun(words.get(registry)!, registry, ports)));
    for (const [i, registry] of next.entries()) results.set(registry, runs[i]!);
    next = [];
    for (const registry of registries) {
      const heard = words.get(registry) ?? [];
      const known = new Set(heard.map((word) => word.id));
      const bases = await movedBases(registry, results, ports.rows);
      const news = bases.map((reference) => moved(reference)).filter((word) => !known.has(word.id));
      if (news.length === 0) continue;
      words.set(registry, [...heard, ...news]);
      next.push(registry);
    }
  }
  return results;
}

/** What images of this registry stand on and another registry would move: one range of keys for each of the others. */
async function movedBases(
  registry: Registry,
  results: ReadonlyMap<Registry, DryRun>,
  rows: Rows,
): Promise<readonly string[]> {
  const found = new Set<string>();
  for (const [maker, { moves }] of results) {
    if (maker.alias === registry.alias || moves.length === 0) continue;
    const moving = new Set(moves);
    for await (const page of pagesOf(rows, registry.partition, basesAt(maker.loginServer), 1000))
      for (const { value } of page) {
        const { reference } = value as { readonly reference: string };
        if (moving.has(reference)) found.add(reference);
      }
  }
  return [...found];
}

async function decide<T>(world: World, registry: Registry, ports: DryRunPorts, decision: () => T): Promise<T> {
  for (;;) {
    const mark = world.mark();
    try {
      return decision();
    } catch (error) {
      world.rewind(mark);
      if (!(error instanceof NotRead)) throw error;
      const { rows } = ports;
      const resolveDigest = (reference: string) => ports.resolveDigest(reference);
      await readMissing(world, error, { rows, partition: registry.partition, resolveDigest });
    }
  }
}
