/** Problems of values of the wrong kind: absent, empty, or not what the key takes. */
import { stringify } from "yaml";
import type * as z from "zod";
import type { ConfigProblem } from "../core/config/definition.ts";
import { didYouMean } from "./did-you-mean.ts";
import { type JsonSchema, schemasAt } from "./json-schema.ts";
import { plain, show } from "./show.ts";
import type { Path, YamlSource } from "./yaml-source.ts";

type Issue = z.core.$ZodIssue;
type ValueIssue = Extract<Issue, { code: "invalid_type" | "invalid_value" | "invalid_union" }>;

/** Says what was wanted and what was found, and how to get from one to the other. */
export function wrongValue(issue: ValueIssue, path: Path, source: YamlSource, schema: JsonSchema): ConfigProblem {
  const found = valueAt(source.value, path);
  const shown = example(path, schema);
  if (found === undefined) return missingValue(path, source, shown);
  if (found === null) return noValue(path, source, shown);
  const written = source.written(path);
  const kinds = wantedKinds(issue);
  const words = wantedWords(issue);
  const wanted = either([...kinds.map((kind) => nouns[kind] ?? kind), ...words]);
  const message = `must be ${wanted}, found ${describeFound(found, written)}`;
  return source.problemAt(path, message, fixForWrongValue(found, written, kinds, words, shown));
}

function missingValue(path: Path, source: YamlSource, shown: string | undefined): ConfigProblem {
  const last = path.at(-1);
  if (typeof last !== "string") return source.problemAt(path, "the list is empty", "add an entry, or remove the list");
  return source.problemAt(path, `\`${last}\` is missing`, `add \`${last}: ${shown ?? "…"}\``);
}

function noValue(path: Path, source: YamlSource, shown: string | undefined): ConfigProblem {
  if (path.length === 0) return source.problemAt(path, "the file is empty", "start with `version: 1`");
  const fix =
    shown === undefined
      ? 'write "" for an empty text, or remove the key'
      : `write one, as in ${shown}, or remove the key`;
  return source.problemAt(path, "there is no value here", fix);
}

/** What YAML 1.1 took for true and false. */
const oldBooleans: Readonly<Record<string, string>> = {
  yes: "true",
  on: "true",
  y: "true",
  no: "false",
  off: "false",
  n: "false",
};

function fixForWrongValue(
  found: unknown,
  written: string | undefined,
  kinds: readonly string[],
  words: readonly string[],
  shown: string | undefined,
): string {
  if (typeof found === "string") {
    const meant = didYouMean(found, words);
    if (meant !== undefined && meant !== found) return `did you mean ${meant}?`;
    const boolean = kinds.includes("boolean") ? oldBooleans[found.toLowerCase().slice(0, 4)] : undefined;
    if (boolean) return `write ${boolean}`;
    if (kinds.includes("array")) return `put it in a list: [${plain(written ?? "")}]`;
  }
  if (found === false && words.includes("off")) return "write off";
  if (kinds.length === 0) return `write ${either(words)}`;
  if (shown !== undefined) return `write it as in ${shown}`;
  if (kinds.includes("string") && written !== undefined) return `put it in quotes: "${plain(written)}"`;
  return "see docs/configuration.md";
}

/** "a", "a or b", "a, b or c" */
function either(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

const nouns: Readonly<Record<string, string>> = {
  string: "text",
  array: "a list",
  tuple: "a list",
  object: "a mapping of keys to values",
  record: "a mapping of keys to values",
  boolean: "true or false",
  int: "a whole number",
  number: "a whole number",
};

function wantedKinds(issue: Issue): readonly string[] {
  if (issue.code === "invalid_type") return [issue.expected];
  return issue.code === "invalid_union"
    ? issue.errors.flatMap((errors) => errors.filter(isOtherKind).flatMap(wantedKinds))
    : [];
}

function wantedWords(issue: Issue): readonly string[] {
  if (issue.code === "invalid_value") return issue.values.map(String);
  return issue.code === "invalid_union"
    ? issue.errors.flatMap((errors) => errors.filter(isOtherKind).flatMap(wantedWords))
    : [];
}

function describeFound(found: unknown, written: string | undefined): string {
  if (Array.isArray(found)) return "a list";
  if (typeof found === "object") return "a mapping";
  if (typeof found === "string") return show(found);
  return `the ${typeof found === "boolean" ? "truth value" : "number"} ${plain(written ?? String(found))}`;
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((current, step) => {
    if (typeof current !== "object" || current === null || !Object.hasOwn(current, step)) return undefined;
    return (current as Record<string | number, unknown>)[step];
  }, value);
}

/** Whether an issue says that the value as a whole is of another kind than this alternative wants. */
export function isOtherKind(issue: Issue): boolean {
  if (issue.path.length > 0) return false;
  if (issue.code === "invalid_union") return !issue.errors.some((alternative) => !alternative.some(isOtherKind));
  return issue.code === "invalid_type" || issue.code === "invalid_value";
}

/** The first example a schema on the path gives, written as YAML on one line. */
export function example(path: Path, schema: JsonSchema): string | undefined {
  const examples = schemasAt(schema, path).flatMap((candidate) => candidate.examples ?? []);
  return examples.length > 0 ? stringify(examples[0], { collectionStyle: "flow", lineWidth: 0 }).trim() : undefined;
}
