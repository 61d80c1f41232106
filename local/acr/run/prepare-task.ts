import type { DockerBuildWork, EncodedTaskWork, Platform, RunRecord } from "../run-record.ts";
import {
  expandImageAlias,
  type ReadAliasSource,
  readAliases,
  replaceAliases,
  separateAliases,
  usesAliases,
} from "../task/alias.ts";
import { parseTask } from "../task/parse-task.ts";
import { addLatest } from "../task/reference.ts";
import { type RunValues, templateData } from "../task/run-values.ts";
import type { BuildStep, PushStep, Task } from "../task/task.ts";
import { TaskError } from "../task/task-error.ts";
import { renderTemplate } from "../task/template/render.ts";
import type { ValueMap } from "../task/template/value.ts";
import { readValues } from "../task/values-file.ts";

/** What a run's surroundings give to its task. */
interface RunNames extends Pick<RunValues, "loginServer" | "date" | "sharedVolume" | "commit" | "branch"> {
  /** Of a source context such as `…git#main:folder`: where steps work unless they say otherwise. */
  readonly folder: string;
  readonly readAliasSource: ReadAliasSource;
  readonly tell: (line: string) => void;
}

/** A run whose task file, if it is in the source, has been read. */
type PreparedRun = Omit<RunRecord, "work"> & { readonly work?: DockerBuildWork | EncodedTaskWork };

/** Turns what was asked for into steps: aliases first, then templates, then YAML, as the engine does. */
export async function prepareTask(run: PreparedRun, names: RunNames): Promise<Task> {
  const work = run.work;
  if (!work) throw new Error(`run ${run.runId} has ended and forgotten its work`);
  const data = templateData({
    ...names,
    runId: run.runId,
    os: run.platform.os,
    architecture: run.platform.architecture,
    taskName: run.task ?? "",
    // Values given with the request are text, and beat those of the file.
    values: work.kind === "encoded-task" ? { ...readValues(work.valuesContent), ...work.values } : {},
  });
  if (work.kind === "encoded-task") return await encodedTask(work, data, names);
  return dockerBuildTask(work, platformOption(run.platform), data, names);
}

async function encodedTask(work: EncodedTaskWork, data: ValueMap, names: RunNames): Promise<Task> {
  const content = withoutCommentLines(work.content);
  if (!usesAliases(content)) return parseTask(render(content, data), { workingDirectory: names.folder });
  const more = "please see https://aka.ms/acr/tasks/task-aliases for more information.";
  names.tell(`Alias support enabled for version >= 1.1.0, ${more}`);
  const { block, rest } = separateAliases(content);
  const aliases = await readAliases(renderTemplate(block, data), names.readAliasSource);
  const task = parseTask(render(replaceAliases(rest, aliases), data), { workingDirectory: names.folder });
  return {
    ...task,
    steps: task.steps.map((step) =>
      step.kind === "cmd" ? { ...step, cmd: expandImageAlias(step.cmd, aliases) } : step,
    ),
  };
}

/** A comment may hold what is no template. */
function withoutCommentLines(text: string): string {
  return text
    .split("\n")
    .filter((line) => !line.trim().startsWith("#"))
    .join("\n");
}

function render(text: string, data: ValueMap): string {
  const rendered = renderTemplate(text, data);
  if (rendered === "") throw new TaskError("unable to render task: rendered template was empty");
  return rendered;
}

/** Of `acb build`. What ACR takes where nothing is said stands for this machine's own platform. */
function platformOption({ os, architecture, variant }: Platform): string[] {
  const platform = [os, architecture, ...(variant ? [variant] : [])].join("/");
  return platform === "linux/amd64" ? [] : ["--platform", platform];
}

const buildTimeout = 28_800;
const pushTimeout = 3600;

/** `acb build`: a build step and, where asked for, a push step; no Docker network. */
function dockerBuildTask(
  work: DockerBuildWork,
  platform: readonly string[],
  data: ValueMap,
  { loginServer, folder }: RunNames,
): Task {
  const render = (text: string) => renderTemplate(text, data);
  const known = [loginServer, ...work.customRegistries];
  const tags = work.imageNames.map((name) => addLatest(prefixed(render(name), loginServer, known)));
  const words = [
    ...(work.noCache ? ["--no-cache"] : []),
    ...["-f", work.dockerFilePath],
    ...tags.flatMap((tag) => ["-t", tag]),
    ...work.arguments.flatMap(({ name, value }) => ["--build-arg", `${name}=${render(value)}`]),
    ...(work.target ? ["--target", work.target] : []),
    ...platform,
    ".",
  ];
  const common = { env: [], startDelay: 0, ignoreErrors: false, workingDirectory: folder, network: "" };
  const build: BuildStep = {
    ...common,
    kind: "build",
    id: "build",
    after: [],
    timeout: buildTimeout,
    build: words.map(shellQuoted).join(" "),
    usesCache: false,
    usesBuildKit: false,
    retries: 0,
    retryDelay: 5,
    retryOnErrors: [],
    repeat: 0,
    detach: false,
    keep: false,
    mounts: [],
  };
  const push: PushStep = { ...common, kind: "push", id: "push", after: ["build"], timeout: pushTimeout, push: tags };
  return { networks: [], volumes: [], steps: work.push && tags.length > 0 ? [build, push] : [build] };
}

function prefixed(image: string, loginServer: string, known: readonly string[]): string {
  const named = known.some((registry) => image.startsWith(registry)) || image.startsWith("library/");
  return named ? image : `${loginServer}/${image}`;
}

function shellQuoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;
}
