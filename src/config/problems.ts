/** From zod's issues to sentences with a place and a fix. */
import { stringify } from "yaml";
import type * as z from "zod";
import type { ConfigProblem } from "../core/config/definition.ts";
import { didYouMean } from "./did-you-mean.ts";
import { type JsonSchema, schemasAt } from "./json-schema.ts";
import { plain, show } from "./show.ts";
import { maxProblems, type Path, type YamlSource } from "./yaml-source.ts";

type Issue = z.core.$ZodIssue;

/** Every issue as a problem; `schema` is the JSON Schema of the same file, asked for key names and examples. */
export function problemsOf(issues: readonly Issue[], source: YamlSource, schema: JsonSchema): readonly ConfigProblem[] {
  return issues
    .slice(0, maxProblems)
    .flatMap((issue) => withoutUnions(issue))
    .flatMap((issue) => describe(issue, source, schema));
}

/** In the order of the file, and no more than a reader can use. */
export function sorted(problems: readonly ConfigProblem[]): readonly ConfigProblem[] {
  return problems.toSorted((left, right) => left.line - right.line || left.column - right.column).slice(0, maxProblems);
}

/** A failed choice becomes the issues of the alternative its author was evidently writing; undecided, it stays. */
function withoutUnions(issue: Issue): readonly Issue[] {
  if (issue.code !== "invalid_union") return [issue];
  const chosen = issue.errors.find((alternative) => !alternative.some(isOtherKind));
  if (!chosen) return [issue];
  return chosen.flatMap((inner) => withoutUnions({ ...inner, path: [...issue.path, ...inner.path] }));
}

function isOtherKind(issue: Issue): boolean {
  if (issue.path.length > 0) return false;
  if (issue.code === "invalid_union") return !issue.errors.some((alternative) => !alternative.some(isOtherKind));
  return issue.code === "invalid_type" || issue.code === "invalid_value";
}

function describe(issue: Issue, source: YamlSource, schema: JsonSchema): readonly ConfigProblem[] {
  const path = issue.path as Path;
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) =>
        source.problemAtKey([...path, key], `\`${plain(key)}\` is not a key here`, fixForUnknownKey(key, path, schema)),
      );
    case "invalid_key":
      return issue.issues.map((inner) => source.problemAtKey(path, inner.message, fixOf(inner)));
    case "invalid_type":
    case "invalid_value":
    case "invalid_union":
      return [wrongValue(issue, path, source, schema)];
    case "too_small":
      if (issue.origin === "array")
        return [
          source.problemAt(
            path,
            "the list is empty",
            `add an entry, as in ${example(path, schema)}, or remove the key`,
          ),
        ];
      return [source.problemAt(path, `${source.written(path)} is too small`, `write ${issue.minimum} or more`)];
    case "too_big":
      return [source.problemAt(path, `${source.written(path)} is too large`, `write ${issue.maximum} or less`)];
    default:
      return [source.problemAt(path, issue.message, fixOf(issue))];
  }
}

/** Our own checks carry their fix along. */
function fixOf(issue: Issue): string {
  const fix: unknown = issue.code === "custom" ? issue.params?.fix : undefined;
  return typeof fix === "string" ? fix : "see docs/configuration.md";
}

function fixForUnknownKey(key: string, path: Path, schema: JsonSchema): string {
  const here = schemasAt(schema, path);
  const known = here.flatMap((candidate) => Object.keys(candidate.properties ?? {}));
  const meant = didYouMean(key, known);
  if (meant) return `did you mean \`${meant}\`?`;
  const deeper = here.map((candidate) => placeOf(key, candidate)).find((place) => place !== undefined);
  if (deeper) return `move it to \`${deeper}\``;
  return `remove it; the keys here are ${known.join(", ")}`;
}

/** Where further down a key of this name belongs, e.g. `on.push.branches`. */
function placeOf(key: string, schema: JsonSchema): string | undefined {
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    if (name === key) return name;
    const place = [inner, ...(inner.anyOf ?? [])]
      .map((choice) => placeOf(key, choice))
      .find((found) => found !== undefined);
    if (place) return `${name}.${place}`;
  }
  return undefined;
}

type ValueIssue = Extract<Issue, { code: "invalid_type" | "invalid_value" | "invalid_union" }>;

function wrongValue(issue: ValueIssue, path: Path, source: YamlSource, schema: JsonSchema): ConfigProblem {
  const found = valueAt(source.value, path);
  const problem = (message: string, fix: string) => source.problemAt(path, message, fix);
  const last = path.at(-1);
  if (found === undefined) {
    if (typeof last === "number") return problem("the list is empty", "add an entry, or remove the list");
    return problem(`\`${last}\` is missing`, `add \`${last}: ${example(path, schema)}\``);
  }
  if (found === null) {
    if (path.length === 0) return problem("the file is empty", `start with \`version: 1\``);
    return problem("there is no value here", `write one, as in ${example(path, schema)}, or remove the key`);
  }
  const written = source.written(path);
  const kinds = wantedKinds(issue);
  const words = wantedWords(issue);
  const message = `must be ${[...kinds.map((kind) => nouns[kind] ?? kind), ...words].join(" or ")}, found ${describeFound(found, written)}`;
  if (words.includes("off") && found === false) return problem(message, "write off");
  const meant = typeof found === "string" ? didYouMean(found, words) : undefined;
  if (meant) return problem(message, `did you mean ${meant}?`);
  if (kinds.includes("string") && written !== undefined)
    return problem(message, `put it in quotes: "${plain(written)}"`);
  if (kinds.includes("array") && typeof found === "string")
    return problem(message, `put it in a list: [${plain(written ?? "")}]`);
  if (kinds.length === 0) return problem(message, `write ${words.join(" or ")}`);
  return problem(message, `write it as in ${example(path, schema)}`);
}

const nouns: Readonly<Record<string, string>> = {
  string: "text",
  array: "a list",
  tuple: "a list",
  object: "a mapping of keys to values",
  record: "a mapping of keys to values",
  boolean: "true or false",
  int: "a whole number",
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

/** The first example a schema on the path gives, written as YAML on one line. */
function example(path: Path, schema: JsonSchema): string {
  const examples = schemasAt(schema, path).flatMap((candidate) => candidate.examples ?? candidate.enum ?? []);
  return examples.length > 0
    ? stringify(examples[0], { collectionStyle: "flow", lineWidth: 0 }).trim()
    : "docs/configuration.md";
}
