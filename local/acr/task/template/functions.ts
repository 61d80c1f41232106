import { createHash } from "node:crypto";
import { TaskError } from "../task-error.ts";
import { byBytes, isEmpty, isMap, printed, typeName, type Value } from "./value.ts";

/** A template that cannot be executed with these values. */
export function executeError(problem: string): TaskError {
  return new TaskError(`failed to execute template: ${problem}`);
}

/** Longest text a function may make; more than any task file needs, and little enough for a hostile one. */
export const maxText = 1024 * 1024;

type Kind = "string" | "int" | "bool" | "any";

interface TemplateFunction {
  readonly takes: readonly Kind[];
  /** Any number of further arguments of this kind. */
  readonly more?: Kind;
  // biome-ignore lint/suspicious/noExplicitAny: `takes` says what it is called with, and callFunction holds it to that
  readonly apply: (...values: any[]) => Value;
}

const strings = (count: number, apply: TemplateFunction["apply"]): TemplateFunction => ({
  takes: Array.from({ length: count }, (): Kind => "string"),
  apply,
});
const anything = (apply: (...values: Value[]) => Value): TemplateFunction => ({ takes: [], more: "any", apply });
const one = (apply: (value: Value) => Value): TemplateFunction => ({ takes: ["any"], apply });
const compare = (holds: (order: number) => boolean): TemplateFunction => ({
  takes: ["any", "any"],
  apply: (a: Value, b: Value) => holds(order(a, b)),
});

/**
 * The functions of Go's templates and of Sprig 2.22 that task files use. `and` and `or` are the renderer's, since they stop
 * early. https://pkg.go.dev/text/template#hdr-Functions, https://masterminds.github.io/sprig/
 */
export const functions: Readonly<Record<string, TemplateFunction>> = {
  not: one(isEmpty),
  eq: { takes: ["any", "any"], more: "any", apply: (a: Value, ...others: Value[]) => others.some((b) => same(a, b)) },
  ne: { takes: ["any", "any"], apply: (a: Value, b: Value) => !same(a, b) },
  lt: compare((order) => order < 0),
  le: compare((order) => order <= 0),
  gt: compare((order) => order > 0),
  ge: compare((order) => order >= 0),
  len: one(length),
  index: { takes: ["any"], more: "any", apply: (from: Value, ...keys: Value[]) => keys.reduce(item, from) },
  print: anything(print),
  println: anything((...values) => `${values.map(printed).join(" ")}\n`),
  printf: { takes: ["string"], more: "any", apply: printf },

  default: {
    takes: ["any"],
    more: "any",
    apply: (initial: Value, ...given: Value[]) => (isEmpty(given[0]) ? initial : given[0]),
  },
  empty: one(isEmpty),
  coalesce: anything((...values) => values.find((value) => !isEmpty(value))),
  ternary: { takes: ["any", "any", "bool"], apply: (yes: Value, no: Value, which: boolean) => (which ? yes : no) },
  list: anything((...values) => values),
  toString: one(printed),
  quote: anything((...values) =>
    present(values)
      .map((value) => goQuoted(printed(value)))
      .join(" "),
  ),
  squote: anything((...values) =>
    present(values)
      .map((value) => `'${printed(value)}'`)
      .join(" "),
  ),
  upper: strings(1, (text: string) => text.toUpperCase()),
  lower: strings(1, (text: string) => text.toLowerCase()),
  trim: strings(1, (text: string) => text.trim()),
  trimAll: strings(2, (set: string, text: string) => trimmed(text, set)),
  trimPrefix: strings(2, (part: string, text: string) => (text.startsWith(part) ? text.slice(part.length) : text)),
  trimSuffix: strings(2, (part: string, text: string) =>
    part !== "" && text.endsWith(part) ? text.slice(0, -part.length) : text,
  ),
  replace: strings(3, replace),
  contains: strings(2, (part: string, text: string) => text.includes(part)),
  hasPrefix: strings(2, (part: string, text: string) => text.startsWith(part)),
  hasSuffix: strings(2, (part: string, text: string) => text.endsWith(part)),
  trunc: { takes: ["int", "string"], apply: trunc },
  substr: { takes: ["int", "int", "string"], apply: substr },
  splitList: strings(2, (separator: string, text: string) => [...text.split(separator)]),
  join: { takes: ["string", "any"], apply: join },
  indent: { takes: ["int", "string"], apply: indent },
  nindent: { takes: ["int", "string"], apply: (count: bigint, text: string) => `\n${indent(count, text)}` },
  // The engine's own, in which nil is empty.
  b64enc: one(toBase64),
  b64dec: strings(1, (text: string) => Buffer.from(text, "base64").toString()),
  sha256sum: strings(1, (text: string) => createHash("sha256").update(text).digest("hex")),
  // Sprig makes a number of anything: values given with a request are text.
  add: anything((...values) => values.map(toInt).reduce((sum, value) => sum + value, 0n)),
  sub: { takes: ["any", "any"], apply: (a: Value, b: Value) => toInt(a) - toInt(b) },
};

/** Checks what Go would check by types; the text that comes out is bounded. */
export function callFunction(name: string, given: readonly Value[]): Value {
  const { takes, more, apply } = functions[name]!;
  if (given.length < takes.length || (more === undefined && given.length > takes.length)) {
    const want = more === undefined ? `${takes.length}` : `at least ${takes.length}`;
    throw executeError(`wrong number of args for ${name}: want ${want} got ${given.length}`);
  }
  for (const [at, value] of given.entries()) requireKind(name, value, takes[at] ?? more!);
  const result = apply(...given);
  if (typeof result === "string" && result.length > maxText) throw tooLong();
  return result;
}

export function tooLong(): TaskError {
  return executeError(`the local twin renders no more than ${maxText} characters`);
}

function requireKind(name: string, value: Value, kind: Kind): void {
  const wanted = { string: "string", int: "bigint", bool: "boolean" } as const;
  if (kind === "any" || typeof value === wanted[kind]) return;
  throw executeError(`wrong type for value of ${name}; expected ${kind}; got ${typeName(value)}`);
}

/** Whole numbers and others never compare, nor does anything with a different type; only nil differs from all in peace. */
function same(a: Value, b: Value): boolean {
  if (typeof a === "object" || typeof b === "object") {
    throw executeError(`non-comparable type ${typeName(typeof a === "object" ? a : b)}`);
  }
  if (a !== undefined && b !== undefined && typeof a !== typeof b) {
    throw executeError("incompatible types for comparison");
  }
  return a === b;
}

function order(a: Value, b: Value): number {
  if (typeof a !== typeof b) throw executeError("incompatible types for comparison");
  if (typeof a === "string") return byBytes(a, b as string);
  if (typeof a !== "bigint" && typeof a !== "number") throw executeError("invalid type for comparison");
  return a < (b as number | bigint) ? -1 : a > (b as number | bigint) ? 1 : 0;
}

function toInt(value: Value): bigint {
  if (typeof value === "bigint") return value;
  if (typeof value === "number") return Number.isFinite(value) ? BigInt(Math.trunc(value)) : 0n;
  if (typeof value === "string") return /^[+-]?[1-9]\d*$/.test(value) ? BigInt(value) : 0n;
  return value === true ? 1n : 0n;
}

function length(value: Value): bigint {
  if (typeof value === "string") return BigInt(Buffer.byteLength(value));
  if (typeof value !== "object") throw executeError(`len of type ${typeName(value)}`);
  return BigInt((isMap(value) ? Object.keys(value) : value).length);
}

function item(from: Value, key: Value): Value {
  if (typeof from !== "object") throw executeError(`can't index item of type ${typeName(from)}`);
  if (isMap(from)) {
    if (typeof key !== "string") throw executeError(`value has type ${typeName(key)}; should be string`);
    return Object.hasOwn(from, key) ? from[key] : undefined;
  }
  if (typeof key !== "bigint") throw executeError(`cannot index slice with type ${typeName(key)}`);
  if (key < 0n || key >= BigInt(from.length)) throw executeError(`index out of range: ${key}`);
  return from[Number(key)];
}

/** Blanks only between two that are no strings. */
function print(...values: Value[]): string {
  return values.reduce<string>((text, value, at) => {
    const parted = at > 0 && typeof value !== "string" && typeof values[at - 1] !== "string";
    return text + (parted ? " " : "") + printed(value);
  }, "");
}

/** Verbs `%s %d %t %q %v %%` for the type each is made for; what Go prints in the other cases nobody wants. */
function printf(format: string, ...values: Value[]): string {
  const left = values.values();
  const text = format.replaceAll(/%([^%a-zA-Z]*)([%a-zA-Z]?)/g, (whole, flags: string, verb: string) => {
    if (verb === "%" && flags === "") return "%";
    const fitting: Readonly<Record<string, string>> = { s: "string", q: "string", d: "bigint", t: "boolean" };
    const { value, done } = left.next();
    const fits = verb === "v" || (fitting[verb] !== undefined && typeof value === fitting[verb]);
    const padding = /^(-|0)?(\d{0,3})$/.exec(flags);
    if (done || !fits || !padding) throw executeError(`printf ${whole} is not rendered by the local twin`);
    const shown = verb === "q" ? goQuoted(value as string) : printed(value);
    const width = Number(padding[2]);
    if (padding[1] === "-") return shown.padEnd(width);
    return padding[1] === "0" && typeof value === "bigint" ? zeroPadded(shown, width) : shown.padStart(width);
  });
  if (!left.next().done) throw executeError("printf has more values than its format names");
  return text;
}

function zeroPadded(digits: string, width: number): string {
  return digits.startsWith("-") ? `-${digits.slice(1).padStart(width - 1, "0")}` : digits.padStart(width, "0");
}

function present(values: readonly Value[]): Value[] {
  return values.filter((value) => value !== undefined);
}

const goEscapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\b": "\\b",
  "\f": "\\f",
  "\v": "\\v",
  "\u0007": "\\a",
};

function goQuoted(text: string): string {
  const inside = text.replaceAll(
    /["\\\x00-\x1f\x7f]/g,
    (char) => goEscapes[char] ?? `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  return `"${inside}"`;
}

function trimmed(text: string, set: string): string {
  let [from, to] = [0, text.length];
  while (from < to && set.includes(text[from]!)) from += 1;
  while (to > from && set.includes(text[to - 1]!)) to -= 1;
  return text.slice(from, to);
}

function replace(old: string, by: string, text: string): string {
  const parts = text.split(old);
  if (text.length + parts.length * by.length > maxText) throw tooLong();
  // Go also puts it before the first and behind the last character when there is nothing to look for.
  return old === "" ? by + [...text].map((char) => char + by).join("") : parts.join(by);
}

/** Counts bytes, as Go's slices do. */
function trunc(count: bigint, text: string): string {
  const bytes = Buffer.from(text);
  if (count < 0n) throw executeError(`slice bounds out of range [:${count}]`);
  return BigInt(bytes.length) <= count ? text : bytes.subarray(0, Number(count)).toString();
}

function substr(start: bigint, end: bigint, text: string): string {
  const bytes = Buffer.from(text);
  const size = BigInt(bytes.length);
  const to = start >= 0n && (end < 0n || end > size) ? size : end;
  const from = start < 0n ? 0n : start;
  if (from > to || to < 0n || to > size) throw executeError(`slice bounds out of range [${from}:${to}]`);
  return bytes.subarray(Number(from), Number(to)).toString();
}

function join(separator: string, value: Value): string {
  if (typeof value === "object" && !isMap(value)) {
    const texts = present(value).map(printed);
    if (texts.reduce((sum, text) => sum + text.length + separator.length, 0) > maxText) throw tooLong();
    return texts.join(separator);
  }
  return value === undefined ? "" : printed(value);
}

function toBase64(value: Value): string {
  if (value === undefined) return "";
  if (typeof value === "string") return Buffer.from(value).toString("base64");
  // Go encodes the name of the type instead, such as `<int Value>`: surely not what was meant.
  throw executeError(`b64enc of ${typeName(value)} is not rendered by the local twin`);
}

function indent(count: bigint, text: string): string {
  const lines = text.split("\n");
  if (count < 0n || text.length + lines.length * Number(count) > maxText) throw tooLong();
  const pad = " ".repeat(Number(count));
  return lines.map((line) => pad + line).join("\n");
}
