import { type RouteConstraint, routeConstraint } from "./route-constraint.ts";

interface Parameter {
  readonly name: string;
  readonly optional: boolean;
  readonly catchAll: boolean;
  readonly fallback: string | undefined;
  readonly constraints: readonly RouteConstraint[];
}

type Part = string | Parameter;

interface Segment {
  readonly parts: readonly Part[];
  /** Matches one whole path segment, a group for each parameter. */
  readonly pattern: RegExp;
}

/** A parsed route: `{id}`, `{id?}`, `{id=def}`, `{*rest}`, `{id:int}`, `v{major}.{minor}`; literals ignore case. */
export interface RouteTemplate {
  readonly segments: readonly Segment[];
}

export type RouteValues = Readonly<Record<string, string>>;

/**
 * Parses an ASP.NET Core classic route template (https://learn.microsoft.com/aspnet/core/fundamentals/routing#route-templates).
 * Throws on what the real host refuses: a repeated name, a catch-all or optional parameter not at the end.
 */
export function parseRouteTemplate(template: string): RouteTemplate {
  const segments = splitSegments(template).map(parseSegment);
  const parameters = segments.flatMap((segment) => segment.parts.filter((part) => typeof part !== "string"));
  const names = parameters.map((parameter) => parameter.name.toLowerCase());
  const repeated = names.find((name, at) => names.indexOf(name) !== at);
  if (repeated) throw new Error(`route ${template}: parameter ${repeated} appears twice`);
  segments.slice(0, -1).forEach((segment) => {
    if (segment.parts.some((part) => typeof part !== "string" && part.catchAll)) {
      throw new Error(`route ${template}: a catch-all parameter must be the last segment`);
    }
  });
  return { segments };
}

/**
 * The route values when `path` (no leading slash) matches, else undefined. Values are percent-decoded except `%2F`, which
 * ASP.NET Core leaves as it is; parameters without a value are absent.
 */
export function matchRoute(template: RouteTemplate, path: string): RouteValues | undefined {
  const trimmed = path.endsWith("/") ? path.slice(0, -1) : path;
  const given = trimmed === "" ? [] : trimmed.split("/");
  if (given.includes("")) return undefined;
  const values: Record<string, string> = {};
  for (const [at, segment] of template.segments.entries()) {
    const first = segment.parts[0];
    const only = segment.parts.length === 1 && typeof first === "object" ? first : undefined;
    const text = only?.catchAll ? given.slice(at).join("/") : given[at];
    if (text === undefined || text === "") {
      if (!only || !mayBeAbsent(only)) return undefined;
      if (only.fallback !== undefined) values[only.name] = only.fallback;
      continue;
    }
    const decoded = decodePath(text);
    if (decoded === undefined || !assign(segment, decoded, values)) return undefined;
    if (only?.catchAll) return values;
  }
  return given.length <= template.segments.length ? values : undefined;
}

function mayBeAbsent(parameter: Parameter): boolean {
  return parameter.optional || parameter.catchAll || parameter.fallback !== undefined;
}

function assign(segment: Segment, text: string, values: Record<string, string>): boolean {
  const match = segment.pattern.exec(text);
  if (!match) return false;
  const parameters = segment.parts.filter((part) => typeof part !== "string");
  return parameters.every((parameter, at) => {
    const value = match[at + 1] ?? "";
    values[parameter.name] = value;
    return parameter.constraints.every((accepts) => accepts(value));
  });
}

function decodePath(text: string): string | undefined {
  try {
    return text
      .split(/(%2f)/i)
      .map((piece) => (/^%2f$/i.test(piece) ? piece : decodeURIComponent(piece)))
      .join("");
  } catch {
    return undefined;
  }
}

/** Splits at `/` outside braces: a regex constraint may contain one. */
function splitSegments(template: string): string[] {
  if (template === "") return [];
  const segments = [""];
  let depth = 0;
  for (const character of template) {
    if (character === "{") depth += 1;
    if (character === "}") depth -= 1;
    if (character === "/" && depth === 0) segments.push("");
    else segments[segments.length - 1] += character;
  }
  if (depth !== 0) throw new Error(`route ${template}: unbalanced braces`);
  if (segments.includes("")) throw new Error(`route ${template}: empty segment`);
  return segments;
}

function parseSegment(text: string): Segment {
  const parts: Part[] = [];
  for (let at = 0; at < text.length; ) {
    if (text[at] === "{") {
      const end = closingBrace(text, at);
      parts.push(parseParameter(text.slice(at + 1, end)));
      at = end + 1;
    } else {
      const next = text.indexOf("{", at);
      parts.push(text.slice(at, next < 0 ? undefined : next));
      at = next < 0 ? text.length : next;
    }
  }
  parts.forEach((part, at) => {
    if (typeof part === "string") return;
    if (parts.length > 1 && mayBeAbsent(part)) {
      throw new Error(`route segment ${text}: {${part.name}} beside a literal must have a value`);
    }
    if (at > 0 && typeof parts[at - 1] !== "string")
      throw new Error(`route segment ${text}: two parameters without a literal between`);
  });
  // Greedy groups give the left parameter as much as possible, which is how the real matcher splits from the right.
  const source = parts.map((part) => (typeof part === "string" ? escapeRegExp(part) : "(.+)")).join("");
  return { parts, pattern: new RegExp(`^${source}$`, "is") };
}

function closingBrace(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at += 1) {
    if (text[at] === "{") depth += 1;
    if (text[at] === "}") depth -= 1;
    if (depth === 0) return at;
  }
  throw new Error(`route segment ${text}: unbalanced braces`);
}

function parseParameter(text: string): Parameter {
  const match = /^(\*{0,2})([a-z_][\w-]*)(.*)$/is.exec(text);
  if (!match) throw new Error(`route parameter {${text}} is not valid`);
  const [, stars = "", name = "", tail = ""] = match;
  const { constraints, rest } = splitConstraints(tail);
  const fallback = rest.startsWith("=") ? rest.slice(1) : undefined;
  if (fallback === undefined && rest !== "" && rest !== "?") throw new Error(`route parameter {${text}} is not valid`);
  // `{{` and `}}` in a template stand for one brace, which regular expressions need.
  const unescaped = constraints.map((constraint) => constraint.replaceAll("{{", "{").replaceAll("}}", "}"));
  return {
    name,
    optional: rest === "?",
    catchAll: stars !== "",
    fallback,
    constraints: unescaped.map(routeConstraint),
  };
}

/** `:int:min(1)?` → constraints and what follows them; parentheses may hold anything. */
function splitConstraints(tail: string): { constraints: string[]; rest: string } {
  const constraints: string[] = [];
  let rest = tail;
  while (rest.startsWith(":")) {
    let depth = 0;
    let end = 1;
    for (; end < rest.length; end += 1) {
      const character = rest[end];
      if (character === "(") depth += 1;
      if (character === ")") depth -= 1;
      if (depth === 0 && (character === ":" || character === "=" || character === "?")) break;
    }
    constraints.push(rest.slice(1, end));
    rest = rest.slice(end);
  }
  return { constraints, rest };
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
