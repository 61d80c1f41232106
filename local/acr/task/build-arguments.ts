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
  /** `--network none`; other networks make no difference to an engine here. */
  readonly networkIsNone: boolean;
  /** Files for `RUN --mount=type=secret`, by id: paths as the building container sees them. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly context: string;
}

const valued: Readonly<Record<string, string>> = { "-t": "--tag", "-f": "--file", "-m": "--memory" };
const keptValued = ["--tag", "--file", "--build-arg", "--label", "--target", "--platform", "--network"];
/** Options that take a value and that change nothing an engine here does. */
const ignoredValued = ["--progress", "--cache-from", "--cache-to", "--isolation", "--memory", "--ulimit"];
const ignoredFlags = ["--pull", "--quiet", "-q", "--rm", "--force-rm", "--load"];

/** Parses as the docker command line does, after the shell has split the line. */
export function parseBuildLine(line: string, { buildKit } = { buildKit: false }): BuildArguments {
  // The classic builder does not know it.
  const known = [...keptValued, ...ignoredValued, ...(buildKit ? ["--secret"] : [])];
  const tags: string[] = [];
  const secrets: Record<string, string> = {};
  const buildArgs: Record<string, string> = {};
  const labels: Record<string, string> = {};
  const positional: string[] = [];
  const single: { dockerfile?: string; target?: string; platform?: string } = {};
  let [noCache, networkIsNone] = [false, false];

  const words = shellWords(line).values();
  for (const word of words) {
    if (!word.startsWith("-") || word === "-") {
      positional.push(word);
      continue;
    }
    const [name, inline] = splitOption(word);
    if (name === "--no-cache") noCache = inline !== "false";
    if (name === "--no-cache" || ignoredFlags.includes(name)) continue;
    if (!known.includes(name)) throw new TaskError(`unknown flag: ${word}`);
    const value: string | undefined = inline ?? words.next().value;
    if (value === undefined) throw new TaskError(`flag needs an argument: ${word}`);
    if (name === "--tag") tags.push(value);
    else if (name === "--file") single.dockerfile = value;
    else if (name === "--target") single.target = value;
    else if (name === "--platform") single.platform = value;
    else if (name === "--network") networkIsNone = value === "none";
    else if (name === "--secret") addSecret(secrets, value);
    else if (name === "--build-arg") assign(buildArgs, value);
    else if (name === "--label") assign(labels, value);
  }
  if (positional.length !== 1) throw new TaskError(`"docker build" requires exactly 1 argument.`);
  return { tags, buildArgs, labels, noCache, networkIsNone, secrets, ...single, context: positional[0]! };
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

/** `id=NAME,src=PATH`; the id is the path when it is left out. */
function addSecret(into: Record<string, string>, text: string): void {
  const fields = Object.fromEntries(text.split(",").map((field) => field.split("=", 2)));
  const { id, type = "file", src = id, source = src } = fields;
  if (type !== "file" || fields.env !== undefined) {
    throw new TaskError(`secrets from the environment are not emulated by the local twin: ${text}`);
  }
  if (!id) throw new TaskError(`invalid argument "${text}" for "--secret" flag: id is missing`);
  into[id] = source;
}

/** What ACR's scanner takes from the same line. It splits on white space and knows no quotes, so it may see it differently. */
interface ScanArguments {
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
