import type { ImageReference } from "../task/reference.ts";
import type { Step, Task } from "../task/task.ts";
import { TaskError } from "../task/task-error.ts";
import { type Dependencies, dependencyYaml } from "./dependency-list.ts";
import { DetachedContainers } from "./detached-containers.ts";
import { RunNetworks } from "./run-networks.ts";
import { runStep } from "./run-step.ts";
import { makeSecretVolume } from "./secret-volumes.ts";
import { StepFailure } from "./step-failure.ts";
import type { StepSurroundings } from "./step-surroundings.ts";

interface TaskSurroundings extends Omit<StepSurroundings, "networks" | "detached"> {
  readonly registriesToLogInTo: readonly string[];
  readonly stepStarted: (step: Step) => void;
  readonly stepEnded: (step: Step, outcome: "successful" | "failed") => void;
}

interface Finished {
  readonly seconds: number;
  readonly dependencies: Dependencies[];
}

/**
 * Runs a task in the order of its engine: networks, logins, volumes, steps as soon as those they wait for are done, and at the
 * end the dependencies with their digests. The first failure that is not to be ignored stops every other step.
 */
export async function runTask(task: Task, on: TaskSurroundings, signal: AbortSignal): Promise<Dependencies[]> {
  for (const { name, driver, skipCreation } of task.networks) {
    if (skipCreation) {
      on.log.engine(`Skip creating network: ${name}`);
    } else {
      on.log.engine(`Creating Docker network: ${name}, driver: '${driver}'`);
      on.log.engine(`Successfully set up Docker network: ${name}`);
    }
  }
  on.log.engine("Setting up Docker configuration...");
  on.log.engine("Successfully set up Docker configuration");
  for (const registry of on.registriesToLogInTo) {
    on.log.engine(`Logging in to registry: ${registry}`);
    on.log.engine(`Successfully logged into ${registry}`);
  }

  if (task.steps.some((step) => step.kind === "build" && step.usesCache)) {
    on.log.engine("Task will use build cache, initializing buildkitd container");
  }
  for (const volume of task.volumes) {
    await makeSecretVolume(volume, on.folder);
    on.log.engine(`Volume source ${volume.name} successfully created`);
  }
  const digests = new Map<string, string>();
  const pushed = (reference: string, digest: string) => {
    digests.set(reference, digest);
    on.pushed(reference, digest);
  };
  const networks = new RunNetworks(task, on.engine);
  const detached = new DetachedContainers();
  try {
    const finished = await runSteps(task.steps, { ...on, pushed, networks, detached }, signal);
    return await tellDependencies(task.steps, finished, digests, on);
  } finally {
    await detached.stopAll();
    await networks.removeAll();
  }
}

type Surroundings = TaskSurroundings & StepSurroundings;

async function runSteps(steps: readonly Step[], on: Surroundings, signal: AbortSignal) {
  const finished = new Map<string, Finished>();
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const done = new Map<string, Promise<void>>();
  for (const step of steps) {
    // Earlier steps only, so every promise this one waits for is already there.
    const before = Promise.all(step.after.map((id) => done.get(id)));
    const own = before.then(async () => {
      either.throwIfAborted();
      finished.set(step.id, await runOne(step, on, either));
    });
    own.catch((error: unknown) => failed.abort(error));
    done.set(step.id, own);
  }
  await Promise.all(done.values());
  return finished;
}

async function runOne(step: Step, on: Surroundings, signal: AbortSignal): Promise<Finished> {
  const began = performance.now();
  on.stepStarted(step);
  let dependencies: Dependencies[] = [];
  try {
    dependencies = await runStep(step, on, signal);
    on.stepEnded(step, "successful");
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof StepFailure || error instanceof TaskError)) throw error;
    on.stepEnded(step, "failed");
    if (!step.ignoreErrors) throw new StepFailure(`failed to run step ID: ${step.id}: ${error.message}`);
    const going = "but is set to ignore errors. Continuing...";
    on.log.engine(`Step ID: ${step.id} encountered an error: ${error.message}, ${going}`);
  }
  return { seconds: (performance.now() - began) / 1000, dependencies };
}

async function tellDependencies(
  steps: readonly Step[],
  finished: ReadonlyMap<string, Finished>,
  digests: ReadonlyMap<string, string>,
  on: TaskSurroundings,
): Promise<Dependencies[]> {
  const all: Dependencies[] = [];
  for (const step of steps) {
    const { seconds, dependencies } = finished.get(step.id)!;
    on.log.engine(`Step ID: ${step.id} marked as successful (elapsed time in seconds: ${seconds.toFixed(6)})`);
    if (dependencies.length === 0) continue;
    on.log.engine(`Populating digests for step ID: ${step.id}...`);
    if (step.kind === "build" && step.usesBuildKit) {
      on.log.engine("Image was built using buildkit, fetching Digest from remote...");
    }
    for (const found of dependencies) all.push(await withDigests(found, digests, on));
    on.log.engine(`Successfully populated digests for step ID: ${step.id}`);
  }
  if (all.length > 0) {
    on.log.engine("The following dependencies were found:");
    on.log.line();
    on.log.write(dependencyYaml(all));
  }
  return all;
}

/** A built image has the digest its push answered; a base has the one its registry gives now. */
async function withDigests(
  found: Dependencies,
  digests: ReadonlyMap<string, string>,
  on: TaskSurroundings,
): Promise<Dependencies> {
  const resolve = async (image: ImageReference): Promise<ImageReference> => {
    if (image.digest || image.reference === "scratch:latest") return image;
    const digest = await on.engine.resolve(image.reference);
    return digest ? { ...image, digest } : image;
  };
  const own = found.image && digests.get(found.image.reference);
  return {
    ...found,
    ...(found.image && { image: own ? { ...found.image, digest: own } : found.image }),
    runtime: await resolve(found.runtime),
    buildtime: await Promise.all(found.buildtime.map(resolve)),
  };
}
