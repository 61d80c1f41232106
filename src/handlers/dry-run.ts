/**
 * What a word would lead to, without anything being written: the same decisions as a pass makes, over the same rows, with
 * the writes kept in memory. Used to ask "what would be built?" and to make an old decision again.
 */
import type { DigestLookup } from "../core/image/digest-lookup.ts";
import { expand } from "../core/plan/expand.ts";
import type { Desk, Policy } from "../core/run/desk.ts";
import { defaultTiming } from "../core/run/desk.ts";
import type { SourceRepository } from "../core/source.ts";
import { keys, rangeOf } from "../core/state/keys.ts";
import type { Decision, Inbox, Run } from "../core/state/rows.ts";
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
  readonly decision: Decision | undefined;
  /** In the order they would be planned: what an image stands on comes before it. */
  readonly runs: readonly Run[];
}

export async function dryRun(word: Inbox, registry: Registry, ports: DryRunPorts, facts?: Facts): Promise<DryRun> {
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
  const inboxKey = keys.inbox(now, word.id);
  world.addRow(inboxKey, word);
  // Asked again, it is not decided yet and has set nothing off.
  world.addRow(keys.decided(word.id), undefined);
  world.addRow(keys.wave(word.id), undefined);
  const written = new Map<string, unknown>();
  for (let done = false; !done; ) {
    done = await decide(world, registry, ports, () => expand(desk, inboxKey, word));
    for (const { key, value } of world.writes()) written.set(key, value);
    world.committed();
  }
  const ofKind = <T>(segment: string) => {
    const { from, to } = rangeOf(segment);
    return [...written].flatMap(([key, value]) => (key >= from && key < to && value !== undefined ? [value as T] : []));
  };
  const runs = ofKind<Run>("run").filter((run) => run.status === "Planned");
  return { decision: ofKind<Decision>("decision")[0], runs: runs.sort((a, b) => a.seq - b.seq) };
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
