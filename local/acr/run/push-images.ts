import { EngineError } from "../../engine/engine.ts";
import type { PushStep } from "../task/task.ts";
import { StepFailure } from "./step-failure.ts";
import type { StepSurroundings } from "./step-surroundings.ts";

const attempts = 3;

export async function pushImages(step: PushStep, on: StepSurroundings, signal: AbortSignal): Promise<void> {
  for (const reference of step.push) await pushOne(reference, on, signal);
}

/** Three attempts, 250 ms doubling between them. */
async function pushOne(reference: string, on: StepSurroundings, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
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
