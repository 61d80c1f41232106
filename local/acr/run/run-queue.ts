import type { Faults } from "../faults.ts";
import { isTerminal, type RunRecord } from "../run-record.ts";
import { type Agent, endCanceled, executeRun, type StopReason } from "./execute-run.ts";

/** The agents of a registry: runs start in the order they were scheduled, so many at a time. */
export class RunQueue {
  readonly #agent: Agent;
  readonly #faults: Faults;
  readonly #concurrency: number;
  readonly #waiting: string[] = [];
  readonly #active = new Map<string, { stop: AbortController; ended: Promise<void> }>();
  #closed = false;

  constructor(agent: Agent, faults: Faults, concurrency: number) {
    this.#agent = agent;
    this.#faults = faults;
    this.#concurrency = concurrency;
    faults.onLift(() => this.#startWaiting());
    // Runs the last process left open are run again, from the start and under the same id.
    for (const run of agent.state.runs) {
      if (isTerminal(run.status)) continue;
      if (run.cancelRequested) this.#begin(run, () => endCanceled(run, agent));
      else this.#waiting.push(run.runId);
    }
    this.#startWaiting();
  }

  add(runId: string): void {
    this.#waiting.push(runId);
    this.#startWaiting();
  }

  /** A run still waiting has ended when this resolves; one under way ends when its engine has let go. */
  async cancel(runId: string): Promise<void> {
    const active = this.#active.get(runId);
    if (active) {
      active.stop.abort("canceled" satisfies StopReason);
      return;
    }
    const at = this.#waiting.indexOf(runId);
    if (at >= 0) this.#waiting.splice(at, 1);
    const run = this.#agent.state.run(runId)!;
    await this.#begin(run, () => endCanceled(run, this.#agent));
  }

  /** Stops as a crash would: open runs stay open in the state. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { stop } of this.#active.values()) stop.abort("shutdown" satisfies StopReason);
    await Promise.all([...this.#active.values()].map(({ ended }) => ended));
  }

  #startWaiting(): void {
    for (const runId of [...this.#waiting]) {
      if (this.#closed || this.#active.size >= this.#concurrency) return;
      const fault = this.#faults.strike("execute", runId);
      if (fault?.kind === "hold") continue;
      this.#waiting.splice(this.#waiting.indexOf(runId), 1);
      const run = this.#agent.state.run(runId)!;
      this.#begin(run, (stop) => executeRun(run, this.#agent, stop, fault?.kind === "end" ? fault : undefined));
    }
  }

  #begin(run: RunRecord, work: (stop: AbortSignal) => Promise<void>): Promise<void> {
    const stop = new AbortController();
    const ended = work(stop.signal)
      .catch((error: unknown) => this.#giveUp(run, error))
      .finally(() => {
        this.#active.delete(run.runId);
        this.#startWaiting();
      });
    this.#active.set(run.runId, { stop, ended });
    return ended;
  }

  /** The twin itself failed, most likely because its storage is gone. */
  #giveUp(run: RunRecord, error: unknown): void {
    if (this.#closed) return;
    console.error(`acr: run ${run.runId} could not be executed`, error);
    try {
      this.#agent.state.moveRun(run.runId, "Error", { runErrorMessage: "internal error" });
    } catch (failure) {
      console.error(`acr: nor can that be written down; run ${run.runId} goes on with the next start`, failure);
    }
  }
}
