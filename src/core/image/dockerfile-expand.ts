import { parseShellPattern, type ShellPattern, withMatches, withoutPrefix, withoutSuffix } from "./shell-pattern.ts";
import { WordBuffer } from "./word-buffer.ts";

/**
 * Quotes, escapes and variables as BuildKit's own shell lexer reads them; it is neither sh nor bash.
 * https://github.com/moby/buildkit/blob/master/frontend/dockerfile/shell/lex.go
 */

export type Escape = "\\" | "`";

/** How much a file may still expand: variables can multiply each other, so work is bounded by this and not by the input alone. */
export interface ExpansionAllowance {
  steps: number;
}

export interface Expansion {
  readonly escapeToken: Escape;
  readonly variables: ReadonlyMap<string, string>;
  readonly allowance: ExpansionAllowance;
}

/** A sentence about what is wrong with the text; whoever knows the line turns it into a refusal. */
export class ExpansionError extends Error {}

/** One word: quotes removed, variables replaced, unknown ones by nothing. Throws ExpansionError. */
export function expandWord(text: string, expansion: Expansion): string {
  return new Lexer(text, { ...expansion, raw: false, keepUnset: false }).until(undefined, false);
}

/** Splits at blanks and removes quotes; variables stay as written. Throws ExpansionError. */
export function unquotedWords(text: string): readonly string[] {
  return splitWords(text, false);
}

/** Splits at blanks; quotes, escapes and variables stay as written. Throws ExpansionError. */
export function rawWords(text: string): readonly string[] {
  return splitWords(text, true);
}

function splitWords(text: string, raw: boolean): readonly string[] {
  const words = new WordBuffer();
  const allowance = { steps: text.length * 64 + 1024 };
  new Lexer(text, { escapeToken: "\\", variables: new Map(), allowance, raw, keepUnset: true }, words).until(
    undefined,
    raw,
    words,
  );
  return words.finish();
}

interface Mode extends Expansion {
  readonly raw: boolean;
  readonly keepUnset: boolean;
}

/** Deeper than anyone writes, shallow enough for every stack. */
const maxDepth = 32;

class Lexer {
  private at = 0;
  private depth = 0;
  private readonly text: string;
  private readonly mode: Mode;
  private readonly words: WordBuffer | undefined;

  constructor(text: string, mode: Mode, words?: WordBuffer) {
    this.text = text;
    this.mode = mode;
    this.words = words;
  }

  /** Reads up to and including `stop`, or to the end. */
  until(stop: string | undefined, rawEscapes: boolean, words?: WordBuffer): string {
    let result = "";
    while (this.at < this.text.length) {
      const character = this.text[this.at]!;
      if (character === stop) {
        this.at++;
        return result;
      }
      const piece = this.piece(character, rawEscapes);
      this.spend(piece.text.length + 1);
      result += piece.text;
      words?.add(piece.text, piece.splits);
    }
    if (stop !== undefined) throw new ExpansionError(`missing ${stop} after "\${"`);
    return result;
  }

  private piece(character: string, rawEscapes: boolean): { readonly text: string; readonly splits: boolean } {
    if (character === "$") return { text: this.dollar(), splits: true };
    if (character === "'") return { text: this.singleQuoted(), splits: false };
    if (character === '"') return { text: this.doubleQuoted(rawEscapes), splits: false };
    if (character === "<") return { text: this.heredocOpening(), splits: false };
    this.at++;
    if (character !== this.mode.escapeToken) return { text: character, splits: true };
    const escaped = this.text[this.at++] ?? "";
    return { text: (rawEscapes ? character : "") + escaped, splits: false };
  }

  private singleQuoted(): string {
    const close = this.text.indexOf("'", this.at + 1);
    if (close < 0) throw new ExpansionError("a single quote is not closed");
    const quoted = this.text.slice(this.at, close + 1);
    this.at = close + 1;
    return this.mode.raw ? quoted : quoted.slice(1, -1);
  }

  private doubleQuoted(rawEscapes: boolean): string {
    const quote = this.mode.raw ? '"' : "";
    let result = quote;
    this.at++;
    while (this.at < this.text.length) {
      const character = this.text[this.at]!;
      if (character === "$") {
        result += this.dollar();
        continue;
      }
      this.at++;
      if (character === '"') return result + quote;
      if (character === this.mode.escapeToken) result += this.escapedInQuotes(rawEscapes);
      else result += character;
    }
    throw new ExpansionError("a double quote is not closed");
  }

  /** Inside double quotes the escape character counts only before a quote, a dollar or itself. */
  private escapedInQuotes(rawEscapes: boolean): string {
    const { escapeToken } = this.mode;
    const next = this.text[this.at];
    if (next === undefined) return rawEscapes ? escapeToken : "";
    if (next !== '"' && next !== "$" && next !== escapeToken)
      return rawEscapes ? escapeToken + escapeToken : escapeToken;
    this.at++;
    return rawEscapes ? escapeToken + next : next;
  }

  /** `<<` swallows the blanks after it, so that `<< EOF` is one word. */
  private heredocOpening(): string {
    const start = this.at++;
    if (this.text[this.at] === "<") {
      this.at++;
      while (["\t", "\r", " "].includes(this.text[this.at] ?? "")) this.at++;
    }
    return this.text.slice(start, this.at);
  }

  private dollar(): string {
    this.at++;
    if (this.text[this.at] !== "{") {
      const name = this.name();
      if (name === "") return "$";
      return this.value(name) ?? (this.mode.keepUnset ? `$${name}` : "");
    }
    this.at++;
    if (["{", "}", ":"].includes(this.text[this.at] ?? "")) throw new ExpansionError('bad substitution after "${"');
    const name = this.name();
    const operator = this.text[this.at++];
    if (operator === undefined) throw new ExpansionError('missing } after "${"');
    if (operator === "}") return this.value(name) ?? (this.mode.keepUnset ? `\${${name}}` : "");
    if (++this.depth > maxDepth) throw new ExpansionError(`variables are nested more than ${maxDepth} deep`);
    const result = operator === "/" ? this.replacement(name) : this.substitution(name, operator);
    this.depth--;
    return result;
  }

  /** `${name:-word}` and its like. */
  private substitution(name: string, first: string): string {
    const emptyIsUnset = first === ":";
    const operator = emptyIsUnset ? (this.text[this.at++] ?? "") : first;
    const written = emptyIsUnset ? `:${operator}` : operator;
    const isPattern = operator === "#" || operator === "%";
    if (emptyIsUnset ? isPattern : !"+-?#%".includes(operator)) throw unsupported(written);
    const word = this.nested("}", isPattern);
    const value = this.value(name);
    if (value === undefined && this.mode.keepUnset) return `\${${name}${written}${word}}`;
    const isSet = value !== undefined && !(emptyIsUnset && value === "");
    switch (operator) {
      case "-":
        return isSet ? value : word;
      case "+":
        return isSet ? word : "";
      case "?":
        if (isSet) return value;
        throw new ExpansionError(
          `${name}: ${word || `is not allowed to be ${value === undefined ? "unset" : "empty"}`}`,
        );
      case "#":
      case "%":
        return this.trimmed(operator, word, value ?? "");
      default:
        throw unsupported(written);
    }
  }

  private trimmed(operator: "#" | "%", word: string, value: string): string {
    const longest = word.startsWith(operator);
    const pattern = this.pattern(longest ? word.slice(1) : word, value);
    return operator === "#" ? withoutPrefix(pattern, value, longest) : withoutSuffix(pattern, value, longest);
  }

  /** `${name/pattern/text}` replaces the first match, `${name//pattern/text}` every one. */
  private replacement(name: string): string {
    const all = this.text[this.at] === "/";
    if (all) this.at++;
    const written = this.nested("/", true);
    const text = this.nested("}", true);
    const value = this.value(name);
    if (value === undefined && this.mode.keepUnset) return `\${${name}/${written}/${text}}`;
    const cost = (written.length + 1) * ((value ?? "").length + 1) + text.length;
    const pattern = this.pattern(written, value ?? "");
    return withMatches(pattern, value ?? "", { text, all }, () => this.spend(cost));
  }

  private pattern(text: string, value: string): ShellPattern {
    this.spend((text.length + 1) * (value.length + 1));
    const pattern = parseShellPattern(text);
    if (pattern === undefined) throw new ExpansionError(`invalid escape in the pattern ${text}`);
    return pattern;
  }

  /** BuildKit keeps one buffer for the word being split and loses what is in it here; heredocs are found by the same rule. */
  private nested(stop: string, rawEscapes: boolean): string {
    this.words?.forgetWord();
    return this.until(stop, rawEscapes);
  }

  /** Letters, digits and underscores; or digits alone; or one of the shell's special parameters. */
  private name(): string {
    const digits = this.run(/\p{Nd}/u);
    if (digits !== "") return digits;
    if ("@*#?-$!".includes(this.text[this.at] ?? " ")) return this.text[this.at++]!;
    return this.run(/[\p{L}\p{Nd}_]/u);
  }

  private run(shape: RegExp): string {
    const start = this.at;
    while (this.at < this.text.length) {
      const character = String.fromCodePoint(this.text.codePointAt(this.at)!);
      if (!shape.test(character)) break;
      this.at += character.length;
    }
    return this.text.slice(start, this.at);
  }

  private value(name: string): string | undefined {
    return this.mode.variables.get(name);
  }

  private spend(steps: number): void {
    this.mode.allowance.steps -= steps;
    if (this.mode.allowance.steps < 0)
      throw new ExpansionError("the variables of this file expand to far more than the file itself");
  }
}

function unsupported(operator: string): ExpansionError {
  return new ExpansionError(`unsupported modifier (${operator}) in substitution`);
}
