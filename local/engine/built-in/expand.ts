import { EngineError } from "../engine.ts";

/** The value of a variable, or undefined when it is not set. */
export type Lookup = (name: string) => string | undefined;

/**
 * Expands one word as Docker does: quotes and escapes are taken away, `$V`, `${V}`, `${V:-w}`, `${V-w}`, `${V:+w}`,
 * `${V+w}`, `${V:?m}` and `${V?m}` replaced (w may nest), nothing inside single quotes.
 * https://docs.docker.com/reference/dockerfile/#environment-replacement
 */
export function expandWord(word: string, lookup: Lookup, escapeChar = "\\"): string {
  return new Expansion(word, lookup, escapeChar).run();
}

class Expansion {
  readonly #text: string;
  readonly #lookup: Lookup;
  readonly #escape: string;
  #at = 0;

  constructor(text: string, lookup: Lookup, escapeChar: string) {
    this.#text = text;
    this.#lookup = lookup;
    this.#escape = escapeChar;
  }

  run(): string {
    return this.#until("");
  }

  /** Up to an unquoted `end` character, which is not consumed; to the end of the text when `end` is empty. */
  #until(end: string): string {
    let result = "";
    while (this.#at < this.#text.length && this.#text[this.#at] !== end) {
      const char = this.#text[this.#at]!;
      if (char === "'") result += this.#single();
      else if (char === '"') result += this.#double();
      else if (char === "$") result += this.#variable();
      else if (char === this.#escape) result += this.#escaped();
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
    this.#at += 1;
    if (this.#text[this.#at] === "{") return this.#braced();
    const name = /^[A-Za-z_][A-Za-z0-9_]*|^[0-9]/.exec(this.#text.slice(this.#at))?.[0];
    if (name === undefined) return "$";
    this.#at += name.length;
    return this.#lookup(name) ?? "";
  }

  #braced(): string {
    const match = /^\{([A-Za-z_][A-Za-z0-9_]*|[0-9]+)(:?[-+?])?/.exec(this.#text.slice(this.#at));
    if (!match) throw this.#error("bad substitution");
    const [whole, name, operator] = match;
    this.#at += whole.length;
    const word = operator === undefined ? "" : this.#until("}");
    if (this.#text[this.#at] !== "}") throw this.#error("this form of ${…} is not supported, or has no closing brace");
    this.#at += 1;
    return this.#substitute(name!, operator ?? "", word);
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
    return new EngineError(`${this.#text}: ${why}`);
  }
}
