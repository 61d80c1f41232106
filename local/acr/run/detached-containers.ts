import { randomBytes } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import type { Clock } from "../../clock.ts";
import { TaskError } from "../task/task-error.ts";
import { LaunchFailure } from "./step-failure.ts";

/** How long a container may need to fail at starting; `docker run --detach` takes about as long to come back. Seconds. */
const startTime = 1;
/** An engine that does not heed its signal must not keep a run alive. */
const stopTimeMs = 5000;

/** Containers that nobody waits for: they stay up while later steps run, and go when the run ends. */
export class DetachedContainers {
  readonly #stop = new AbortController();
  readonly #running: Promise<void>[] = [];

  /**
   * Returns the id that docker would print. What the container says, and how it ends, is not looked at; only one that cannot be
   * started fails.
   */
  async start(run: (signal: AbortSignal) => Promise<void>, clock: Clock, signal: AbortSignal): Promise<string> {
    const ended = run(this.#stop.signal);
    const quiet = ended.catch(() => {});
    this.#running.push(quiet);
    const failedToStart = ended.catch((error: unknown) => {
      if (error instanceof LaunchFailure || error instanceof TaskError) throw error;
    });
    await Promise.race([failedToStart, clock.sleep(startTime, signal)]);
    return randomBytes(32).toString("hex");
  }

  async stopAll(): Promise<void> {
    this.#stop.abort();
    if (this.#running.length === 0) return;
    await Promise.race([Promise.all(this.#running), wait(stopTimeMs, undefined, { ref: false })]);
  }
}
