/**
 * One pass over one registry: fold what has arrived, look at what ACR does, release what may go. Level-triggered: whatever
 * was missed, the next pass sees what is. It is the only writer of runs, tracks and edges, so limits, superseding and
 * waves are decided in one place. Running it twice, or stopping it anywhere and running it again, leaves the same state.
 */
import type { DigestLookup } from "../core/image/digest-lookup.ts";
import { expand } from "../core/plan/expand.ts";
import { type AcrRun, isAcrTerminal, type StartOutcome, type StartRequest } from "../core/run/acr-run.ts";
import {
  beginCall,
  cancelUncalled,
  endCall,
  giveUpLost,
  type LogHead,
  link,
  mayGiveUp,
  whoseRun,
} from "../core/run/call.ts";
import { type Desk, getRun, isoOf, type Timing } from "../core/run/desk.ts";
import { observe, vanished } from "../core/run/observe.ts";
import { placeRun, releaseFromCycle } from "../core/run/place.ts";
import { release } from "../core/run/release.ts";
import { renderTask } from "../core/run/task-yaml.ts";
import { isTerminal, owe } from "../core/run/transition.ts";
import type { SourceRepository } from "../core/source.ts";
import { keys, rangeOf } from "../core/state/keys.ts";
import type { Attempt, Due, Inbox, Live, Run, Throttle, Waiting } from "../core/state/rows.ts";
import type { Rows } from "../core/state/store.ts";
import { NotRead, World } from "../core/state/world.ts";
import { TransientError } from "../errors.ts";
import { type HeldLease, LeaseLost, takeLease, type Wake } from "./lease.ts";
import { type Nudge, type Queues, queueNames } from "./messages.ts";
import type { Registry } from "./registries.ts";

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
  mayPublish(source: SourceRepository, repository: string): boolean;
  log(message: string, fields: Record<string, unknown>): void;
}

/** Long enough to work off a wave's worth of words, short enough to be far from the function's timeout. */
const passMs = 60_000;
const inboxPage = 32;
const readyPage = 50;
const waitPage = 100;

export async function reconcileRegistry(message: Nudge, ports: ReconcilePorts): Promise<void> {
  const taken = await takeLease(ports.rows, ports.registry.partition, ports.newId(), message.nudge);
  if (taken.kind === "dropped") {
    ports.log("nudge dropped", { registry: ports.registry.alias, why: taken.why });
    return;
  }
  try {
    await new Pass(ports, taken.lease).run();
  } catch (error) {
    if (!(error instanceof LeaseLost)) {
      await taken.lease.letGo();
      throw error;
    }
    ports.log("pass stopped: lease lost", { registry: ports.registry.alias });
  }
}

class Pass {
  readonly #ports: ReconcilePorts;
  readonly #lease: HeldLease;
  readonly #world = new World();
  readonly #cancelled = new Set<string>();
  readonly #silent = new Map<string, DigestLookup>();
  readonly #began: number;
  #progressed = false;

  constructor(ports: ReconcilePorts, lease: HeldLease) {
    this.#ports = ports;
    this.#lease = lease;
    this.#began = ports.now();
  }

  async run(): Promise<void> {
    const { rows, registry } = this.#ports;
    for (;;) {
      const wake = await rows.read(registry.partition, keys.wake);
      do {
        this.#progressed = false;
        const folded = await this.#foldInbox();
        await this.#advanceLive();
        // While an inbox row is half expanded the closure is not whole, and what looks ready may not be (R4).
        if (folded) await this.#releaseReady();
      } while (this.#progressed && this.#hasTime());
      const nudge = await this.#nextNudge();
      const seen = wake.row && { token: (wake.row.value as Wake).token, etag: wake.row.etag };
      if (await this.#lease.release(seen, nudge)) {
        if (nudge) await this.#send(nudge);
        return;
      }
    }
  }

  #hasTime(): boolean {
    return this.#ports.now() - this.#began < passMs;
  }

  /** Runs a pure decision, reading what it asks for, and stores what it changed. */
  async #decide<T>(decision: (desk: Desk) => T): Promise<T> {
    const world = this.#world;
    world.forgetDigests();
    const now = this.#ports.now();
    for (;;) {
      const mark = world.mark();
      try {
        const { registry, timing, mayPublish } = this.#ports;
        const result = decision({ world, now, registry, timing, mayPublish });
        await this.#commit();
        return result;
      } catch (error) {
        world.rewind(mark);
        if (!(error instanceof NotRead)) throw error;
        await this.#read(error);
      }
    }
  }

  async #read(missing: NotRead): Promise<void> {
    const { rows, registry } = this.#ports;
    await this.#lease.renewIfOld();
    await Promise.all(
      missing.fetches.map(async (fetch) => {
        if (fetch.kind === "row")
          this.#world.addRow(fetch.key, (await rows.read(registry.partition, fetch.key)).row?.value);
        else if (fetch.kind === "range")
          this.#world.addRange(fetch.range, fetch.limit, await rows.list(registry.partition, fetch.range, fetch.limit));
        else this.#world.addDigest(fetch.reference, await this.#lookUp(fetch.reference));
      }),
    );
  }

  /** A registry that does not answer is asked once a pass: everyone who stands on its images waits for it together. */
  async #lookUp(reference: string): Promise<DigestLookup> {
    const silent = this.#silent.get(reference);
    if (silent) return silent;
    const lookup = await this.#ports.resolveDigest(reference);
    if (lookup.kind === "unknown") this.#silent.set(reference, lookup);
    return lookup;
  }

  async #commit(): Promise<void> {
    const writes = this.#world.writes();
    if (writes.length === 0) return;
    await this.#lease.commit(writes);
    this.#world.committed();
    this.#progressed = true;
    // Owed in the same transaction; sent after it. A crash in between is the sweep's to mend.
    for (const { key, value } of writes)
      if (value !== undefined && key.startsWith(rangeOf("due").from)) await this.#sendDue(value as Due);
  }

  async #sendDue(due: Due): Promise<void> {
    const { queues, registry } = this.#ports;
    if (due.kind === "report")
      await queues.send(queueNames.reports, { kind: "run", registry: registry.alias, run: due.run });
    else
      await queues.send(queueNames.runWork, {
        kind: due.kind,
        registry: registry.alias,
        run: due.run,
        runAttempt: due.attempt,
      });
  }

  /** Returns whether every word was worked off. */
  async #foldInbox(): Promise<boolean> {
    const words = await this.#ports.rows.list(this.#ports.registry.partition, rangeOf("in"), inboxPage);
    for (const { key, value } of words) {
      const word = value as Inbox;
      this.#world.addRow(key, word);
      try {
        while (!(await this.#decide((desk) => expand(desk, key, word)))) await this.#lease.renewIfOld();
      } catch (error) {
        if (error instanceof TransientError) throw error;
        await this.#setAside(key, word, error);
      }
    }
    if (words.length === inboxPage) this.#progressed = true;
    return words.length < inboxPage && !(await this.#hasWords());
  }

  /** A word nobody can work off is our bug; it must not hold up the registry, and must not be lost either. */
  async #setAside(inboxKey: string, word: Inbox, error: unknown): Promise<void> {
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#ports.log("word set aside", { registry: this.#ports.registry.alias, word: word.id, kind: word.kind, why });
    await this.#decide((desk) => {
      desk.world.put(keys.stuck(word.id), { word, why, at: isoOf(desk.now) });
      desk.world.remove(inboxKey);
    });
  }

  async #hasWords(): Promise<boolean> {
    return (await this.#ports.rows.list(this.#ports.registry.partition, rangeOf("in"), 1)).length > 0;
  }

  async #live(): Promise<readonly Live[]> {
    const rows = await this.#ports.rows.list(this.#ports.registry.partition, rangeOf("live"), 1000);
    return rows.map((r) => r.value as Live);
  }

  async #advanceLive(): Promise<void> {
    const live = await this.#live();
    let open: ReadonlyMap<string, AcrRun> | undefined;
    for (const { run: runId, attempt: number } of live) {
      const [run, attempt] = await this.#decide((desk) => {
        const found = getRun(desk.world, runId);
        return [found, desk.world.get<Attempt>(keys.attempt(runId, number))] as const;
      });
      if (!run || !attempt || isTerminal(run.status) || run.attempt !== number) continue;
      if (attempt.stage === "linked") open ??= new Map((await this.#ports.acr.openRuns()).map((r) => [r.acrRunId, r]));
      await this.#advance(run, attempt, open ?? new Map());
    }
    await this.#watch();
  }

  /** What is wrong with one run must not hold up the others of the registry. */
  async #advance(run: Run, attempt: Attempt, open: ReadonlyMap<string, AcrRun>): Promise<void> {
    try {
      if (attempt.stage === "linked") await this.#observe(run, attempt, open);
      else if (attempt.stage === "prepared") await this.#call(run, attempt);
      else if (attempt.stage === "calling") await this.#recover(run, attempt);
      else if (attempt.stage === "lost") await this.#find(run, attempt);
    } catch (error) {
      if (error instanceof TransientError) throw error;
      const why = error instanceof Error ? error.message : String(error);
      this.#ports.log("run could not be moved on", { run: run.id, stage: attempt.stage, why });
    }
  }

  async #observe(run: Run, attempt: Attempt, open: ReadonlyMap<string, AcrRun>): Promise<void> {
    const acrRunId = attempt.acrRunId!;
    await this.#lease.renewIfOld();
    // In the list it is still open; not in the list it has probably ended, and only its own record says how.
    const seen = open.get(acrRunId) ?? (await this.#ports.acr.run(acrRunId));
    await this.#decide((desk) => (seen ? observe(desk, run, attempt, seen) : vanished(desk, run, attempt)));
    if (run.cancelRequested && seen && !isAcrTerminal(seen.status)) await this.#cancel(acrRunId);
  }

  async #cancel(acrRunId: string): Promise<void> {
    if (this.#cancelled.has(acrRunId)) return;
    this.#cancelled.add(acrRunId);
    try {
      await this.#ports.acr.cancelRun(acrRunId);
    } catch (error) {
      if (error instanceof TransientError) throw error;
      // It may just have ended; the next look at the run tells.
      this.#ports.log("cancel refused", { acrRunId, why: error instanceof Error ? error.message : String(error) });
    }
  }

  async #call(run: Run, attempt: Attempt): Promise<void> {
    const { acr, registry } = this.#ports;
    if (run.cancelRequested) {
      await this.#decide((desk) => cancelUncalled(desk, run, attempt));
      return;
    }
    const until = await this.#decide((desk) => desk.world.get<Throttle>(keys.throttle)?.until);
    if (until !== undefined && Date.parse(until) > this.#ports.now()) return;
    const calling = await this.#decide((desk) => beginCall(desk, run, attempt));
    const timeoutMs = Date.parse(calling.deadline!) - this.#ports.now() - 1000;
    const { definition } = calling;
    const outcome: StartOutcome =
      timeoutMs <= 0
        ? { kind: "throttled", retryAfterSeconds: 1 }
        : await acr.startRun(
            {
              taskYaml: renderTask(definition, registry.loginServer, calling),
              sourceLocation: calling.sourceLocation!,
              timeoutSeconds: definition.timeoutSeconds,
              platform: definition.platforms[0]!,
              ...(registry.agentPool ? { agentPool: registry.agentPool } : {}),
            },
            { timeoutMs },
          );
    await this.#decide((desk) => {
      const now = getRun(desk.world, run.id)!;
      endCall(desk, now, calling, outcome);
    });
  }

  /** A pass died between writing the attempt and hearing from ACR. Until its deadline the call may still be under way. */
  async #recover(run: Run, attempt: Attempt): Promise<void> {
    if (this.#ports.now() <= Date.parse(attempt.deadline!)) return;
    await this.#decide((desk) =>
      endCall(desk, run, attempt, { kind: "unknown", message: "the pass that called stopped" }),
    );
    const lost = await this.#decide((desk) => desk.world.get<Attempt>(keys.attempt(run.id, attempt.number))!);
    await this.#find(run, lost);
  }

  /** Looks for the run that a lost reply may have left at ACR, before another one is asked for (R3). */
  async #find(run: Run, attempt: Attempt): Promise<void> {
    // Asked before ACR is: a run that was accepted until then is in the answer, or is looked for again.
    const givesUp = await this.#decide((desk) => mayGiveUp(desk, attempt));
    const { ours, undecided, others } = await this.#candidates(attempt, attempt.calledAt!);
    if (ours) {
      await this.#decide((desk) => link(desk, getRun(desk.world, run.id)!, attempt, ours));
      return;
    }
    const excluded = [...(attempt.excluded ?? []), ...others];
    if (others.length > 0)
      await this.#decide((desk) =>
        desk.world.put(keys.attempt(run.id, attempt.number), { ...attempt, excluded } satisfies Attempt),
      );
    if (undecided === 0 && givesUp)
      await this.#decide((desk) => giveUpLost(desk, getRun(desk.world, run.id)!, { ...attempt, excluded }));
  }

  async #candidates(
    attempt: Attempt,
    sinceIso: string,
  ): Promise<{ readonly ours: AcrRun | undefined; readonly undecided: number; readonly others: readonly string[] }> {
    const { acr, rows, registry } = this.#ports;
    const others: string[] = [];
    let undecided = 0;
    // Two clocks: ACR's may be behind the one that wrote the attempt.
    const since = isoOf(Date.parse(sinceIso) - 60_000);
    for (const seen of await acr.runsCreatedSince(since)) {
      await this.#lease.renewIfOld();
      if (attempt.excluded?.includes(seen.acrRunId)) continue;
      if ((await rows.read(registry.partition, keys.acrRun(seen.acrRunId))).row) continue;
      const log = await acr.logHead(seen.acrRunId);
      const whose = await this.#decide((desk) => whoseRun(desk, attempt, log, seen));
      if (whose === "ours") return { ours: seen, undecided, others };
      if (whose === "another") others.push(seen.acrRunId);
      else undecided++;
    }
    return { ours: undefined, undecided, others };
  }

  /** An attempt that was given up may still turn up; it is stopped, so that it cannot move a stable tag back (R6). */
  async #watch(): Promise<void> {
    const { rows, registry } = this.#ports;
    for (const row of await rows.list(registry.partition, rangeOf("watch"), 20)) {
      const watched = row.value as { run: string; attempt: number; until: string };
      const attempt = await this.#decide((desk) => desk.world.get<Attempt>(keys.attempt(watched.run, watched.attempt)));
      if (!attempt?.calledAt) continue;
      const { ours, others } = await this.#candidates(attempt, attempt.calledAt);
      if (others.length > 0) {
        const excluded = [...(attempt.excluded ?? []), ...others];
        await this.#decide((desk) =>
          desk.world.put(keys.attempt(watched.run, watched.attempt), { ...attempt, excluded } satisfies Attempt),
        );
      }
      if (ours && !isAcrTerminal(ours.status)) await this.#cancel(ours.acrRunId);
      const over = Date.parse(watched.until) < this.#ports.now() || (ours !== undefined && isAcrTerminal(ours.status));
      if (over)
        await this.#decide((desk) => {
          desk.world.remove(row.key);
          const run = getRun(desk.world, watched.run);
          // Whatever it pushed, the stable tags are looked at again.
          if (run && ours) owe(desk, { kind: "collect", run: run.id, attempt: watched.attempt, seq: run.seq });
        });
    }
  }

  async #releaseReady(): Promise<void> {
    const { rows, registry } = this.#ports;
    await this.#recheckWaiting();
    let slots = registry.maxRuns - (await this.#live()).length;
    while (slots > 0 && this.#hasTime()) {
      const ready = await rows.list(registry.partition, rangeOf("ready"), Math.min(slots, readyPage));
      if (ready.length === 0) break;
      for (const row of ready) {
        await this.#lease.renewIfOld();
        const { run: runId } = row.value as { run: string };
        await this.#decide((desk) => {
          const run = getRun(desk.world, runId);
          if (run && run.place === row.key) release(desk, run);
          else desk.world.remove(row.key);
        });
      }
      // What a skipped run leaves behind must be worked off before the next release sees the world.
      if (await this.#hasWords()) return;
      slots = registry.maxRuns - (await this.#live()).length;
    }
  }

  async #recheckWaiting(): Promise<void> {
    const { rows, registry } = this.#ports;
    const waiting = await rows.list(registry.partition, rangeOf("wait"), waitPage);
    if (waiting.length === 0) return;
    const stuck = await this.#isStuck();
    const held = waiting.map((row) => ({ at: recheckTime(row.key), ...(row.value as Waiting) }));
    // With nothing else going on, every hold but one that counts seconds is looked at again.
    const due = held.filter((w) => w.at <= this.#ports.now() || (stuck && w.hold !== "base-unknown"));
    for (const { run } of due) await this.#placeAgain(run);
    if (!stuck || !(await this.#isStuck())) return;
    const oldest = held.filter((w) => w.hold === "base").sort((x, y) => x.order - y.order)[0];
    if (oldest)
      await this.#decide((desk) => {
        const run = getRun(desk.world, oldest.run);
        if (run?.status === "Planned") releaseFromCycle(desk, run);
      });
  }

  async #placeAgain(runId: string): Promise<void> {
    await this.#decide((desk) => {
      const run = getRun(desk.world, runId);
      if (run?.status === "Planned") placeRun(desk, run);
    });
  }

  /** Nothing is at ACR, nothing is ready, nothing is to be folded. */
  async #isStuck(): Promise<boolean> {
    const { rows, registry } = this.#ports;
    if ((await this.#live()).length > 0 || (await this.#hasWords())) return false;
    return (await rows.list(registry.partition, rangeOf("ready"), 1)).length === 0;
  }

  /** When to look again, and the id that makes all other nudges of that kind stale. */
  async #nextNudge(): Promise<{ readonly id: string; readonly at: string } | undefined> {
    const { rows, registry, now, newId } = this.#ports;
    const moments: number[] = this.#progressed ? [now()] : [];
    if (await this.#hasWords()) moments.push(now());
    for (const { run: runId, attempt: number } of await this.#live()) {
      const [run, attempt] = await this.#decide(
        (desk) => [getRun(desk.world, runId), desk.world.get<Attempt>(keys.attempt(runId, number))] as const,
      );
      moments.push(now() + (run && attempt ? lookAgainMs(run, attempt, now()) : 0));
    }
    const [waiting] = await rows.list(registry.partition, rangeOf("wait"), 1);
    if (waiting) moments.push(recheckTime(waiting.key));
    // An attempt that was given up may still turn up and push.
    if ((await rows.list(registry.partition, rangeOf("watch"), 1)).length > 0) moments.push(now() + 60_000);
    if (moments.length === 0) return undefined;
    return { id: newId(), at: isoOf(Math.max(now(), Math.min(...moments))) };
  }

  async #send(nudge: { readonly id: string; readonly at: string }): Promise<void> {
    const delaySeconds = Math.max(0, Math.ceil((Date.parse(nudge.at) - this.#ports.now()) / 1000));
    await this.#ports.queues.send(
      queueNames.registries,
      { registry: this.#ports.registry.alias, nudge: nudge.id },
      { delaySeconds },
    );
  }
}

function recheckTime(waitKey: string): number {
  return Number(waitKey.split("|")[1]);
}

/** Young runs are looked at often, old ones seldom: a 20-second build is noticed in seconds, an hour's build costs 240 looks. */
function lookAgainMs(run: Run, attempt: Attempt, now: number): number {
  if (attempt.stage === "preparing") return 60_000;
  if (attempt.stage === "prepared") return 5_000;
  if (attempt.stage === "calling" || attempt.stage === "lost") return 5_000;
  const age = now - Date.parse(run.times.Queued ?? run.times.Scheduling ?? isoOf(now));
  return Math.min(15_000, Math.max(1_000, age / 8));
}
