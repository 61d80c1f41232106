/**
 * The wildcards of `${V#pattern}`, `${V%pattern}` and `${V/pattern/text}`: `*` and `?`, no brackets, as BuildKit has them.
 * Matching advances all positions together, one pattern token at a time: pattern × value steps, never exponential.
 */
export type ShellPattern = readonly (string | typeof any | typeof star)[];

const any = Symbol("?");
const star = Symbol("*");

/** Undefined when a backslash stands before something it cannot escape. */
export function parseShellPattern(text: string): ShellPattern | undefined {
  const tokens: (string | typeof any | typeof star)[] = [];
  const characters = text[Symbol.iterator]();
  for (const character of characters) {
    if (character === "*") tokens.push(star);
    else if (character === "?") tokens.push(any);
    else if (character !== "\\") tokens.push(character);
    else {
      const escaped = characters.next().value ?? "";
      if (!["*", "?", "\\", "}", "/"].includes(escaped)) return undefined;
      tokens.push(escaped);
    }
  }
  return tokens;
}

/** `value` without the shortest or longest prefix that matches. */
export function withoutPrefix(pattern: ShellPattern, value: string, longest: boolean): string {
  return rest(pattern, Array.from(value), longest).join("");
}

/** `value` without the shortest or longest suffix that matches. */
export function withoutSuffix(pattern: ShellPattern, value: string, longest: boolean): string {
  return rest(pattern.toReversed(), Array.from(value).reverse(), longest).toReversed().join("");
}

/** `value` with the first match, or all matches, replaced; `beforeSearch` is called before each search for one. */
export function withMatches(
  pattern: ShellPattern,
  value: string,
  replacement: { readonly text: string; readonly all: boolean },
  beforeSearch: () => void,
): string {
  const characters = Array.from(value);
  const pieces: string[] = [];
  let copied = 0;
  for (let from = 0; from <= characters.length; ) {
    beforeSearch();
    const match = findMatch(pattern, characters, from);
    if (match === undefined) break;
    const { start, end } = match;
    // As in Go, nothing right behind a match is no match of its own.
    if (start < end || start > copied || copied === 0) {
      pieces.push(characters.slice(copied, start).join(""), replacement.text);
      copied = end;
    }
    if (!replacement.all) break;
    from = end > start ? end : end + 1;
  }
  return pieces.join("") + characters.slice(copied).join("");
}

function rest(pattern: ShellPattern, characters: readonly string[], longest: boolean): readonly string[] {
  const starts = advance(pattern, characters, (at) => (at === 0 ? 0 : unreached));
  const end = longest ? starts.lastIndexOf(0) : starts.indexOf(0);
  return characters.slice(Math.max(end, 0));
}

/** The leftmost match at or after `from`, the longest of those. */
function findMatch(pattern: ShellPattern, characters: readonly string[], from: number) {
  const starts = advance(pattern, characters, (at) => (at < from ? unreached : at));
  const start = starts.reduce((least, each) => Math.min(least, each), unreached);
  return start === unreached ? undefined : { start, end: starts.lastIndexOf(start) };
}

const unreached = Number.POSITIVE_INFINITY;

/** For every position of `value`, the least start of a match that ends there. */
function advance(pattern: ShellPattern, value: readonly string[], initial: (at: number) => number): readonly number[] {
  let starts = Array.from({ length: value.length + 1 }, (_, at) => initial(at));
  for (const token of pattern) {
    const next = new Array<number>(value.length + 1).fill(unreached);
    for (let at = 0; at <= value.length; at++) {
      const previous = value[at - 1];
      if (token === star)
        next[at] = Math.min(starts[at]!, previous === undefined || previous === "\n" ? unreached : next[at - 1]!);
      else if (at > 0 && (token === any ? previous !== "\n" : token === previous)) next[at] = starts[at - 1]!;
    }
    starts = next;
  }
  return starts;
}
