/** From zod's issues to sentences with a place and a fix. */
import type * as z from "zod";
import type { ConfigProblem } from "../core/config/definition.ts";
import { didYouMean } from "./did-you-mean.ts";
import { type JsonSchema, schemasAt } from "./json-schema.ts";
import { plain } from "./show.ts";
import { example, isOtherKind, wrongValue } from "./wrong-value.ts";
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

function describe(issue: Issue, source: YamlSource, schema: JsonSchema): readonly ConfigProblem[] {
  const path = issue.path as Path;
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys
        .slice(0, maxProblems)
        .map((key) =>
          source.problemAtKey(
            [...path, key],
            `\`${plain(key)}\` is not a key here`,
            fixForUnknownKey(key, path, schema),
          ),
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
