/** What is wrong with a part of a request, in words for whoever sent it: zod says where, and we say what belongs there. */
import { z } from "zod";
import { quote } from "../core/image/quote.ts";

type Issue = z.core.$ZodIssue;

export interface WrongPart {
  readonly at: string;
  readonly message: string;
  /** Every value it takes, where they are too many for a sentence. */
  readonly takes?: readonly string[];
}

export function wrongParts(part: string, schema: z.ZodType, given: unknown, issues: readonly Issue[]): WrongPart[] {
  return issues.flatMap((issue) => {
    const meant = issue.code === "invalid_union" ? meantBody(issue) : undefined;
    if (meant) return wrongParts(part, optionsOf(schema)[meant.option]!, given, meant.issues);
    const at = [part, ...issue.path.map(String)].join(".");
    return [{ at, ...describe(issue, schema, valueAt(given, issue.path)) }];
  });
}

/** Of several bodies the one that was evidently meant: the only one that knows all of the keys. */
function meantBody({ errors }: Extract<Issue, { code: "invalid_union" }>) {
  const able = errors
    .map((issues, option) => ({ issues, option }))
    .filter(({ issues }) => issues.every((issue) => issue.code !== "unrecognized_keys"));
  return able.length === 1 ? able[0] : undefined;
}

const valuesInWords = 4;
const nouns: Readonly<Record<string, string>> = { string: "text", object: "a JSON object" };

function describe(issue: Issue, schema: z.ZodType, found: unknown): Omit<WrongPart, "at"> {
  const name = String(issue.path.at(-1));
  const but = `found ${typeof found === "string" ? quote(found) : show(found)}`;
  if (found === undefined)
    return { message: `${name} is missing: say ${shapeOf(schema)[name]?.description ?? "what it is to be"}` };
  switch (issue.code) {
    case "unrecognized_keys": {
      const known = Object.keys(shapeOf(schema));
      const there = known.length > 0 ? `there is ${either(known)}` : "nothing is taken";
      return { message: `${issue.keys.map(quote).join(", ")}: not known here, ${there}` };
    }
    case "invalid_type":
      return { message: `must be ${nouns[issue.expected] ?? "a whole number"}, ${but}` };
    case "invalid_value": {
      const takes = issue.values.map(String);
      return takes.length <= valuesInWords
        ? { message: `must be ${either(takes)}, ${but}` }
        : { message: `must be one of those in "takes", ${but}`, takes };
    }
    case "too_small":
      return { message: issue.origin === "string" ? "must not be empty" : `must be at least ${issue.minimum}, ${but}` };
    case "too_big":
      return issue.origin === "string"
        ? { message: `may have at most ${issue.maximum} characters` }
        : { message: `must be at most ${issue.maximum}, ${but}` };
    case "invalid_format":
      return { message: `must be ${issue.message}, ${but}` };
    default:
      return { message: issue.message };
  }
}

function optionsOf(schema: z.ZodType): readonly z.ZodType[] {
  return schema instanceof z.ZodUnion ? (schema.options as readonly z.ZodType[]) : [schema];
}

/** The keys of an object, or of all that it may be. */
function shapeOf(schema: z.ZodType): Readonly<Record<string, z.ZodType>> {
  return Object.assign({}, ...optionsOf(schema).map((option) => (option instanceof z.ZodObject ? option.shape : {})));
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((inner, step) => (inner as Record<PropertyKey, unknown> | null)?.[step], value);
}

function show(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" && value !== null ? "an object" : String(value);
}

/** "a", "a or b", "a, b or c" */
function either(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}
