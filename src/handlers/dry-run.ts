/**
 * What words would lead to, without anything being written: the same decisions as a pass makes, over the same rows, with
 * the writes kept in memory. Used to ask "what would be built?" and to make an old decision again.
 */
import type { DigestLookup } from "../core/image/digest-lookup.ts";
import { expand } from "../core/plan/expand.ts";
import type { Desk, Policy } from "../core/run/desk.ts";
import { defaultTiming } from "../core/run/desk.ts";
import type { SourceRepository } from "../core/source.ts";
import { keys, rangeOf } from "../core/state/keys.ts";
import type { Decision, Inbox, Run, Skipped, Track } from "../core/state/rows.ts";
import type { Rows } from "../core/state/store.ts";
import { type Facts, NotRead, World } from "../core/state/world.ts";
import { readMissing } from "./read-missing.ts";
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
  const asked = new Set<string>();
  const results = new Map<Registry, DryRun>();
  for (let next = [...told.keys()]; next.length > 0; ) {
    const runs = await Promise.all(next.map((registry) => dryRun(words.get(registry)!, registry, ports)));
    for (const [i, registry] of next.entries()) results.set(registry, runs[i]!);
    next = [];
    for (const registry of registries) {
      const heard = words.get(registry) ?? [];
      const known = new Set(heard.map((word) => word.id));
      const moves = [...results].flatMap(([maker, run]) => (maker.alias === registry.alias ? [] : run.moves));
      const unasked = moves.filter((reference) => !asked.has(`${registry.alias} ${reference}`));
      for (const reference of unasked) asked.add(`${registry.alias} ${reference}`);
      const bases = await stoodUpon(unasked, registry, ports.rows);
      const news = bases.map((reference) => moved(reference)).filter((word) => !known.has(word.id));
      if (news.length === 0) continue;
      words.set(registry, [...heard, ...news]);
      next.push(registry);
    }
  }
  return results;
}

const rangesAtOnce = 32;

/** Those that images of the registry stand on: one range of keys each. */
async function stoodUpon(
  references: readonly string[],
  { partition }: Registry,
  rows: Rows,
): Promise<readonly string[]> {
  const found: string[] = [];
  for (let i = 0; i < references.length; i += rangesAtOnce) {
    const some = references.slice(i, i + rangesAtOnce);
    const edges = await Promise.all(some.map((reference) => rows.list(partition, rangeOf("base", reference), 1)));
    found.push(...some.filter((_, n) => edges[n]!.length > 0));
  }
  return found;
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
