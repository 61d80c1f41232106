import type { DockerBuildWork, EncodedTaskWork, RunRecord } from "../run-record.ts";
import { expandImageAlias, replaceAliases, separateAliases, usesAliases } from "../task/alias.ts";
import { parseTask } from "../task/parse-task.ts";
import { addLatest } from "../task/reference.ts";
import { templateData } from "../task/run-values.ts";
import type { BuildStep, PushStep, Task } from "../task/task.ts";
import { TaskError } from "../task/task-error.ts";
import { renderTemplate, type TemplateData } from "../task/template.ts";

export interface RunNames {
  readonly loginServer: string;
  readonly sharedVolume: string;
}

/** Turns what was asked for into steps: aliases first, then templates, then YAML, as the engine does. */
export function prepareTask(run: RunRecord, names: RunNames, tell: (line: string) => void): Task {
  const work = run.work;
  if (!work) throw new Error(`run ${run.runId} has ended and forgotten its work`);
  const values = work.kind === "encoded-task" ? taskValues(work) : {};
  const data = templateData({
    runId: run.runId,
    date: new Date(),
    os: run.platform.os,
    architecture: run.platform.architecture,
    values,
    ...names,
  });
  return work.kind === "encoded-task" ? encodedTask(work, data, tell) : dockerBuildTask(work, names.loginServer, data);
}

function encodedTask(work: EncodedTaskWork, data: TemplateData, tell: (line: string) => void): Task {
  if (!usesAliases(work.content)) return parseTask(renderTemplate(work.content, data));
  const more = "please see https://aka.ms/acr/tasks/task-aliases for more information.";
  tell(`Alias support enabled for version >= 1.1.0, ${more}`);
  const { aliases, rest } = separateAliases(work.content);
  const task = parseTask(renderTemplate(replaceAliases(rest, aliases), data));
  return {
    ...task,
    steps: task.steps.map((step) =>
      step.kind === "cmd" ? { ...step, cmd: expandImageAlias(step.cmd, aliases) } : step,
    ),
  };
}

/** Values given with the request beat those of the encoded values file: plain `key: value` lines only. */
function taskValues(work: EncodedTaskWork): Record<string, string> {
  const values: Record<string, string> = {};
  for (const line of work.valuesContent.split(/\r?\n/)) {
    if (line.trim() === "" || line.trim().startsWith("#")) continue;
    const [, key, value] = /^([\w-]+):\s*(.*?)\s*$/.exec(line) ?? [];
    if (key === undefined) throw new TaskError(`the local twin reads only flat values files, not: ${line}`);
    values[key] = value!.replace(/^(['"])(.*)\1$/, "$2");
  }
  return { ...values, ...work.values };
}

const buildTimeout = 28_800;
const pushTimeout = 3600;

/** `acb build`: a build step and, where asked for, a push step; no Docker network. */
function dockerBuildTask(work: DockerBuildWork, loginServer: string, data: TemplateData): Task {
  const render = (text: string) => renderTemplate(text, data);
  const known = [loginServer, ...work.customRegistries];
  const tags = work.imageNames.map((name) => addLatest(prefixed(render(name), loginServer, known)));
  const words = [
    ...(work.noCache ? ["--no-cache"] : []),
    ...["-f", work.dockerFilePath],
    ...tags.flatMap((tag) => ["-t", tag]),
    ...work.arguments.flatMap(({ name, value }) => ["--build-arg", `${name}=${render(value)}`]),
    ...(work.target ? ["--target", work.target] : []),
    ".",
  ];
  const common = {
    env: [],
    startDelay: 0,
    retries: 0,
    retryDelay: 5,
    retryOnErrors: [],
    repeat: 0,
    ignoreErrors: false,
    workingDirectory: "",
    network: "",
  };
  const build: BuildStep = {
    ...common,
    kind: "build",
    id: "build",
    after: [],
    timeout: buildTimeout,
    build: words.map(shellQuoted).join(" "),
    usesCache: false,
    usesBuildKit: false,
  };
  const push: PushStep = { ...common, kind: "push", id: "push", after: ["build"], timeout: pushTimeout, push: tags };
  return { networks: [], steps: work.push && tags.length > 0 ? [build, push] : [build] };
}

function prefixed(image: string, loginServer: string, known: readonly string[]): string {
  const named = known.some((registry) => image.startsWith(registry)) || image.startsWith("library/");
  return named ? image : `${loginServer}/${image}`;
}

function shellQuoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;
}
