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
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!;
    if (character === "*") tokens.push(star);
    else if (character === "?") tokens.push(any);
    else if (character !== "\\") tokens.push(character);
    else {
      const escaped = text[++at] ?? "";
      if (!["*", "?", "\\", "}", "/"].includes(escaped)) return undefined;
      tokens.push(escaped);
    }
  }
  return tokens;
}

/** `value` without the shortest or longest prefix that matches. */
export function withoutPrefix(pattern: ShellPattern, value: string, longest: boolean): string {
  const starts = advance(pattern, value, (at) => (at === 0 ? 0 : unreached));
  const end = longest ? starts.lastIndexOf(0) : starts.indexOf(0);
  return end < 0 ? value : value.slice(end);
}

/** `value` without the shortest or longest suffix that matches. */
export function withoutSuffix(pattern: ShellPattern, value: string, longest: boolean): string {
  return reversed(withoutPrefix(pattern.toReversed(), reversed(value), longest));
}

/** The leftmost match at or after `from`, the longest of those. */
export function findMatch(
  pattern: ShellPattern,
  value: string,
  from: number,
): { readonly start: number; readonly end: number } | undefined {
  const starts = advance(pattern, value, (at) => (at < from ? unreached : at));
  const start = starts.reduce((least, each) => Math.min(least, each), unreached);
  return start === unreached ? undefined : { start, end: starts.lastIndexOf(start) };
}

const unreached = Number.POSITIVE_INFINITY;

/** For every position of `value`, the least start of a match that ends there. */
function advance(pattern: ShellPattern, value: string, initial: (at: number) => number): readonly number[] {
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

function reversed(text: string): string {
  return text.split("").reverse().join("");
}
