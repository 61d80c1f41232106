import { EngineError } from "../engine.ts";

/** The value of a variable, or undefined when it is not set. */
export type Lookup = (name: string) => string | undefined;

/**
 * Expands one word as Docker does: quotes and escapes are taken away, `$V`, `${V}`, `${V:-w}`, `${V-w}`, `${V:+w}`,
 * `${V+w}`, `${V:?m}`, `${V?m}`, `${V#p}`, `${V##p}`, `${V%p}`, `${V%%p}`, `${V/p/w}` and `${V//p/w}` replaced (p and w may
 * nest; p is a pattern with `*` and `?`), nothing inside single quotes.
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
    const takesPattern = /^[#%/]/.test(operator ?? "");
    const replaces = operator?.startsWith("/") === true;
    const word = operator === undefined ? "" : this.#until(replaces ? "/" : "}", takesPattern);
    if (replaces) this.#consume("/");
    const replacement = replaces ? this.#until("}") : "";
    this.#consume("}");
    if (!takesPattern) return this.#substitute(name!, operator ?? "", word);
    const value = this.#lookup(name!) ?? "";
    if (!replaces) return trim(value, operator!, word);
    const every = operator === "//" ? "g" : "";
    return value.replace(new RegExp(patternSource(word, true), `u${every}`), () => replacement);
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
    return new EngineError(`${this.#text}: ${why}`);
  }
}

/** `#` and `##` take the shortest and longest match away from the beginning, `%` and `%%` from the end. */
function trim(value: string, operator: string, pattern: string): string {
  const isGreedy = operator.length === 2;
  if (operator.startsWith("#")) return value.replace(new RegExp(`^(?:${patternSource(pattern, isGreedy)})`, "u"), "");
  const whole = new RegExp(`^(?:${patternSource(pattern, true)})$`, "u");
  const cuts = Array.from({ length: value.length + 1 }, (_, index) => index);
  const cut = (isGreedy ? cuts : cuts.reverse()).find((at) => whole.test(value.slice(at)));
  return value.slice(0, cut);
}

/** Of the shell's wildcards BuildKit knows `*` and `?`; the rest stands for itself. */
function patternSource(pattern: string, isGreedy: boolean): string {
  const tokens = pattern.match(/\\[\s\S]|[\s\S]/gu) ?? [];
  const parts = tokens.map((token) => {
    if (token === "*") return isGreedy ? ".*" : ".*?";
    if (token === "?") return ".";
    return token.replace(/^\\(?=.)/su, "").replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
  });
  return parts.join("");
}
