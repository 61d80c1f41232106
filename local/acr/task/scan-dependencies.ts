import { addLatest, type ImageReference, parseImageReference } from "./reference.ts";
import { TaskError } from "./task-error.ts";

interface BaseImages {
  /** What the built stage finally stands on. */
  readonly runtime: string;
  /** Every other image a FROM names, in the order of the file. */
  readonly buildtime: readonly string[];
}

/**
 * ACR's own line scanner, with its limits: no continuation lines, only `FROM` and `ARG`, no `COPY --from`, and
 * `FROM --platform` fails the run (https://github.com/Azure/acr/issues/697).
 */
export function scanDependencies(dockerfile: string, buildArgs: readonly string[], target: string): BaseImages {
  const args = new Map(buildArgs.map(parseAssignment));
  const originByAlias = new Map<string, string>();
  const origins = new Set<string>();
  let runtime = "";

  for (const raw of dockerfile.replace(/^\uFEFF/, "").split("\n")) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const tokens = line.split(/\s+/);
    const keyword = tokens[0]!.toUpperCase();
    if (keyword === "ARG") readArg(tokens, line, args);
    if (keyword !== "FROM") continue;

    const written = tokens[1];
    if (written === undefined) throw new TaskError(`unable to understand line ${line}`);
    const named = expand(trimQuotes(written), args);
    runtime = originByAlias.get(named) ?? named;
    if (!originByAlias.has(named)) origins.add(named);
    if (tokens.length === 2) continue;
    const alias = tokens[3];
    if (alias === undefined || tokens[2]!.toLowerCase() !== "as") {
      throw new TaskError(`unable to understand line ${line}`);
    }
    originByAlias.set(alias, runtime);
    if (target !== "" && alias === target) break;
  }
  if (origins.size === 0) throw new TaskError("unexpected dockerfile format");
  return { runtime, buildtime: [...origins].filter((origin) => origin !== runtime) };
}

/** References for the dependency list: `:latest` added, doubles dropped, `library/` not telling two images apart. */
export function buildtimeReferences(images: readonly string[]): ImageReference[] {
  const distinct = new Set(images.map((image) => addLatest(image).replace(/^library\//, "")));
  return [...distinct].map(requireReference);
}

export function requireReference(image: string): ImageReference {
  const reference = parseImageReference(addLatest(image));
  if (reference) return reference;
  const advice = "Failed to parse image reference, ensure tags have a valid format";
  throw new TaskError(`${advice}: ${image}: invalid reference format`);
}

/** The first default counts, and a build argument counts before it. */
function readArg(tokens: readonly string[], line: string, args: Map<string, string>): void {
  const assignment = tokens[1];
  if (assignment === undefined) {
    throw new TaskError(`dockerfile syntax requires ARG directive to have exactly 1 argument. LINE: ${line}`);
  }
  if (!assignment.includes("=")) return;
  const [name, value] = parseAssignment(assignment);
  if (!args.has(name)) args.set(name, value);
}

function parseAssignment(text: string): [string, string] {
  const at = text.indexOf("=");
  if (at < 0) throw new TaskError(`${text} cannot be split into 2 tokens with '='`);
  return [text.slice(0, at), trimQuotes(text.slice(at + 1))];
}

/** Go's os.Expand for names: `$N` and `${N}`; unknown is empty. */
function expand(text: string, args: ReadonlyMap<string, string>): string {
  return text.replaceAll(/\$(?:\{([^}]*)\}|(\w+))/g, (_, braced: string | undefined, plain: string | undefined) => {
    return args.get(braced ?? plain ?? "") ?? "";
  });
}

function trimQuotes(text: string): string {
  return text.replaceAll(/^['"]+|['"]+$/g, "");
}
