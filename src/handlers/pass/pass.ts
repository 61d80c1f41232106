/** One pass under its lease: it runs pure decisions, reads what they ask for, stores what they change and sends what is owed. */
import type { DigestLookup } from "../../core/image/digest-lookup.ts";
import type { AcrRun, StartOutcome, StartRequest } from "../../core/run/acr-run.ts";
import type { LogHead } from "../../core/run/call.ts";
import type { Desk, Policy, Timing } from "../../core/run/desk.ts";
import type { SourceRepository } from "../../core/source.ts";
import { rangeOf } from "../../core/state/keys.ts";
import type { Due, Live } from "../../core/state/rows.ts";
import type { Rows, StoredRow } from "../../core/state/store.ts";
import { NotRead, World } from "../../core/state/world.ts";
import type { Log, Queues } from "../../ports.ts";
import type { HeldLease } from "../lease.ts";
import { readMissing } from "../read-missing.ts";
import type { Registry } from "../registries.ts";
import { sendDue } from "../send-due.ts";

export interface AcrPort {
  openRuns(): Promise<readonly AcrRun[]>;
  runsCreatedSince(iso: string): Promise<readonly AcrRun[]>;
  run(acrRunId: string): Promise<AcrRun | undefined>;
  startRun(request: StartRequest, options: { readonly timeoutMs: number }): Promise<StartOutcome>;
  cancelRun(acrRunId: string): Promise<void>;
  /** The beginning of a run's log. */
  logHead(acrRunId: string): Promise<LogHead>;
}

export interface ReconcilePorts {
  readonly registry: Registry;
  readonly rows: Rows;
  readonly queues: Queues;
  readonly acr: AcrPort;
  resolveDigest(reference: string): Promise<DigestLookup>;
  now(): number;
  newId(): string;
  readonly timing: Timing;
  readonly policy: Policy;
  mayPublish(source: SourceRepository, repository: string): boolean;
  readonly log: Log;
}

/** Long enough to work off a wave's worth of words, short enough to be far from the function's timeout. */
const passMs = 60_000;
const liveMost = 1000;
/** A base that moves meanwhile is found after the build, and costs another one. */
const sharedMs = 5_000;

export class Pass {
  readonly ports: ReconcilePorts;
  readonly lease: HeldLease;
  /** ACR runs this pass has asked to be cancelled. */
  readonly cancelled = new Set<string>();
  /** It has looked for attempts that were given up. */
  hasWatched = false;
  /** ACR runs whose record this pass asked for in vain. */
  readonly unanswered = new Set<string>();
  /** Something was stored since this was last set to false: there may be more to do. */
  progressed = false;
  readonly #world = new World();
  readonly #silent = new Map<string, DigestLookup>();
  #shared: Map<string, { readonly lookup: DigestLookup; readonly at: number }> | undefined;
  readonly #began: number;

  constructor(ports: ReconcilePorts, lease: HeldLease) {
    this.ports = ports;
    this.lease = lease;
    this.#began = ports.now();
  }

  hasTime(): boolean {
    return this.ports.now() - this.#began < passMs;
  }

  /** Runs a pure decision, reading what it asks for, and stores what it changed. */
  async decide<T>(decision: (desk: Desk) => T): Promise<T> {
    const world = this.#world;
    world.forgetDigests();
    const now = this.ports.now();
    for (;;) {
      const mark = world.mark();
      try {
        const { registry, timing, policy, mayPublish } = this.ports;
        const result = decision({ world, now, registry, timing, policy, mayPublish });
        await this.#commit();
        return result;
      } catch (error) {
        world.rewind(mark);
        if (!(error instanceof NotRead)) throw error;
        await readMissing(world, error, {
          rows: this.ports.rows,
          partition: this.ports.registry.partition,
          resolveDigest: (reference) => this.#lookUp(reference),
          // Two renewals at once would each take the other for somebody else.
          meanwhile: () => this.lease.renewIfOld(),
        });
      }
    }
  }

  /** The first rows whose keys begin with these segments, as they are now. */
  list(segments: string | readonly string[], limit: number): Promise<StoredRow[]> {
    return this.ports.rows.list(this.ports.registry.partition, rangeOf(...[segments].flat()), limit);
  }

  /** A row that was just listed need not be read again. */
  know(row: StoredRow): void {
    this.#world.addRow(row.key, row.value);
  }

  async hasWords(): Promise<boolean> {
    return (await this.list("in", 1)).length > 0;
  }

  /** Runs that hold one of the registry's slots. */
  async live(): Promise<readonly Live[]> {
    return (await this.list("live", liveMost)).map((r) => r.value as Live);
  }

  /**
   * Lets the runs that `work` releases share their looks at bases: a hundred that stand on one ask for it once. Safe for
   * releases only. What is seen here is newer than every word that planned the runs and older than any of their builds,
   * which is what R2 and the first half of "proved" need; its second half is a look after the build, always of its own.
   */
  async sharingLooks(work: () => Promise<void>): Promise<void> {
    this.#shared = new Map();
    try {
      await work();
    } finally {
      this.#shared = undefined;
    }
  }

  /** A registry that does not answer is asked once a pass: everyone who stands on its images waits for it together. */
  async #lookUp(reference: string): Promise<DigestLookup> {
    const silent = this.#silent.get(reference);
    if (silent) return silent;
    const at = this.ports.now();
    const shared = this.#shared?.get(reference);
    if (shared && at - shared.at < sharedMs) return shared.lookup;
    const lookup = await this.ports.resolveDigest(reference);
    if (lookup.kind === "unknown") this.#silent.set(reference, lookup);
    this.#shared?.set(reference, { lookup, at });
    return lookup;
  }

  async #commit(): Promise<void> {
    const writes = this.#world.writes();
    if (writes.length === 0) return;
    await this.lease.commit(writes);
    this.#world.committed();
    this.progressed = true;
    // Owed in the same transaction; sent after it. A crash in between is the sweep's to mend.
    for (const { key, value } of writes)
      if (value !== undefined && key.startsWith(rangeOf("due").from))
        await sendDue(this.ports.queues, this.ports.registry.alias, value as Due);
  }
}
