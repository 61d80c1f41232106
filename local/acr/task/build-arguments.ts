import { shellWords } from "./shell-words.ts";
import { TaskError } from "./task-error.ts";

/** What a `build:` line asks of `docker build`. Paths are relative to the step's working directory. */
export interface BuildArguments {
  readonly tags: readonly string[];
  readonly dockerfile?: string;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly target?: string;
  readonly noCache: boolean;
  readonly platform?: string;
  readonly context: string;
}

const valued: Readonly<Record<string, string>> = { "-t": "--tag", "-f": "--file", "-m": "--memory" };
const keptValued = ["--tag", "--file", "--build-arg", "--label", "--target", "--platform"];
/** Options that take a value and that change nothing an engine here does. */
const ignoredValued = ["--network", "--progress", "--cache-from", "--cache-to", "--isolation", "--memory", "--ulimit"];
const ignoredFlags = ["--pull", "--quiet", "-q", "--rm", "--force-rm", "--load"];

/** Parses as the docker command line does, after the shell has split the line. */
export function parseBuildLine(line: string): BuildArguments {
  const tags: string[] = [];
  const buildArgs: Record<string, string> = {};
  const labels: Record<string, string> = {};
  const positional: string[] = [];
  const single: { dockerfile?: string; target?: string; platform?: string } = {};
  let noCache = false;

  const words = shellWords(line).values();
  for (const word of words) {
    if (!word.startsWith("-") || word === "-") {
      positional.push(word);
      continue;
    }
    const [name, inline] = splitOption(word);
    if (name === "--no-cache") noCache = inline !== "false";
    if (name === "--no-cache" || ignoredFlags.includes(name)) continue;
    if (!keptValued.includes(name) && !ignoredValued.includes(name)) throw new TaskError(`unknown flag: ${word}`);
    const value: string | undefined = inline ?? words.next().value;
    if (value === undefined) throw new TaskError(`flag needs an argument: ${word}`);
    if (name === "--tag") tags.push(value);
    else if (name === "--file") single.dockerfile = value;
    else if (name === "--target") single.target = value;
    else if (name === "--platform") single.platform = value;
    else if (name === "--build-arg") assign(buildArgs, value);
    else if (name === "--label") assign(labels, value);
  }
  if (positional.length !== 1) throw new TaskError(`"docker build" requires exactly 1 argument.`);
  return { tags, buildArgs, labels, noCache, ...single, context: positional[0]! };
}

/** `-tVALUE` and `-t VALUE`, `--tag=VALUE` and `--tag VALUE`. */
function splitOption(word: string): [name: string, value: string | undefined] {
  if (word.startsWith("--")) {
    const at = word.indexOf("=");
    return at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
  }
  const short = word.slice(0, 2);
  const long = valued[short];
  if (!long) return [word, undefined];
  return [long, word.length > 2 ? word.slice(2).replace(/^=/, "") : undefined];
}

function assign(into: Record<string, string>, text: string): void {
  const at = text.indexOf("=");
  into[at < 0 ? text : text.slice(0, at)] = at < 0 ? "" : text.slice(at + 1);
}

/** What ACR's scanner takes from the same line. It splits on white space and knows no quotes, so it may see it differently. */
export interface ScanArguments {
  readonly tags: readonly string[];
  readonly buildArgs: readonly string[];
  readonly dockerfile: string;
  readonly target: string;
  readonly context: string;
}

export function scanArguments(line: string): ScanArguments {
  const tags: string[] = [];
  const buildArgs: string[] = [];
  let [dockerfile, target, context, previous] = ["", "", ".", ""];
  for (const word of line.split(/\s+/).filter(Boolean)) {
    const bare = word.replaceAll(/^['"]+|['"]+$/g, "");
    if (previous === "-t" || previous === "--tag") tags.push(word);
    if (previous === "--build-arg") buildArgs.push(word);
    if (previous === "-f" || previous === "--file") dockerfile = bare;
    else if (previous === "--target") target = bare;
    else if (!previous.startsWith("-") && !word.startsWith("-")) context = bare;
    previous = word;
  }
  return { tags, buildArgs, dockerfile, target, context };
}
