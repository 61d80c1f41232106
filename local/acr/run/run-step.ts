import { EngineError } from "../../engine/engine.ts";
import { shellWords } from "../task/shell-words.ts";
import type { BuildStep, CmdStep, PushStep, Step } from "../task/task.ts";
import { TaskError } from "../task/task-error.ts";
import type { Dependencies } from "./dependency-list.ts";
import { buildImage, scanBuildStep } from "./run-build-step.ts";
import { ExitFailure, StepFailure } from "./step-failure.ts";
import type { StepSurroundings } from "./step-surroundings.ts";
import { containerDirectory } from "./workspace.ts";

const pushAttempts = 3;
/** `docker run`'s own exit status when the container could not be started. */
const dockerFailed = 125;
/** `/bin/sh`'s exit status for a line it cannot parse. */
const shellFailed = 2;

/** Runs one step to its end, retries and repeats included. Returns what its build stands on, for the log and the run. */
export async function runStep(step: Step, on: StepSurroundings, signal: AbortSignal): Promise<Dependencies[]> {
  const { id, timeout, workingDirectory, network } = step;
  on.log.engine(
    `Executing step ID: ${id}. Timeout(sec): ${timeout}, Working directory: '${workingDirectory}', Network: '${network}'`,
  );
  if (step.startDelay > 0) {
    on.log.engine(`Waiting ${step.startDelay} seconds before executing step ID: ${id}`);
    await on.clock.sleep(step.startDelay, signal);
  }
  const limited = new AbortController();
  const limit = on.clock.after(timeout, () => limited.abort(new StepFailure("context deadline exceeded")));
  try {
    return await stopping(run(step, on, AbortSignal.any([signal, limited.signal])), limited.signal, signal);
  } finally {
    limit.stop();
  }
}

/** An engine that does not heed its signal must not keep a run alive: the first of the signals wins. */
async function stopping<T>(work: Promise<T>, ...signals: AbortSignal[]): Promise<T> {
  const signal = AbortSignal.any(signals);
  const aborted = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  work.catch(() => {});
  return await Promise.race([work, aborted]);
}

async function run(step: Step, on: StepSurroundings, signal: AbortSignal): Promise<Dependencies[]> {
  switch (step.kind) {
    case "push":
      await pushAll(step, on, signal);
      return [];
    case "cmd":
      await repeat(step, on, signal, (log) => runCommand(step, { ...on, log }, signal));
      return [];
    case "build": {
      const dependencies = await scanBuildStep(step, on);
      await repeat(step, on, signal, (log) => buildImage(step, { ...on, log }, signal));
      return dependencies;
    }
  }
}

type Attempt = (log: StepSurroundings["log"]) => Promise<void>;

/** `repeat` counts executions after the first; a failed one does not stop the next, and all failures are told at the end. */
async function repeat(step: BuildStep | CmdStep, on: StepSurroundings, signal: AbortSignal, attempt: Attempt) {
  const failures: string[] = [];
  for (let turn = 0; turn <= step.repeat; turn += 1) {
    await retry(step, on, signal, attempt).catch((error: unknown) => {
      if (!(error instanceof ExitFailure)) throw error;
      failures.push(error.message);
    });
  }
  if (failures.length > 0) throw new StepFailure(failures.join(", "));
}

async function retry(step: BuildStep | CmdStep, on: StepSurroundings, signal: AbortSignal, attempt: Attempt) {
  for (let retriesLeft = step.retries; ; retriesLeft -= 1) {
    on.log.engine(`Launching container with name: ${step.id}`);
    let output = "";
    const write = (text: string) => {
      if (step.retryOnErrors.length > 0) output += text;
      on.log.write(text);
    };
    const exit = await exitOf(
      attempt({ line: on.log.line.bind(on.log), engine: on.log.engine.bind(on.log), write }),
      on,
      write,
    );
    if (exit === 0) {
      on.log.engine(`Successfully executed container: ${step.id}`);
      return;
    }
    signal.throwIfAborted();
    const worthIt = step.retryOnErrors.length === 0 || step.retryOnErrors.some((text) => output.includes(text));
    if (retriesLeft === 0 || !worthIt) {
      on.log.engine(`Container failed during run: ${step.id}. No retries remaining.`);
      throw new ExitFailure(exit);
    }
    const waiting = `waiting ${step.retryDelay} seconds before retrying...`;
    on.log.engine(`Container failed during run: ${step.id}, ${waiting}`);
    await on.clock.sleep(step.retryDelay, signal);
  }
}

/** Failures of the work itself become an exit status, with their message in the log; anything else is the twin's fault. */
async function exitOf(work: Promise<void>, on: StepSurroundings, write: (text: string) => void): Promise<number> {
  try {
    await work;
    return 0;
  } catch (error) {
    if (error instanceof ExitFailure) return error.code;
    if (!(error instanceof EngineError || error instanceof TaskError)) throw error;
    on.log.line();
    write(`${error.message}\n`);
    return error instanceof EngineError ? 1 : shellFailed;
  }
}

async function runCommand(step: CmdStep, on: StepSurroundings, signal: AbortSignal): Promise<void> {
  const [reference, ...args] = shellWords(step.cmd);
  if (!reference) throw new TaskError(`"docker run" requires at least 1 argument.`);
  if (reference.startsWith("-")) {
    throw new TaskError(`docker options before the image are not emulated by the local twin: ${reference}`);
  }
  const request = {
    reference,
    args,
    env: step.env.map((entry) => oneWord(entry, "env")),
    ...(step.entryPoint && { entrypoint: oneWord(step.entryPoint, "entryPoint") }),
    ...(step.user && { user: oneWord(step.user, "user") }),
    ...(!step.keepsImageWorkingDirectory && { workingDirectory: containerDirectory(step.workingDirectory) }),
  };
  const code = await on.engine
    .run(request, (text) => on.log.write(text), signal)
    .catch((error: unknown) => {
      if (!(error instanceof EngineError)) throw error;
      on.log.write(`docker: ${error.message}\n`);
      return dockerFailed;
    });
  if (code !== 0) throw new ExitFailure(code);
}

/** These are pasted into the same shell line, so a blank without quotes would make two words of one value. */
function oneWord(text: string, property: string): string {
  const words = shellWords(text);
  if (words.length === 1) return words[0]!;
  throw new TaskError(`${property} '${text}' is not one word for the shell that runs docker: put it in quotes`);
}

async function pushAll(step: PushStep, on: StepSurroundings, signal: AbortSignal): Promise<void> {
  for (const reference of step.push) await pushOne(reference, on, signal);
}

/** Three attempts, 250 ms doubling between them. */
async function pushOne(reference: string, on: StepSurroundings, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; attempt <= pushAttempts; attempt += 1) {
    on.log.engine(`Pushing image: ${reference}, attempt ${attempt}`);
    try {
      const digest = await on.engine.push(reference, (text) => on.log.write(text), signal);
      on.log.engine(`Successfully pushed image: ${reference}`);
      on.pushed(reference, digest);
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof EngineError)) throw error;
      on.log.line(error.message);
      await on.clock.sleep(0.25 * 2 ** (attempt - 1), signal);
    }
  }
  throw new StepFailure("failed to push images successfully");
}
