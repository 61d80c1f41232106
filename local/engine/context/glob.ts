import type { Effort } from "./effort.ts";
import { type Place, star, Walk } from "./walk.ts";

const anything = () => true;
const nothing = () => false;
const inName = (char: string) => char !== "/";

/** Longer than any path: a pattern needs no more. */
const longest = 16_384;

/** In brackets `-` and `]` stand for themselves as `\-` and `\]` only, and `[]` is nothing. */
const token = /(?:\*\*\/)+|\*\*|[*?]|\[(?:\^|(?!\^))(?:(?:\\.|[^\\\]-])(?:-(?:\\.|[^\\\]-]))?)+\]|\\.|[^\\[]/gsuy;
const range = /(\\.|[^\\])(?:-(\\.|[^\\]))?/gsu;

/** `*`, `?`, `[a-z]`, `[^a]` and `\x` as in Go's filepath.Match, and `**`, which crosses folders. */
export class Glob {
  /** Undefined for what Go calls malformed; it matches nothing. */
  readonly #places: readonly Place[] | undefined;

  constructor(pattern: string) {
    const tokens = pattern.length > longest ? [] : (pattern.match(token) ?? []);
    this.#places = tokens.join("") === pattern ? tokens.flatMap(placesOf) : undefined;
  }

  get isMalformed(): boolean {
    return this.#places === undefined;
  }

  /** Does it match the path, or a folder above it? */
  matches(path: string, effort: Effort): boolean {
    if (this.#places === undefined) return false;
    const walk = new Walk(this.#places, effort);
    walk.begin(0);
    for (const char of path) {
      if (walk.isOver || (char === "/" && walk.match !== undefined)) break;
      walk.take(char);
    }
    return walk.match !== undefined;
  }
}

function placesOf(token: string): Place[] {
  if (token.endsWith("**/"))
    return [{ takes: nothing, skips: [1, 3] }, star(anything), { takes: (char) => char === "/" }];
  if (token === "**") return [star(anything)];
  if (token === "*") return [star(inName)];
  if (token === "?") return [{ takes: inName }];
  if (token.length > 1 && token.startsWith("[")) return [{ takes: oneOf(token) }];
  const plain = unescaped(token);
  return [{ takes: (char) => char === plain }];
}

/** `[z-a]` is nobody, as in Go. */
function oneOf(token: string): Place["takes"] {
  const isNegated = token.startsWith("[^");
  const ranges = [...token.slice(isNegated ? 2 : 1, -1).matchAll(range)].map(([, from, to = from]) => {
    const [low, high] = [from!, to!].map((end) => unescaped(end).codePointAt(0)!);
    return (code: number) => low! <= code && code <= high!;
  });
  return (char) => ranges.some((holds) => holds(char.codePointAt(0)!)) !== isNegated;
}

function unescaped(char: string): string {
  return char.replace(/^\\(?=.)/su, "");
}
