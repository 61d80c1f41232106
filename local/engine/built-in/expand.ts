import { Effort } from "../context/effort.ts";
import { EngineError } from "../engine.ts";
import { ShellPattern } from "./shell-pattern.ts";

/** The value of a variable, or undefined when it is not set. */
type Lookup = (name: string) => string | undefined;

/** Deeper than anybody writes `${…}` in `${…}`. */
const deepest = 100;
/** Enough of a word to know it by. */
const shownCharacters = 200;

/** What a build may spend on the variables of its Dockerfile, in all. */
export function effortOfVariables(): Effort {
  return new Effort("replacing the variables of this Dockerfile");
}

/**
 * Expands one word as Docker does: quotes and escapes are taken away, `$V`, `${V}`, `${V:-w}`, `${V-w}`, `${V:+w}`,
 * `${V+w}`, `${V:?m}`, `${V?m}`, `${V#p}`, `${V##p}`, `${V%p}`, `${V%%p}`, `${V/p/w}` and `${V//p/w}` replaced (p and w may
 * nest; p is a pattern with `*` and `?`), nothing inside single quotes.
 * https://docs.docker.com/reference/dockerfile/#environment-replacement
 */
export function expandWord(
  word: string,
  lookup: Lookup,
  escapeChar = "\\",
  effort: Effort = effortOfVariables(),
): string {
  return new Expansion(word, lookup, escapeChar, effort).run();
}

class Expansion {
  readonly #text: string;
  readonly #lookup: Lookup;
  readonly #escape: string;
  readonly #effort: Effort;
  #at = 0;
  #depth = 0;

  constructor(text: string, lookup: Lookup, escapeChar: string, effort: Effort) {
    this.#text = text;
    this.#lookup = lookup;
    this.#escape = escapeChar;
    this.#effort = effort;
  }

  run(): string {
    return this.#until("");
  }

  /**
   * Up to an unquoted `end` character, which is not consumed; to the end of the text when `end` is empty. A pattern keeps
   * its escapes.
   */
  #until(end: string, isPattern = false): string {
    let result = "";
    while (this.#at < this.#text.length && this.#text[this.#at] !== end) {
      const char = this.#text[this.#at]!;
      if (char === "'") result += this.#single();
      else if (char === '"') result += this.#double();
      else if (char === "$") result += this.#variable();
      else if (char === this.#escape) result += (isPattern ? "\\" : "") + this.#escaped();
      else {
        result += char;
        this.#at += 1;
      }
    }
    return result;
  }

  #escaped(): string {
    const char = this.#text[this.#at + 1] ?? "";
    this.#at += 2;
    return char;
  }

  #single(): string {
    const end = this.#text.indexOf("'", this.#at + 1);
    if (end < 0) throw this.#error("a single quote is not closed");
    const content = this.#text.slice(this.#at + 1, end);
    this.#at = end + 1;
    return content;
  }

  #double(): string {
    let result = "";
    this.#at += 1;
    while (this.#text[this.#at] !== '"') {
      const char = this.#text[this.#at];
      if (char === undefined) throw this.#error("a double quote is not closed");
      const next = this.#text[this.#at + 1] ?? "";
      if (char === "$") result += this.#variable();
      else if (char === this.#escape && ['"', "$", this.#escape].includes(next)) result += this.#escaped();
      else {
        result += char;
        this.#at += 1;
      }
    }
    this.#at += 1;
    return result;
  }

  #variable(): string {
    const value = this.#value();
    this.#effort.spend(value.length);
    return value;
  }

  #value(): string {
    this.#at += 1;
    if (this.#text[this.#at] === "{") return this.#braced();
    const name = /^[A-Za-z_][A-Za-z0-9_]*|^[0-9]/.exec(this.#text.slice(this.#at))?.[0];
    if (name === undefined) return "$";
    this.#at += name.length;
    return this.#lookup(name) ?? "";
  }

  #braced(): string {
    const match = /^\{([A-Za-z_][A-Za-z0-9_]*|[0-9]+)(:?[-+?]|##?|%%?|\/\/?)?/.exec(this.#text.slice(this.#at));
    if (!match) throw this.#error("bad substitution");
    const [whole, name, operator] = match;
    this.#at += whole.length;
    this.#depth += 1;
    if (this.#depth > deepest) throw this.#error(`more than ${deepest} \${…} in each other`);
    const takesPattern = /^[#%/]/.test(operator ?? "");
    const replaces = operator?.startsWith("/") === true;
    const word = operator === undefined ? "" : this.#until(replaces ? "/" : "}", takesPattern);
    if (replaces) this.#consume("/");
    const replacement = replaces ? this.#until("}") : "";
    this.#consume("}");
    this.#depth -= 1;
    if (!takesPattern) return this.#substitute(name!, operator ?? "", word);
    const value = this.#lookup(name!) ?? "";
    const pattern = new ShellPattern(word, this.#effort);
    return replaces ? pattern.replace(value, replacement, operator === "//") : pattern.trim(value, operator!);
  }

  #consume(char: string): void {
    if (this.#text[this.#at] !== char)
      throw this.#error(`this form of \${…} is not supported, or has no closing ${char === "}" ? "brace" : char}`);
    this.#at += 1;
  }

  #substitute(name: string, operator: string, word: string): string {
    const value = this.#lookup(name);
    const counts = value !== undefined && (value !== "" || !operator.startsWith(":"));
    switch (operator.at(-1)) {
      case "-":
        return counts ? value : word;
      case "+":
        return counts ? word : "";
      case "?":
        if (!counts) throw new EngineError(`${name}: ${word || "is not set"}`);
        return value;
      default:
        return value ?? "";
    }
  }

  #error(why: string): EngineError {
    const shown = this.#text.length > shownCharacters ? `${this.#text.slice(0, shownCharacters)}…` : this.#text;
    return new EngineError(`${shown}: ${why}`);
  }
}
