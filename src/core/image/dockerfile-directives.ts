import { trimSpace, trimSpaceStart } from "./go-space.ts";

/** Parser directives: https://docs.docker.com/reference/dockerfile/#parser-directives */
const names: ReadonlySet<string> = new Set(["syntax", "escape", "check"]);

export interface Directive {
  readonly name: string;
  readonly value: string;
}

/** `# name=value` (or another prefix), with a name that is known; undefined ends the directives. */
export function parseDirective(line: string, prefix: string): Directive | undefined {
  if (!line.startsWith(prefix)) return undefined;
  const text = trimSpaceStart(line.slice(prefix.length));
  const equals = text.indexOf("=");
  const name = trimSpace(text.slice(0, Math.max(equals, 0))).toLowerCase();
  const value = trimSpace(text.slice(equals + 1));
  return names.has(name) && value !== "" ? { name, value } : undefined;
}

export interface Syntax {
  /** The frontend image, as written. */
  readonly image: string;
  /** 1-based. */
  readonly line: number;
}

/**
 * The image that will read this file, looked for as BuildKit does before it parses anything: `# syntax=`, `// syntax=` or
 * JSON; a byte order mark and a `#!` line are skipped; the value ends at its first blank.
 */
export function detectSyntax(text: string): Syntax | undefined {
  const whole = withoutByteOrderMark(text);
  const shebangEnd = whole.startsWith("#!") ? endOfLine(whole, 0) : 0;
  const body = whole.slice(shebangEnd);
  const firstLine = shebangEnd > 0 ? 2 : 1;
  return syntaxAfter("#", body, firstLine) ?? syntaxAfter("//", body, firstLine) ?? syntaxInJson(body, firstLine);
}

export function withoutByteOrderMark(text: string): string {
  return text.startsWith("\uFEFF") ? text.slice(1) : text;
}

function syntaxAfter(prefix: string, body: string, firstLine: number): Syntax | undefined {
  for (let at = 0, line = firstLine; at < body.length; line++) {
    const end = endOfLine(body, at);
    const directive = parseDirective(body.slice(at, end), prefix);
    if (directive === undefined) return undefined;
    if (directive.name === "syntax") return { image: firstWord(directive.value), line };
    at = end;
  }
  return undefined;
}

function syntaxInJson(body: string, line: number): Syntax | undefined {
  if (!trimSpaceStart(body).startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, "syntax")) return undefined;
    const { syntax } = value as { readonly syntax: unknown };
    return typeof syntax === "string" ? { image: syntax, line } : undefined;
  } catch {
    return undefined;
  }
}

export function firstWord(text: string): string {
  const blank = text.indexOf(" ");
  return blank < 0 ? text : text.slice(0, blank);
}

function endOfLine(text: string, from: number): number {
  const newline = text.indexOf("\n", from);
  return newline < 0 ? text.length : newline + 1;
}
