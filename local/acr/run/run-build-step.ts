import { readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { parseBuildLine, scanArguments } from "../task/build-arguments.ts";
import { addLatest } from "../task/reference.ts";
import { buildtimeReferences, requireReference, scanDependencies } from "../task/scan-dependencies.ts";
import type { BuildStep } from "../task/task.ts";
import { TaskError } from "../task/task-error.ts";
import type { Dependencies } from "./dependency-list.ts";
import type { StepSurroundings } from "./step-surroundings.ts";

/** Scans the Dockerfile as ACR does before building, and with ACR's view of the line, which knows no quotes. */
export async function scanBuildStep(step: BuildStep, on: StepSurroundings): Promise<Dependencies[]> {
  on.log.engine("Scanning for dependencies...");
  try {
    const found = await scan(step, on);
    on.log.engine("Successfully scanned dependencies");
    return found;
  } catch (error) {
    if (!(error instanceof TaskError)) throw error;
    on.log.engine(`Output from dependency scanning: ${error.message}`);
    throw new TaskError("failed to scan dependencies: exit status 1");
  }
}

async function scan(step: BuildStep, on: StepSurroundings): Promise<Dependencies[]> {
  const seen = scanArguments(step.build);
  refuseRemote(seen.context);
  const written = seen.dockerfile || join(seen.context, "Dockerfile");
  const path = await on.workspace.find(on.workspace.inside(step.workingDirectory), written);
  if (!path) {
    const cause = `open ${written}: no such file or directory`;
    throw new TaskError(`error opening dockerfile: ${written}, error: ${cause}`);
  }
  const bases = scanDependencies(await readFile(path, "utf8"), seen.buildArgs, seen.target);
  const runtime = requireReference(bases.runtime);
  const buildtime = buildtimeReferences(bases.buildtime);
  if (seen.tags.length === 0) return [{ runtime, buildtime }];
  return seen.tags.map((tag) => ({ image: requireReference(tag), runtime, buildtime }));
}

/** Builds once; the line goes through the shell first, as behind `docker build`. */
export async function buildImage(step: BuildStep, on: StepSurroundings, signal: AbortSignal): Promise<void> {
  const asked = parseBuildLine(step.build);
  refuseRemote(asked.context);
  const directory = on.workspace.inside(step.workingDirectory);
  const contextDir = await on.workspace.find(directory, asked.context);
  if (!contextDir) throw new TaskError(`unable to prepare context: path "${asked.context}" not found`);
  // `-f` counts from the working directory, not from the context.
  const dockerfile = await on.workspace.find(directory, asked.dockerfile ?? join(asked.context, "Dockerfile"));
  if (!dockerfile) throw new TaskError(`unable to evaluate symlinks in Dockerfile path: no such file or directory`);
  const inContext = relative(contextDir, dockerfile);
  if (inContext.startsWith("..")) {
    throw new TaskError("a Dockerfile outside its build context is not emulated by the local twin");
  }
  await on.engine.build(
    {
      contextDir,
      dockerfile: inContext,
      tags: asked.tags.map(addLatest),
      buildArgs: asked.buildArgs,
      labels: asked.labels,
      noCache: asked.noCache,
      ...(asked.target && { target: asked.target }),
      ...(asked.platform && { platform: asked.platform }),
    },
    (text) => on.log.write(text),
    signal,
  );
}

function refuseRemote(context: string): void {
  if (/^https?:\/\/|^git@|^git:\/\/|^oci:\/\/|^github\.com\//i.test(context)) {
    throw new TaskError(`remote build contexts are not emulated by the local twin: ${context}`);
  }
}
