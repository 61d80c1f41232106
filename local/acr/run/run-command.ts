import { EngineError } from "../../engine/engine.ts";
import { shellWords } from "../task/shell-words.ts";
import type { CmdStep } from "../task/task.ts";
import { TaskError } from "../task/task-error.ts";
import { containerHome } from "./run-folder.ts";
import { ExitFailure, LaunchFailure } from "./step-failure.ts";
import type { StepSurroundings } from "./step-surroundings.ts";
import { containerDirectory } from "./workspace.ts";

/** Runs a `cmd` once: an image and its arguments, in a container that sees the workspace, the home and the step's volumes. */
export async function runCommand(
  step: CmdStep,
  on: StepSurroundings,
  write: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const [reference, ...args] = shellWords(step.cmd);
  if (!reference) throw new TaskError(`"docker run" requires at least 1 argument.`);
  if (reference.startsWith("-")) {
    throw new TaskError(`docker options before the image are not emulated by the local twin: ${reference}`);
  }
  const code = await asLaunch(async () => {
    const network = await on.networks.named(step.network);
    const request = {
      reference,
      args,
      // The step's own come after, so that it may have another home.
      env: [`HOME=${containerHome}`, ...step.env.map((entry) => oneWord(entry, "env"))],
      mounts: on.folder.mounts(step.mounts),
      hostName: step.id,
      ...(network && { network }),
      ...(step.entryPoint && { entrypoint: oneWord(step.entryPoint, "entryPoint") }),
      ...(step.user && { user: oneWord(step.user, "user") }),
      ...(!step.keepsImageWorkingDirectory && { workingDirectory: containerDirectory(step.workingDirectory) }),
    };
    return await on.engine.run(request, write, signal);
  });
  if (code !== 0) throw new ExitFailure(code);
}

/** What the engine of a container says is docker's own failure: the container never started. */
export async function asLaunch<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof EngineError) throw new LaunchFailure(error.message, { cause: error });
    throw error;
  }
}

/** These are pasted into the same shell line, so a blank without quotes would make two words of one value. */
function oneWord(text: string, property: string): string {
  const words = shellWords(text);
  if (words.length === 1) return words[0]!;
  // Of a variable only the name is told: its value may be a secret.
  const shown = text.split("=", 1)[0]!;
  throw new TaskError(`${property} '${shown}' is not one word for the shell that runs docker: put its value in quotes`);
}
