import type { Escape } from "./dockerfile-expand.ts";
import { isSpace, trimSpace } from "./go-space.ts";

/** One instruction, split but not interpreted. */
export interface SplitInstruction {
  /** Upper case. */
  readonly keyword: string;
  /** `--name=value` words before the arguments, their quotes removed. */
  readonly flags: readonly string[];
  readonly args: string;
}

/** BuildKit's parser/split_command.go. */
export function splitInstruction(text: string, escapeToken: Escape): SplitInstruction {
  const trimmed = trimSpace(text);
  const blank = trimmed.search(/[\t\v\f\r ]/);
  if (blank < 0) return { keyword: trimmed.toUpperCase(), flags: [], args: "" };
  const { flags, rest } = splitFlags(trimmed.slice(blank), escapeToken);
  return { keyword: trimmed.slice(0, blank).toUpperCase(), flags, args: trimSpace(rest) };
}

/** Flags end at the first word that does not start with two dashes, or at a word of just two dashes. */
function splitFlags(text: string, escapeToken: Escape): { readonly flags: readonly string[]; readonly rest: string } {
  const flags: string[] = [];
  let at = 0;
  for (;;) {
    while (at < text.length && isSpace(text[at]!)) at++;
    if (!text.startsWith("--", at)) return { flags, rest: text.slice(at) };
    const word = readWord(text, at, escapeToken, false);
    at = word.end;
    if (word.text === "--") return { flags, rest: text.slice(at) };
    flags.push(word.text);
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
