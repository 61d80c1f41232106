import type { FreezeWindow, RegistryConfig, WavePolicy } from "../config/platform.ts";
import type { SourceRepository } from "../source.ts";
import { keys } from "../state/keys.ts";
import type { Run, Sequence, Track } from "../state/rows.ts";
import type { World } from "../state/world.ts";

/** Everything a decision is made from: what is stored, when it is now, and which registry it is about. */
export interface Desk {
  readonly world: World;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly registry: RegistryConfig & { readonly loginServer: string; readonly firstSequence: number };
  readonly timing: Timing;
  readonly policy: Policy;
  /** Policy as it is now: a track planned under yesterday's may not be published under today's (R11). */
  mayPublish(source: SourceRepository, repository: string): boolean;
}

/** What slipway.platform.yaml says about when planned runs may go. */
export interface Policy {
  readonly waves: WavePolicy;
  readonly freeze: readonly FreezeWindow[];
}

/** Waits the rules need, in seconds. Values, so that a test can live through an hour in no time. */
export interface Timing {
  /** After this a run no longer waits for runs planned after it. */
  readonly maxHold: number;
  /** One `scheduleRun` call is given up after this. */
  readonly callTimeout: number;
  /** After the call's deadline, how long ACR's list may lag behind what it has accepted. */
  readonly findGrace: number;
  /** How long a given-up attempt may still turn up at ACR. */
  readonly watch: number;
  /** How long a refusal that may pass, such as a missing role, is borne. */
  readonly patience: number;
  /** Between two tries to learn the digest of a base. */
  readonly baseRetry: number;
}

export const defaultTiming: Timing = {
  maxHold: 1800,
  callTimeout: 20,
  findGrace: 60,
  watch: 3600,
  patience: 1800,
  baseRetry: 10,
};

export function isoOf(epochMs: number): string {
  return new Date(epochMs).toISOString();
}

export function takeSequence({ world, registry }: Desk): number {
  const next = (world.get<Sequence>(keys.sequence)?.last ?? registry.firstSequence - 1) + 1;
  world.put(keys.sequence, { last: next } satisfies Sequence);
  return next;
}

/** Run ids are `<alias>-<sequence>`: short enough to say aloud, and the key of the run's row. */
export function runIdOf(alias: string, seq: number): string {
  return `${alias}-${seq}`;
}

export function seqOf(runId: string): number {
  return Number(runId.slice(runId.lastIndexOf("-") + 1));
}

export function getRun(world: World, id: string): Run | undefined {
  return world.get<Run>(keys.run(seqOf(id)));
}

export function getTrack(world: World, trackKey: string): Track | undefined {
  return world.get<Track>(trackKey);
}

/** `main` for refs/heads/main. */
export function refName(ref: string): string {
  return ref.replace(/^refs\/(heads|tags)\//, "");
}
