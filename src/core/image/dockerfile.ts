import { buildKitNeeds } from "./dockerfile-buildkit.ts";
import { detectSyntax, firstWord, type Syntax } from "./dockerfile-directives.ts";
import type { Expansion, ExpansionAllowance } from "./dockerfile-expand.ts";
import { type ImageUse, imageUses, type ResolvedStage, resolveBases, targetIndex } from "./dockerfile-graph.ts";
import { type DockerfileLines, readLines } from "./dockerfile-lines.ts";
import { DockerfileRefusal } from "./dockerfile-refusal.ts";
import { readStages, type Stage, type Stages } from "./dockerfile-stages.ts";
import { expandAt, globalVariables, namesUsed } from "./dockerfile-variables.ts";
import { acrWarnings, type DockerfileWarning } from "./dockerfile-warnings.ts";
import { quote } from "./quote.ts";
import { formatReference, isPinned, parseReference, type Reference, tagBesideDigest } from "./reference.ts";

/** An image that building this Dockerfile reads, so that a change of it makes the result stale. */
export interface Dependency {
  readonly reference: Reference;
  /** As written, variables replaced. */
  readonly text: string;
  /** 1-based line of the instruction that names it first. */
  readonly line: number;
  /** `runtime`: what the target stands on. `frontend`: reads the Dockerfile. `buildtime`: every other. */
  readonly class: "runtime" | "buildtime" | "frontend";
  readonly pinned: boolean;
  /** The tag written beside a digest: information, the digest decides. */
  readonly tag?: Reference;
  readonly instruction: "FROM" | "COPY" | "RUN" | "syntax";
}

export interface DockerfileFacts {
  /** Each reference once, in the strongest class it has (runtime, then buildtime, then frontend); only what the target needs. */
  readonly dependencies: readonly Dependency[];
  /** What ACR's own builder or dependency scanner would refuse or misread, by line; the first 100. */
  readonly warnings: readonly DockerfileWarning[];
}

export type DockerfileResult =
  | { readonly ok: true; readonly facts: DockerfileFacts }
  | { readonly ok: false; readonly line: number; readonly message: string; readonly fix: string };

export interface DockerfileOptions {
  readonly buildArgs: Readonly<Record<string, string>>;
  /** Stage to build; the last one when absent or empty. */
  readonly target?: string;
  /** `os/arch[/variant]`, for TARGETARCH and its like; linux/amd64 when absent. */
  readonly platform?: string;
}

/** In UTF-16 units. Real Dockerfiles are a thousand times smaller. */
const maxLength = 1024 * 1024;

const maxWarnings = 100;

export const defaultPlatform = "linux/amd64";

/**
 * Which images a Dockerfile depends on, by BuildKit's rules (facts: events-and-github.md §6.1; source: moby/buildkit
 * frontend/dockerfile). Total, deterministic, and linear in the length of the text and the build args.
 */
export function readDockerfile(text: string, options: DockerfileOptions): DockerfileResult {
  try {
    return { ok: true, facts: readFacts(text, options) };
  } catch (error) {
    if (!(error instanceof DockerfileRefusal)) throw error;
    return { ok: false, line: error.line, message: error.message, fix: error.fix };
  }
}

function readFacts(text: string, options: DockerfileOptions): DockerfileFacts {
  const { syntax, lines, parsed, uses } = readBuild(text, options);
  const warnings = [
    ...acrWarnings(lines, parsed.globals, parsed.stages, options.buildArgs),
    ...buildKitNeeds(lines, parsed.stages, syntax?.line),
  ];
  if (parsed.stages.length === 0) {
    warnings.push({
      line: 1,
      message: "there is no FROM: what the frontend reads stays unknown, and ACR's scanner fails the run",
    });
  }
  // Parsed before it is dropped: BuildKit refuses a bad name in a stage it does not build, too.
  const used = uses.flatMap((use) => {
    const reference = referenceAt(use.line, use.image);
    return use.reachable
      ? [dependency(reference, use.image, use.line, use.isOrigin ? "runtime" : "buildtime", use.instruction)]
      : [];
  });
  return {
    dependencies: distinct([...used, ...frontend(syntax)]),
    warnings: warnings.sort((a, b) => a.line - b.line).slice(0, maxWarnings),
  };
}

/** A Dockerfile taken apart, before its names are read as references. */
export interface ReadBuild {
  readonly syntax: Syntax | undefined;
  readonly lines: DockerfileLines;
  readonly parsed: Stages;
  /** Empty when the file has no stages. */
  readonly resolved: readonly ResolvedStage[];
  readonly uses: readonly ImageUse[];
  /** What FROM may expand with. */
  readonly expansion: Expansion | undefined;
}

/** For the rest of this room: throws DockerfileRefusal. */
export function readBuild(text: string, options: DockerfileOptions): ReadBuild {
  if (text.length > maxLength) {
    throw new DockerfileRefusal(
      1,
      `the Dockerfile has ${text.length} characters; ${maxLength} are read at most`,
      "keep data in files and COPY them",
    );
  }
  const { buildArgs, platform = defaultPlatform } = options;
  const syntax = syntaxOf(text, buildArgs);
  const lines = readLines(text);
  const parsed = readStages(lines);
  const { stages, globals } = parsed;
  if (stages.length === 0) {
    if (syntax === undefined)
      throw new DockerfileRefusal(1, "there is no FROM in this file", "start with FROM and a base image");
    return { syntax, lines, parsed, resolved: [], uses: [], expansion: undefined };
  }
  const target = targetIndex(stages, options.target);
  const targetStage = options.target || stages.at(-1)?.name?.toLowerCase() || "default";
  const allowance = allowanceFor(text, buildArgs);
  const { escapeToken } = lines;
  const variables = globalVariables({ globals, buildArgs, targetStage, platform, escapeToken, allowance });
  const expansion = { escapeToken, variables, allowance };
  const resolved = resolveBases(stages, (stage) => expandedBase(stage, expansion));
  return { syntax, lines, parsed, resolved, uses: imageUses(resolved, target, escapeToken), expansion };
}

/** The build arg wins over the file. It is given on no line, so it counts as the first. */
function syntaxOf(text: string, buildArgs: Readonly<Record<string, string>>): Syntax | undefined {
  if (!Object.hasOwn(buildArgs, "BUILDKIT_SYNTAX")) return detectSyntax(text);
  return { image: firstWord(buildArgs.BUILDKIT_SYNTAX!.trim()), line: 1 };
}

/** A hundred times what ordinary files need, and still proportional to what was given. */
function allowanceFor(text: string, buildArgs: Readonly<Record<string, string>>): ExpansionAllowance {
  const given = Object.values(buildArgs).reduce((sum, value) => sum + value.length, text.length);
  return { steps: 64 * given + 65_536 };
}

function expandedBase(stage: Stage, expansion: Expansion): string {
  const { line, base, platform } = stage;
  const expanded = expandAt(line, base, expansion);
  const missing = namesUsed(base).find((name) => !expansion.variables.has(name));
  if (missing !== undefined && !parseReference(expanded).ok) {
    throw new DockerfileRefusal(
      line,
      `FROM ${quote(base)} uses ${missing}, which has no value here`,
      `write ARG ${missing}=… above the first FROM, or give a build arg for an ARG there`,
    );
  }
  if (expanded === "")
    throw new DockerfileRefusal(line, `FROM ${quote(base)} is empty once its variables are replaced`, "name an image");
  if (platform !== undefined && expandAt(line, platform, expansion) === "") {
    throw new DockerfileRefusal(
      line,
      `--platform=${quote(platform)} is empty once its variables are replaced`,
      "name a platform such as linux/amd64",
    );
  }
  return expanded;
}

function frontend(syntax: Syntax | undefined): readonly Dependency[] {
  if (syntax === undefined) return [];
  return [dependency(referenceAt(syntax.line, syntax.image), syntax.image, syntax.line, "frontend", "syntax")];
}

export function referenceAt(line: number, text: string): Reference {
  const parsed = parseReference(text);
  if (parsed.ok) return parsed.reference;
  throw new DockerfileRefusal(line, parsed.message, "write [registry/]repository[:tag][@digest]");
}

function dependency(
  reference: Reference,
  text: string,
  line: number,
  kind: Dependency["class"],
  instruction: Dependency["instruction"],
): Dependency {
  const tag = tagBesideDigest(text);
  return { reference, text, line, class: kind, pinned: isPinned(reference), ...(tag && { tag }), instruction };
}

const strength: Readonly<Record<Dependency["class"], number>> = { runtime: 2, buildtime: 1, frontend: 0 };

/** In the order of the file. */
function distinct(all: readonly Dependency[]): readonly Dependency[] {
  const byReference = new Map<string, Dependency>();
  for (const each of all.toSorted((a, b) => a.line - b.line)) {
    const key = formatReference(each.reference);
    const known = byReference.get(key);
    const tag = known?.tag ?? each.tag;
    const stronger = known === undefined || strength[each.class] > strength[known.class] ? each : known;
    byReference.set(key, { ...stronger, ...(tag && { tag }) });
  }
  return [...byReference.values()].sort((a, b) => a.line - b.line);
}
