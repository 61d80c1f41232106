import type { RunRecord } from "../run-record.ts";
import { ArmError } from "./arm-error.ts";

export type RunFilter = (run: RunRecord) => boolean;

type Value = string | number | boolean | undefined;
type Token = { readonly kind: "word" | "text" | "mark"; readonly text: string };

/** Fields of a run that `$filter` may name, in lower case: which case Azure insists on has not been seen. */
const fields = new Map<string, (run: RunRecord) => Value>([
  ["runid", (run) => run.runId],
  ["runtype", () => "quickrun"],
  ["status", (run) => run.status.toLowerCase()],
  ["createtime", (run) => Date.parse(run.createTime)],
  ["finishtime", (run) => (run.finishTime ? Date.parse(run.finishTime) : undefined)],
  [
    "outputimagemanifests",
    (run) => run.outputImages?.map(({ repository, digest }) => `${repository}@${digest}`).join(","),
  ],
  ["isarchiveenabled", (run) => run.isArchiveEnabled],
  ["taskname", (run) => run.task?.toLowerCase()],
  ["agentpoolname", (run) => run.agentPoolName],
]);
const caseless = ["status", "runtype", "taskname"];
const times = ["createtime", "finishtime"];
/** Parentheses in each other; a thousand times as many would be too many for JavaScript's stack. */
const deepest = 100;

/** The OData that ACR's reference allows on runs: comparisons, `and`, `or`, parentheses, `contains`. */
export function parseRunFilter(text: string): RunFilter {
  const reader = new Reader(tokensOf(text));
  const filter = readOr(reader);
  reader.end();
  return filter;
}

class Reader {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  /** Takes the next token if it is this word or mark. */
  take(text: string): boolean {
    const token = this.#tokens[this.#at];
    if (!token || token.kind === "text" || token.text.toLowerCase() !== text) return false;
    this.#at += 1;
    return true;
  }

  need(text: string): void {
    if (!this.take(text)) throw wrong(`'${text}' expected`);
  }

  next(): Token {
    const token = this.#tokens[this.#at];
    if (!token) throw wrong("it ends too early");
    this.#at += 1;
    return token;
  }

  end(): void {
    const token = this.#tokens[this.#at];
    if (token) throw wrong(`'${token.text}' is not expected`);
  }
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  const pattern = /\s+|(?<quoted>(?:datetime(?:offset)?)?'(?:[^']|'')*')|(?<mark>[(),])|(?<word>[^\s(),']+)/iy;
  while (pattern.lastIndex < text.length) {
    const at = pattern.lastIndex;
    const groups = pattern.exec(text)?.groups;
    if (!groups) throw wrong(`it cannot be read from '${text.slice(at)}'`);
    const { quoted, mark, word } = groups;
    if (quoted) tokens.push({ kind: "text", text: quoted.slice(quoted.indexOf("'") + 1, -1).replaceAll("''", "'") });
    else if (mark) tokens.push({ kind: "mark", text: mark });
    else if (word) tokens.push({ kind: "word", text: word });
  }
  return tokens;
}

function readOr(reader: Reader, depth = 0): RunFilter {
  if (depth > deepest) throw wrong(`more than ${deepest} parentheses are in each other`);
  const parts = [readAnd(reader, depth)];
  while (reader.take("or")) parts.push(readAnd(reader, depth));
  return (run) => parts.some((part) => part(run));
}

function readAnd(reader: Reader, depth: number): RunFilter {
  const parts = [readTerm(reader, depth)];
  while (reader.take("and")) parts.push(readTerm(reader, depth));
  return (run) => parts.every((part) => part(run));
}

function readTerm(reader: Reader, depth: number): RunFilter {
  if (reader.take("(")) {
    const inner = readOr(reader, depth + 1);
    reader.need(")");
    return inner;
  }
  if (reader.take("contains")) return readContains(reader);
  const { name, read } = readField(reader);
  const operator = reader.next().text.toLowerCase();
  const wanted = readValue(reader, name);
  const compare = comparisons.get(operator);
  if (!compare) throw wrong(`operator '${operator}' is not supported`);
  return (run) => compare(read(run), wanted);
}

function readContains(reader: Reader): RunFilter {
  reader.need("(");
  const { read } = readField(reader);
  reader.need(",");
  const wanted = reader.next().text;
  reader.need(")");
  return (run) => String(read(run) ?? "").includes(wanted);
}

function readField(reader: Reader): { name: string; read: (run: RunRecord) => Value } {
  const token = reader.next();
  const name = token.text.toLowerCase();
  const read = fields.get(name);
  if (token.kind !== "word" || !read) throw wrong(`there is no field '${token.text}'`);
  return { name, read };
}

function readValue(reader: Reader, field: string): Value {
  const { kind, text } = reader.next();
  if (times.includes(field)) {
    const time = Date.parse(text);
    if (Number.isNaN(time)) throw wrong(`'${text}' is not a time`);
    return time;
  }
  if (kind === "word" && /^(true|false)$/i.test(text)) return text.toLowerCase() === "true";
  if (kind === "word" && text.toLowerCase() === "null") return undefined;
  return caseless.includes(field) ? text.toLowerCase() : text;
}

/** A missing value equals only null, and is neither before nor after anything. */
const comparisons = new Map<string, (left: Value, right: Value) => boolean>([
  ["eq", (left, right) => left === right],
  ["ne", (left, right) => left !== right],
  ["gt", (left, right) => left !== undefined && right !== undefined && left > right],
  ["ge", (left, right) => left !== undefined && right !== undefined && left >= right],
  ["lt", (left, right) => left !== undefined && right !== undefined && left < right],
  ["le", (left, right) => left !== undefined && right !== undefined && left <= right],
]);

function wrong(why: string): ArmError {
  return new ArmError(400, "InvalidFilter", `The $filter cannot be understood: ${why}.`);
}
