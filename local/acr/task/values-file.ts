import { parse, type SchemaOptions, YAMLError } from "yaml";
import { TaskError } from "./task-error.ts";
import { isMap, type Value, type ValueMap } from "./template/value.ts";

/** YAML 1.1 as the engine's decoder knows it: without times, and without numbers of base 60. */
const customTags: SchemaOptions["customTags"] = (tags) =>
  tags.filter((tag) => typeof tag === "string" || (tag.tag !== "tag:yaml.org,2002:timestamp" && tag.format !== "TIME"));

/** Reads a values file: a mapping, nested as deep as one likes. Empty text is a file without values. */
export function readValues(text: string): ValueMap {
  const values = parsed(text);
  if (values === undefined) return {};
  if (!isMap(values)) throw unreadable("not a mapping");
  return values;
}

function parsed(text: string): Value {
  try {
    return withoutNull(
      parse(text, { version: "1.1", customTags, intAsBigInt: true, stringKeys: true, logLevel: "error" }),
    );
  } catch (error) {
    // A RangeError is too deep for our stack; a ReferenceError, aliases that would grow without end.
    if (error instanceof YAMLError || error instanceof RangeError || error instanceof ReferenceError) {
      throw unreadable(error.message.split("\n")[0]!);
    }
    throw error;
  }
}

function withoutNull(value: unknown): Value {
  if (value === null) return undefined;
  if (Array.isArray(value)) return value.map(withoutNull);
  if (typeof value !== "object") return value as Value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutNull(inner)]));
}

function unreadable(why: string): TaskError {
  return new TaskError(`failed to deserialize values: yaml: ${why}`);
}
