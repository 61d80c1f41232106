import type { Step } from "../task/task.ts";
import { repeat } from "./attempts.ts";
import type { Dependencies } from "./dependency-list.ts";
import { pushImages } from "./push-images.ts";
import { buildImage, scanBuildStep } from "./run-build-step.ts";
import { runCommand } from "./run-command.ts";
import { StepFailure } from "./step-failure.ts";
import type { StepSurroundings } from "./step-surroundings.ts";

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
  if (step.kind === "cmd" && step.pull) on.log.engine("Step specified pull. Performing an explicit pull...");
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
      await pushImages(step, on, signal);
      return [];
    case "cmd":
      await repeat(step, on, signal, (write, stop) => runCommand(step, on, write, stop));
      return [];
    case "build": {
      const { dependencies, place } = await scanBuildStep(step, on, signal);
      await repeat(step, on, signal, (write, stop) => buildImage(step, place, on, write, stop));
      return dependencies;
    }
  }
}
