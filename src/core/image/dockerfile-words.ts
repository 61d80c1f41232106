import type { Escape } from "./dockerfile-expand.ts";
import { isSpace, trimSpace, trimSpaceStart } from "./go-space.ts";

/** One instruction, split but not interpreted. */
export interface SplitInstruction {
  /** Upper case. */
  readonly keyword: string;
  /** `--name=value` words before the arguments, their quotes removed. */
  readonly flags: readonly string[];
  /** Where each flag stands in the text that was split, quotes and escapes included. */
  readonly flagSpans: readonly Span[];
  readonly args: string;
  /** Where the arguments begin in that text. */
  readonly argsAt: number;
}

/** Offsets, the end not included. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** BuildKit's parser/split_command.go. Offsets count from `at`, for a text that is itself the end of another. */
export function splitInstruction(text: string, escapeToken: Escape, at = 0): SplitInstruction {
  const start = text.length - trimSpaceStart(text).length;
  const trimmed = trimSpace(text);
  const blank = trimmed.search(/[\t\v\f\r ]/);
  if (blank < 0)
    return { keyword: trimmed.toUpperCase(), flags: [], flagSpans: [], args: "", argsAt: at + start + trimmed.length };
  const { flags, spans, end } = splitFlags(trimmed, blank, escapeToken);
  const rest = trimSpaceStart(trimmed.slice(end));
  return {
    keyword: trimmed.slice(0, blank).toUpperCase(),
    flags,
    flagSpans: spans.map((span) => ({ start: at + start + span.start, end: at + start + span.end })),
    args: rest,
    argsAt: at + start + trimmed.length - rest.length,
  };
}

/** Flags end at the first word that does not start with two dashes, or at a word of just two dashes. */
function splitFlags(
  text: string,
  from: number,
  escapeToken: Escape,
): { readonly flags: readonly string[]; readonly spans: readonly Span[]; readonly end: number } {
  const flags: string[] = [];
  const spans: Span[] = [];
  let at = from;
  for (;;) {
    while (at < text.length && isSpace(text[at]!)) at++;
    if (!text.startsWith("--", at)) return { flags, spans, end: at };
    const word = readWord(text, at, escapeToken, false);
    if (word.text === "--") return { flags, spans, end: word.end };
    flags.push(word.text);
    spans.push({ start: at, end: word.end });
    at = word.end;
  }
}

/** Words with their quotes and escapes left in, for ARG: BuildKit's parser/line_parsers.go. */
export function quotedWords(text: string, escapeToken: Escape): readonly string[] {
  const words: string[] = [];
  let at = 0;
  for (;;) {
    while (at < text.length && isSpace(text[at]!)) at++;
    if (at >= text.length) return words;
    const word = readWord(text, at, escapeToken, true);
    at = word.end;
    if (word.text !== "") words.push(word.text);
  }
}

/** Up to the first blank outside quotes. With `keep`, quotes and escapes stay, and an escape means nothing in single quotes. */
function readWord(
  text: string,
  from: number,
  escapeToken: Escape,
  keep: boolean,
): { readonly text: string; readonly end: number } {
  let word = "";
  let quote = "";
  let at = from;
  for (; at < text.length; at++) {
    const character = text[at]!;
    if (quote === "" && isSpace(character)) break;
    if (character === escapeToken && !(keep && quote === "'")) {
      const escaped = text[++at];
      if (escaped !== undefined) word += keep ? character + escaped : escaped;
    } else if (character === quote || (quote === "" && (character === '"' || character === "'"))) {
      quote = quote === "" ? character : "";
      if (keep) word += character;
    } else word += character;
  }
  return { text: word, end: Math.min(at, text.length) };
}

/** Words between blanks, no quoting: how FROM is split. */
export function plainWords(text: string): readonly string[] {
  return text.split(/[\t\v\f\r ]+/).filter((word) => word !== "");
}

/** One line of comma-separated fields, quoted ones with `""` for a quote; undefined when a quote is out of place. RFC 4180 */
export function csvFields(text: string): readonly string[] | undefined {
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    if (text[at] === '"') {
      const quoted = quotedField(text, at);
      if (quoted === undefined) return undefined;
      fields.push(quoted.text);
      at = quoted.end;
    } else {
      const comma = text.indexOf(",", at);
      const field = text.slice(at, comma < 0 ? undefined : comma);
      if (field.includes('"')) return undefined;
      fields.push(field);
      at = comma < 0 ? text.length : comma;
    }
    if (at >= text.length) return fields;
    at++;
  }
}

function quotedField(text: string, open: number): { readonly text: string; readonly end: number } | undefined {
  let field = "";
  for (let at = open + 1; ; ) {
    const quote = text.indexOf('"', at);
    if (quote < 0) return undefined;
    field += text.slice(at, quote);
    const next = text[quote + 1];
    if (next === undefined || next === ",") return { text: field, end: quote + 1 };
    if (next !== '"') return undefined;
    field += '"';
    at = quote + 2;
  }
}
