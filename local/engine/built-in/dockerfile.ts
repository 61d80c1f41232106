import { DockerfileParser, type Instruction as ParsedInstruction } from "dockerfile-ast";
import { EngineError } from "../engine.ts";
import { type Heredoc, heredocsOf } from "./heredocs.ts";

export interface Instruction {
  /** Upper case. */
  readonly keyword: string;
  readonly flags: readonly { readonly name: string; readonly value: string }[];
  /** What follows the flags, with continued lines joined and comments between them gone; heredoc bodies not included. */
  readonly text: string;
  /** The arguments when they are a JSON list of strings (the exec form). */
  readonly json: readonly string[] | undefined;
  readonly heredocs: readonly Heredoc[];
  /** On one line, for the log and the image's history. */
  readonly display: string;
  /** Counted from 1. */
  readonly line: number;
}

export interface Stage {
  /** Lower case, as Docker compares names. */
  readonly name: string | undefined;
  /** As written: may hold variables. */
  readonly image: string;
  readonly platform: string | undefined;
  readonly instructions: readonly Instruction[];
  readonly line: number;
}

export interface Dockerfile {
  readonly escapeChar: string;
  /** ARGs before the first FROM. */
  readonly globalArgs: readonly Instruction[];
  readonly stages: readonly Stage[];
}

/** dockerfile-ast is slower than linear; nobody writes more by hand. */
const largest = 256 * 1024;

/**
 * Reads a Dockerfile. The package finds instructions, flags and heredocs; words, JSON and stages are read here, because
 * it gets some of them wrong (facts: events-and-github.md §6.2).
 */
export function parseDockerfile(text: string): Dockerfile {
  if (text.length > largest) throw new EngineError(`the Dockerfile has more than ${largest / 1024} KiB`);
  const lines = text.replace(/^\uFEFF/, "").replaceAll("\r\n", "\n");
  const parsed = DockerfileParser.parse(lines);
  const escapeChar = parsed.getEscapeCharacter();
  const instructions = parsed.getInstructions().map((found) => readInstruction(found, lines.split("\n"), escapeChar));
  const firstFrom = instructions.findIndex(({ keyword }) => keyword === "FROM");
  if (firstFrom < 0) throw new EngineError("the Dockerfile has no FROM");
  const globalArgs = instructions.slice(0, firstFrom);
  for (const { keyword, line } of globalArgs) {
    if (keyword !== "ARG") throw new EngineError(`line ${line}: ${keyword} before the first FROM`);
  }
  return { escapeChar, globalArgs, stages: splitStages(instructions.slice(firstFrom)) };
}

/** Instructions without a FROM, as ONBUILD keeps them in an image. */
export function parseTriggers(triggers: readonly string[]): Instruction[] {
  const text = triggers.join("\n");
  const found = DockerfileParser.parse(text).getInstructions();
  return found.map((instruction) => readInstruction(instruction, text.split("\n"), "\\"));
}

function readInstruction(found: ParsedInstruction, lines: readonly string[], escapeChar: string): Instruction {
  const keyword = found.getKeyword().toUpperCase();
  const line = found.getRange().start.line + 1;
  const heredocs = heredocsOf(found, lines, line);
  const raw = found.getRawArgumentsContent() ?? "";
  const bodyLines = heredocs.reduce((sum, { source }) => sum + source.split("\n").length, 0);
  const rawLines = raw.split("\n");
  const text = joinLines(rawLines.slice(0, rawLines.length - bodyLines).join("\n"), escapeChar);
  const flags = flagsOf(found);
  const display = [keyword, ...flags.map(({ name, value }) => `--${name}=${value}`), text].join(" ");
  return { keyword, flags, text, json: jsonList(text), heredocs, display, line };
}

function flagsOf(found: ParsedInstruction): Instruction["flags"] {
  const flags =
    "getFlags" in found ? (found.getFlags as () => { getName(): string; getValue(): string | null }[])() : [];
  return flags.map((flag) => ({ name: flag.getName().toLowerCase(), value: flag.getValue() ?? "" }));
}

/** Drops escapeChar characters at line ends, and comments and empty lines in between. */
function joinLines(raw: string, escapeChar: string): string {
  const [first = "", ...rest] = raw.split("\n");
  const kept = [first, ...rest.filter((line) => line.trim() !== "" && !line.trimStart().startsWith("#"))];
  return kept
    .map((line) => continued(line, escapeChar))
    .join("")
    .trim();
}

function continued(line: string, escapeChar: string): string {
  const trimmed = line.trimEnd();
  return trimmed.endsWith(escapeChar) ? trimmed.slice(0, -1) : line;
}

/** Docker takes the exec form only when it is valid JSON, and the shell form otherwise. */
function jsonList(text: string): string[] | undefined {
  if (!text.startsWith("[")) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((item) => typeof item === "string") ? value : undefined;
  } catch {
    return undefined;
  }
}

function splitStages(instructions: readonly Instruction[]): Stage[] {
  const stages: (Stage & { instructions: Instruction[] })[] = [];
  for (const instruction of instructions) {
    if (instruction.keyword === "FROM") stages.push({ ...readFrom(instruction), instructions: [] });
    else stages.at(-1)!.instructions.push(instruction);
  }
  return stages;
}

function readFrom({ text, flags, line }: Instruction): Omit<Stage, "instructions"> {
  const words = text.split(/\s+/);
  const [image = "", as, name] = words;
  const valid = image !== "" && (words.length === 1 || (words.length === 3 && as?.toLowerCase() === "as"));
  if (!valid) throw new EngineError(`line ${line}: FROM takes an image, and optionally AS and a name`);
  if (name !== undefined && !/^[a-z][a-z0-9-_.]*$/i.test(name)) {
    throw new EngineError(`line ${line}: ${JSON.stringify(name)} is not a stage name`);
  }
  const platform = flags.find((flag) => flag.name === "platform")?.value;
  return { name: name?.toLowerCase(), image, platform, line };
}
