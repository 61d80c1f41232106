import type { Effort } from "../context/effort.ts";
import { type Place, star, Walk } from "../context/walk.ts";

/** A part of a text, from one character up to another; in code points, as are the texts here. */
interface Span {
  readonly from: number;
  readonly to: number;
}

const inLine = (char: string) => char !== "\n";

/** Of the shell's wildcards BuildKit knows `*` and `?`, each within a line; `\x` is x, and the rest stands for itself. */
export class ShellPattern {
  readonly #places: readonly Place[];
  readonly #effort: Effort;

  constructor(pattern: string, effort: Effort) {
    const tokens = pattern.match(/\*+|\\[\s\S]|[\s\S]/gu) ?? [];
    this.#places = tokens.map((token) => {
      if (token.startsWith("*")) return star(inLine);
      if (token === "?") return { takes: inLine };
      const plain = token.replace(/^\\(?=.)/su, "");
      return { takes: (char) => char === plain };
    });
    this.#effort = effort;
  }

  /** `#` and `##` take the shortest and longest match away from the beginning, `%` and `%%` from the end. */
  trim(text: string, operator: string): string {
    const chars = [...text];
    const takesMost = operator.length === 2;
    if (operator.startsWith("#")) {
      const ends = [...this.#matches(chars, 0, "first", (at) => at === 0)];
      return chars.slice(ends.at(takesMost ? -1 : 0)?.to).join("");
    }
    const last = [...this.#matches(chars, 0, takesMost ? "first" : "last")].at(-1);
    return chars.slice(0, last?.to === chars.length ? last.from : undefined).join("");
  }

  /** Puts `replacement` in the place of the first match, the longest there, or of every one. */
  replace(text: string, replacement: string, every: boolean): string {
    const chars = [...text];
    let replaced = "";
    let done = 0;
    for (let found = this.#find(chars, 0); found; found = every ? this.#find(chars, found.to, found) : undefined) {
      this.#effort.spend(replacement.length);
      replaced += chars.slice(done, found.from).join("") + replacement;
      done = found.to;
    }
    return replaced + chars.slice(done).join("");
  }

  /** The first match, the longest there. As in Go, none of nothing where the last one ended. */
  #find(chars: readonly string[], from: number, last?: Span): Span | undefined {
    let found: Span | undefined;
    for (const span of this.#matches(chars, from, "first", () => !found)) {
      const isNothing = span.from === span.to && span.to === last?.to;
      if (!isNothing && (!found || span.from <= found.from)) found = span;
    }
    return found;
  }

  /** By their ends; of those with the same end one, which begins first or last. */
  *#matches(
    chars: readonly string[],
    from: number,
    prefers: "first" | "last",
    mayBegin: (at: number) => boolean = () => true,
  ): Generator<Span> {
    const walk = new Walk(this.#places, this.#effort, prefers);
    for (let at = from; at <= chars.length; at += 1) {
      if (mayBegin(at)) walk.begin(at);
      if (walk.isOver) return;
      if (walk.match !== undefined) yield { from: walk.match, to: at };
      if (at < chars.length) walk.take(chars[at]!);
    }
  }
}
