import { join, relative } from "node:path";
import { type BuildArguments, parseBuildLine, scanArguments } from "../task/build-arguments.ts";
import { addLatest } from "../task/reference.ts";
import { buildtimeReferences, requireReference, scanDependencies } from "../task/scan-dependencies.ts";
import type { BuildStep } from "../task/task.ts";
import { TaskError } from "../task/task-error.ts";
import type { GitHead } from "./clone.ts";
import type { Dependencies } from "./dependency-list.ts";
import { asLaunch } from "./run-command.ts";
import { SourceError } from "./source-error.ts";
import { parseSourceLocation } from "./source-location.ts";
import type { StepSurroundings } from "./step-surroundings.ts";
import { containerDirectory } from "./workspace.ts";

/** Where a build happens: its working directory, and the context when that was fetched instead of being named by the line. */
interface BuildPlace {
  readonly workingDirectory: string;
  readonly context?: ".";
}

interface Scanned {
  readonly dependencies: Dependencies[];
  readonly place: BuildPlace;
}

/** Scans the Dockerfile as ACR does before building, and with ACR's view of the line, which knows no quotes. */
export async function scanBuildStep(step: BuildStep, on: StepSurroundings, signal: AbortSignal): Promise<Scanned> {
  const { context } = scanArguments(step.build);
  if (/github/i.test(context) && !context.toLowerCase().includes(".git")) {
    const rule = "might not be valid context. Valid Git repositories should end with .git.";
    on.log.engine(`WARNING: ${context.toLowerCase()} ${rule}`);
  }
  on.log.engine("Scanning for dependencies...");
  try {
    const found = await scan(step, on, signal);
    on.log.engine("Successfully scanned dependencies");
    return found;
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof TaskError || error instanceof SourceError)) throw error;
    const what = error instanceof SourceError ? "failed to download source code: " : "";
    on.log.engine(`Output from dependency scanning: ${what}${error.message}`);
    throw new TaskError("failed to scan dependencies: exit status 1");
  }
}

async function scan(step: BuildStep, on: StepSurroundings, signal: AbortSignal): Promise<Scanned> {
  const { workspace } = on.folder;
  const seen = scanArguments(step.build);
  const { place, head } = await fetchContext(step, seen.context, on, signal);
  const written = seen.dockerfile || join(place.context ?? seen.context, "Dockerfile");
  const text = await workspace.readText(workspace.inside(place.workingDirectory), written).catch((error: unknown) => {
    if (!(error instanceof TaskError)) throw error;
    throw new TaskError(`error opening dockerfile: ${written}, error: ${error.message}`);
  });
  const bases = scanDependencies(text, seen.buildArgs, seen.target);
  const commit = head ? head.commit : on.sourceCommit;
  const found = {
    runtime: requireReference(bases.runtime),
    buildtime: buildtimeReferences(bases.buildtime),
    ...(commit && { commit }),
  };
  const images = seen.tags.map((tag) => ({ image: requireReference(tag), ...found }));
  return { dependencies: images.length > 0 ? images : [found], place };
}

/** A context that is a URL is put in the workspace, under the step's id, and built from there. */
async function fetchContext(
  step: BuildStep,
  context: string,
  on: StepSurroundings,
  signal: AbortSignal,
): Promise<{ place: BuildPlace; head?: GitHead | undefined }> {
  const location = parseSourceLocation(context);
  if (location.kind === "path" || location.kind === "none") {
    return { place: { workingDirectory: step.workingDirectory } };
  }
  // It would be a path, not a name, and lead anywhere.
  if (!/^\w[\w.-]*$/.test(step.id)) throw new TaskError(`mkdir ${step.id}: invalid argument`);
  const head = await on.fetchSource(location, join(on.folder.workspace.dir, step.id), signal);
  const folder = location.kind === "git" ? location.folder : "";
  return { place: { workingDirectory: join(step.id, folder), context: "." }, head };
}

/** Builds once; the line goes through the shell first, as behind `docker build`. */
export async function buildImage(
  step: BuildStep,
  place: BuildPlace,
  on: StepSurroundings,
  write: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  // The container that builds is on the step's network, though what it builds is not.
  await asLaunch(() => on.networks.requireNamed(step.network));
  const asked = parseBuildLine(step.build, { buildKit: step.usesBuildKit });
  const context = place.context ?? localContext(asked.context);
  const { workspace } = on.folder;
  const directory = workspace.inside(place.workingDirectory);
  const contextDir = await workspace.find(directory, context);
  if (!contextDir) throw new TaskError(`unable to prepare context: path "${context}" not found`);
  // `-f` counts from the working directory, not from the context.
  const dockerfile = await workspace.find(directory, asked.dockerfile ?? join(context, "Dockerfile"));
  if (!dockerfile) throw new TaskError(`unable to evaluate symlinks in Dockerfile path: no such file or directory`);
  const inContext = relative(contextDir, dockerfile);
  if (inContext.startsWith("..")) {
    throw new TaskError("a Dockerfile outside its build context is not emulated by the local twin");
  }
  const secrets = await secretFiles(asked, step, place, on);
  const held = await workspace.hold(contextDir).catch(() => {
    throw new TaskError(`unable to prepare context: path "${context}" not found`);
  });
  try {
    await on.engine.build(
      {
        contextDir: held.path,
        dockerfile: inContext,
        tags: asked.tags.map(addLatest),
        buildArgs: asked.buildArgs,
        labels: asked.labels,
        noCache: asked.noCache,
        ...(asked.target && { target: asked.target }),
        ...(asked.platform && { platform: asked.platform }),
        ...(asked.networkIsNone && { network: "none" as const }),
        ...(Object.keys(secrets).length > 0 && { secrets }),
      },
      write,
      signal,
    );
  } finally {
    await held.close();
  }
}

/** What docker takes for a URL and the scanner did not, such as one right behind an option, has not been fetched. */
function localContext(context: string): string {
  const { kind } = parseSourceLocation(context);
  if (kind === "path" || kind === "none") return context;
  throw new TaskError(`the context ${context} stands where the dependency scanner does not see it: put it last`);
}

/** The files behind `--secret`, which the building container sees in its workspace, its home or its volumes. */
async function secretFiles(
  { secrets }: BuildArguments,
  step: BuildStep,
  place: BuildPlace,
  on: StepSurroundings,
): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const [id, source] of Object.entries(secrets)) {
    const seen = join(containerDirectory(place.workingDirectory), source);
    const file = await on.folder.copyOf(source.startsWith("/") ? source : seen, step.mounts);
    if (file === undefined) throw new TaskError(`failed to stat ${source}: no such file or directory`);
    files[id] = file;
  }
  return files;
}
