/**
 * Patterns as people know them from GitHub Actions' branch, tag and path filters:
 * `*` any characters but `/` · `**` any characters · `?` the character before it or nothing · `+` the character before it, once or more ·
 * `[a-z]` one of · `\` takes the next character literally · a leading `!` takes away what earlier patterns matched.
 * A double star with a slash after it (at the start or after a slash) also stands for no folder at all.
 * https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax#filter-pattern-cheat-sheet
 *
 * They come from other people's repositories, so they are run as a set of states over the text and never become a RegExp:
 * the work is at most text length × pattern length, whatever the pattern.
 */

/** One state of the machine: what it consumes, and where it may go without consuming. */
interface State {
  readonly accepts: (character: string) => boolean;
  /** After consuming: stay here (repetition), move to the next state, or both. */
  readonly stays: boolean;
  readonly advances: boolean;
  /** States entered for free, as offsets from this one. */
  readonly skips: readonly number[];
}

/** A pattern without its `!`. */
export interface Pattern {
  readonly negated: boolean;
  readonly states: readonly State[];
}

export type ParsedPattern =
  | { readonly ok: true; readonly pattern: Pattern }
  | { readonly ok: false; readonly problem: string };

const any = () => true;
const notSlash = (character: string) => character !== "/";

const star: State = { accepts: notSlash, stays: true, advances: false, skips: [1] };
const globstar: State = { accepts: any, stays: true, advances: false, skips: [1] };
const one = (accepts: State["accepts"]): State => ({ accepts, stays: false, advances: true, skips: [] });
const literal = (wanted: string) => one((character) => character === wanted);

/** Zero or more whole folders: either nothing, or anything that ends in a slash. */
const folders: readonly State[] = [
  { accepts: () => false, stays: false, advances: false, skips: [1, 3] },
  globstar,
  literal("/"),
];

/** Reads a pattern, or says what is wrong with it. */
export function parsePattern(text: string): ParsedPattern {
  const negated = text.startsWith("!");
  const characters = Array.from(negated ? text.slice(1) : text);
  if (characters.length === 0) return { ok: false, problem: "the pattern is empty" };
  const states: State[] = [];
  // Index of the state that `?` and `+` may change; undefined after a star or another `?` or `+`.
  let repeatable: number | undefined;
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] as string;
    if (character === "*") {
      repeatable = undefined;
      if (characters[at + 1] !== "*") {
        states.push(star);
        continue;
      }
      const startsSegment = at === 0 || characters[at - 1] === "/";
      at++;
      if (startsSegment && characters[at + 1] === "/") {
        states.push(...folders);
        at++;
      } else states.push(globstar);
      continue;
    }
    if (character === "?" || character === "+") {
      const before = repeatable === undefined ? undefined : states[repeatable];
      if (!before) return { ok: false, problem: `"${character}" needs a plain character or [] before it` };
      states[repeatable as number] = character === "?" ? { ...before, skips: [1] } : { ...before, stays: true };
      repeatable = undefined;
      continue;
    }
    if (character === "[") {
      const end = characters.indexOf("]", at + 1);
      if (end < 0) return { ok: false, problem: '"[" has no matching "]"' };
      const members = parseMembers(characters.slice(at + 1, end));
      if (!members.ok) return members;
      states.push(one(members.accepts));
      at = end;
    } else if (character === "\\") {
      const next = characters[++at];
      if (next === undefined) return { ok: false, problem: 'a "\\" at the end escapes nothing' };
      states.push(literal(next));
    } else states.push(literal(character));
    repeatable = states.length - 1;
  }
  return { ok: true, pattern: { negated, states } };
}

type Members =
  | { readonly ok: true; readonly accepts: State["accepts"] }
  | { readonly ok: false; readonly problem: string };

function parseMembers(characters: readonly string[]): Members {
  if (characters.length === 0) return { ok: false, problem: '"[]" lists no character' };
  if (characters[0] === "!" || characters[0] === "^")
    return { ok: false, problem: '"[" cannot be followed by "!" or "^"' };
  const ranges: (readonly [string, string])[] = [];
  for (let at = 0; at < characters.length; at++) {
    const from = characters[at] as string;
    const to = characters[at + 1] === "-" ? characters[at + 2] : undefined;
    if (to === undefined) {
      ranges.push([from, from]);
      continue;
    }
    if (!/^([a-z]{2}|[A-Z]{2}|[0-9]{2})$/.test(from + to) || from > to)
      return { ok: false, problem: `"${from}-${to}" is not a range within a-z, A-Z or 0-9` };
    ranges.push([from, to]);
    at += 2;
  }
  // Single characters are compared for equality, so code unit order is enough for the ranges.
  return {
    ok: true,
    accepts: (character) =>
      ranges.some(([from, to]) => (from === to ? character === from : isWithin(character, from, to))),
  };
}

function isWithin(character: string, from: string, to: string): boolean {
  return character.length === 1 && character >= from && character <= to;
}

/** Whether the whole text fits the pattern; its `!` is not looked at. */
export function matchesPattern(pattern: Pattern, text: string): boolean {
  const { states } = pattern;
  const end = states.length;
  let current = new Uint8Array(end + 1);
  let next = new Uint8Array(end + 1);
  enter(states, current, 0);
  for (const character of text) {
    next.fill(0);
    let alive = false;
    for (let at = 0; at < end; at++) {
      const state = states[at] as State;
      if (!current[at] || !state.accepts(character)) continue;
      if (state.stays) enter(states, next, at);
      if (state.advances) enter(states, next, at + 1);
      alive = true;
    }
    if (!alive) return false;
    [current, next] = [next, current];
  }
  return current[end] === 1;
}

/** Marks a state and all it reaches for free. Iterative: a pattern may be a long row of stars. */
function enter(states: readonly State[], marked: Uint8Array, first: number): void {
  const open = [first];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (marked[at]) continue;
    marked[at] = 1;
    for (const skip of states[at]?.skips ?? []) open.push(at + skip);
  }
}

/**
 * A list of patterns as one predicate: the last pattern that fits decides, so order matters and a later pattern can bring back what a `!` took away.
 * What no pattern fits keeps `otherwise`. A pattern that cannot be read fits nothing; the parsers of both files refuse it before it gets here.
 */
export function compilePatterns(
  patterns: readonly string[],
  otherwise: (text: string) => boolean = () => false,
): (text: string) => boolean {
  const compiled = patterns.flatMap((text) => {
    const parsed = parsePattern(text);
    return parsed.ok ? [parsed.pattern] : [];
  });
  return (text) => {
    const decisive = compiled.findLast((pattern) => matchesPattern(pattern, text));
    return decisive ? !decisive.negated : otherwise(text);
  };
}

/** Whether a text is matched by a list of patterns, `!` and order included. An empty list matches nothing. */
export function matchesAny(patterns: readonly string[], text: string): boolean {
  return compilePatterns(patterns)(text);
}
