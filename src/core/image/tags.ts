import { quote } from "./quote.ts";
import { maxTagLength, minRefTagLength, refTag } from "./ref-tag.ts";
import { isTag } from "./reference.ts";
import { parseTemplate, type TemplatePart } from "./template.ts";

/** What templates of tags and build args in slipway.yaml may name. */
export interface TagVariables {
  /** Absent when the ref is a Git tag. */
  readonly branch?: string;
  /** Absent when the ref is a branch. */
  readonly git_tag?: string;
  /** Short name of the ref, whichever it is. */
  readonly ref_name: string;
  /** 40 hex digits. */
  readonly sha: string;
  /** The first 7 of them. */
  readonly short_sha: string;
  /** Name of the image in its slipway.yaml. */
  readonly image: string;
  readonly run: string;
  /** Login server. */
  readonly registry: string;
}

export const templateVariableNames = [
  "branch",
  "git_tag",
  "ref_name",
  "sha",
  "short_sha",
  "image",
  "run",
  "registry",
] as const satisfies readonly (keyof TagVariables)[];

type VariableName = (typeof templateVariableNames)[number];

/** Whoever may push a branch or Git tag chooses these, so they never appear as they are. */
const chosenOutside: ReadonlySet<string> = new Set<VariableName>(["branch", "git_tag", "ref_name"]);

/** `value: undefined`: the template asks for something this ref does not have (`missing`), so it yields nothing here. */
export type Rendered =
  | { readonly ok: true; readonly value: string }
  | { readonly ok: true; readonly value: undefined; readonly missing: string }
  | { readonly ok: false; readonly message: string };

/** A Git ref name as an image tag: total, deterministic, injective, at most 128 characters. See `refTag` for the rule. */
export function refNameToTag(name: string): string {
  return refTag(name, maxTagLength);
}

/** The variables a template uses, each once, in order; none when its braces do not match. Not all need be known ones. */
export function templateVariables(template: string): readonly string[] {
  const parsed = parseTemplate(template);
  if (!parsed.ok) return [];
  return [...new Set(parsed.parts.flatMap((part) => ("variable" in part ? [part.variable] : [])))];
}

/** Values that may reach ACR's templates and shell: no blank, quote, `$`, backtick or brace (acr-builder runs them through `sh -c`). */
export function isAllowedValue(text: string): boolean {
  return /^[A-Za-z0-9_./:@=+,-]*$/.test(text);
}

/**
 * A tag of one run. Different branches never share one for the same template, whatever their commits, as long as all `run`
 * values have one length: ref names are shortened (never the rest) until the whole fits 128 characters.
 */
export function renderTag(template: string, variables: TagVariables): Rendered {
  const filled = fill(template, variables);
  if (!filled.ok || filled.pieces === undefined) return filled;
  const refs = filled.pieces.filter((piece) => piece.chosenOutside).length;
  const rest = filled.pieces.reduce((sum, piece) => sum + (piece.chosenOutside ? 0 : piece.text.length), 0);
  const room = refs === 0 ? maxTagLength : Math.floor((maxTagLength - rest) / refs);
  if (room < minRefTagLength)
    return {
      ok: false,
      message: `${quote(template)} leaves no room for the name of a ref in ${maxTagLength} characters`,
    };
  const value = filled.pieces.map((piece) => (piece.chosenOutside ? refTag(piece.text, room) : piece.text)).join("");
  if (!isTag(value))
    return { ok: false, message: `${quote(template)} gives ${quote(value)}, which is not a valid tag` };
  return { ok: true, value };
}

/** A build arg of one run: ref names as tags, everything else as it is, and nothing outside the allow-list. */
export function renderValue(template: string, variables: TagVariables): Rendered {
  const filled = fill(template, variables, { adjacent: true });
  if (!filled.ok || filled.pieces === undefined) return filled;
  const value = filled.pieces.map((piece) => (piece.chosenOutside ? refNameToTag(piece.text) : piece.text)).join("");
  if (!isAllowedValue(value))
    return { ok: false, message: `${quote(value)} may hold only A-Z a-z 0-9 and _ . / : @ = + , -` };
  return { ok: true, value };
}

interface Piece {
  readonly text: string;
  readonly chosenOutside: boolean;
}

type Filled =
  | { readonly ok: true; readonly pieces: readonly Piece[]; readonly value?: undefined }
  | { readonly ok: true; readonly pieces: undefined; readonly value: undefined; readonly missing: string }
  | { readonly ok: false; readonly message: string };

function fill(template: string, variables: TagVariables, allow?: { readonly adjacent: true }): Filled {
  const parsed = parseTemplate(template);
  if (!parsed.ok) return parsed;
  if (allow === undefined && hasAmbiguousNeighbours(parsed.parts)) {
    return {
      ok: false,
      message: `${quote(template)} needs a separator between its variables, or two refs could share a tag`,
    };
  }
  const unknown = templateVariables(template).find((name) => !isVariableName(name));
  if (unknown !== undefined) return { ok: false, message: unknownVariable(unknown) };
  const pieces: Piece[] = [];
  for (const part of parsed.parts) {
    if ("literal" in part) pieces.push({ text: part.literal, chosenOutside: false });
    else {
      const text = variables[part.variable as VariableName];
      if (text === undefined) return { ok: true, pieces: undefined, value: undefined, missing: part.variable };
      pieces.push({ text, chosenOutside: chosenOutside.has(part.variable) });
    }
  }
  return { ok: true, pieces };
}

/** `{{branch}}{{run}}`: branch a1 in run 2 would be branch a in run 12. */
function hasAmbiguousNeighbours(parts: readonly TemplatePart[]): boolean {
  return parts.some((part, i) => {
    const next = parts[i + 1];
    if (next === undefined || !("variable" in part) || !("variable" in next)) return false;
    return chosenOutside.has(part.variable) || chosenOutside.has(next.variable);
  });
}

function isVariableName(name: string): boolean {
  return templateVariableNames.some((known) => known === name);
}

function unknownVariable(name: string): string {
  return `{{${name}}} is not a variable; there are ${templateVariableNames.join(", ")}`;
}
