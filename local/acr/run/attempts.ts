import { EngineError } from "../../engine/engine.ts";
import type { BuildStep, CmdStep } from "../task/task.ts";
import { TaskError } from "../task/task-error.ts";
import { ExitFailure, LaunchFailure, StepFailure } from "./step-failure.ts";
import type { StepSurroundings } from "./step-surroundings.ts";

/** `docker run`'s own exit status when the container could not be started. */
const dockerFailed = 125;
/** `/bin/sh`'s exit status for a line it cannot parse. */
const shellFailed = 2;

/** One execution of a container step; `write` takes what it says. Resolves when the container ended with 0. */
export type Attempt = (write: (text: string) => void, signal: AbortSignal) => Promise<void>;

/**
 * Executes a container step: `repeat` counts executions after the first; a failed one does not stop the next, and all failures are
 * told at the end.
 */
export async function repeat(step: BuildStep | CmdStep, on: StepSurroundings, signal: AbortSignal, attempt: Attempt) {
  const container = new Container(step, on, attempt);
  const failures: string[] = [];
  for (let turn = 0; turn <= step.repeat; turn += 1) {
    await retry(step, on, signal, container).catch((error: unknown) => {
      signal.throwIfAborted();
      if (!(error instanceof ExitFailure)) throw error;
      failures.push(error.message);
    });
  }
  if (failures.length > 0) throw new StepFailure(summary(failures));
}

/** As many as a log line can bear. */
function summary(failures: readonly string[]): string {
  return [...failures.slice(0, 100), ...(failures.length > 100 ? [`and ${failures.length - 100} more`] : [])].join(
    ", ",
  );
}

async function retry(step: BuildStep | CmdStep, on: StepSurroundings, signal: AbortSignal, container: Container) {
  for (let retriesLeft = step.retries; ; retriesLeft -= 1) {
    signal.throwIfAborted();
    on.log.engine(`Launching container with name: ${step.id}`);
    const said = new Searched(step.retryOnErrors);
    const exit = await container.launch(said, signal);
    if (exit === 0) {
      on.log.engine(`Successfully executed container: ${step.id}`);
      return;
    }
    signal.throwIfAborted();
    if (retriesLeft === 0 || !said.isFound) {
      on.log.engine(`Container failed during run: ${step.id}. No retries remaining.`);
      throw new ExitFailure(exit);
    }
    const waiting = `waiting ${step.retryDelay} seconds before retrying...`;
    on.log.engine(`Container failed during run: ${step.id}, ${waiting}`);
    await on.clock.sleep(step.retryDelay, signal);
  }
}

class Container {
  readonly #step: BuildStep | CmdStep;
  readonly #on: StepSurroundings;
  readonly #attempt: Attempt;
  #nameIsTaken = false;

  constructor(step: BuildStep | CmdStep, on: StepSurroundings, attempt: Attempt) {
    this.#step = step;
    this.#on = on;
    this.#attempt = attempt;
  }

  /** Resolves to an exit status. Failures of the work itself become one, with their message in the log. */
  async launch(said: Searched, signal: AbortSignal): Promise<number> {
    const write = (text: string) => {
      said.add(text);
      this.#on.log.write(text);
    };
    try {
      this.#takeName();
      if (this.#step.detach) await this.#detach(write, signal);
      else await this.#attempt(write, signal);
      return 0;
    } catch (error) {
      // What an engine says of being stopped is nobody's failure.
      signal.throwIfAborted();
      if (error instanceof ExitFailure) return error.code;
      const exit = exitOf(error);
      if (exit === undefined) throw error;
      const said = (error as Error).message;
      this.#on.log.line();
      write(`${exit === dockerFailed ? "docker: " : ""}${said}\n`);
      return exit;
    }
  }

  async #detach(write: (text: string) => void, signal: AbortSignal): Promise<void> {
    const run = (stop: AbortSignal) => this.#attempt(() => {}, stop);
    write(`${await this.#on.detached.start(run, this.#on.clock, signal)}\n`);
  }

  /** The id of a step is the name of its container, with Docker's rules for names: one letter alone is none. */
  #takeName(): void {
    const { id, keep, detach } = this.#step;
    const daemon = "Error response from daemon:";
    if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(id)) {
      const rule = "only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed";
      throw new LaunchFailure(`${daemon} Invalid container name (${id}), ${rule}.`);
    }
    if (this.#nameIsTaken) {
      throw new LaunchFailure(`${daemon} Conflict. The container name "/${id}" is already in use.`);
    }
    this.#nameIsTaken = keep || detach;
  }
}

/** Undefined for what is nobody's failure but the twin's. */
function exitOf(error: unknown): number | undefined {
  if (error instanceof LaunchFailure) return dockerFailed;
  if (error instanceof TaskError) return shellFailed;
  return error instanceof EngineError ? 1 : undefined;
}

/** Looks for texts in what comes in pieces; finds at once when there is nothing to look for. */
class Searched {
  readonly #texts: readonly string[];
  readonly #longest: number;
  #tail = "";
  isFound: boolean;

  constructor(texts: readonly string[]) {
    this.#texts = texts;
    this.#longest = Math.max(0, ...texts.map(({ length }) => length));
    this.isFound = texts.length === 0;
  }

  add(piece: string): void {
    if (this.isFound) return;
    const text = this.#tail + piece;
    this.isFound = this.#texts.some((wanted) => text.includes(wanted));
    this.#tail = text.slice(Math.max(0, text.length - this.#longest));
  }
}
