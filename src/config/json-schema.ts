import * as z from "zod";
import { PlatformFile } from "./platform-schema.ts";
import { SlipwayFile } from "./schema.ts";

/** A JSON Schema of draft 2020-12, as far as we look into it ourselves. */
export interface JsonSchema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema | boolean;
  readonly prefixItems?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly examples?: readonly unknown[];
  readonly required?: readonly string[];
}

/** For editors: completion, hover text and most of the checks. `docs/slipway.schema.json` is written from it. */
export const slipwaySchema = once(() => toJsonSchema(SlipwayFile));

/** `docs/slipway.platform.schema.json` is written from it. */
export const platformSchema = once(() => toJsonSchema(PlatformFile));

/** Made when first asked for: a file without errors never needs it. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

function toJsonSchema(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: "input" }) as JsonSchema;
}

/** Every schema that may describe the value under a path: several where the format offers a choice. */
export function schemasAt(root: JsonSchema, path: readonly (string | number)[]): readonly JsonSchema[] {
  return path.reduce<readonly JsonSchema[]>(
    (current, step) => current.flatMap((schema) => choices(inside(schema, step))),
    choices(root),
  );
}

function choices(schema: JsonSchema | undefined): readonly JsonSchema[] {
  if (!schema) return [];
  // The surrounding schema keeps description and examples, the choices keep the types.
  return schema.anyOf ? [schema, ...schema.anyOf.flatMap(choices)] : [schema];
}

function inside(schema: JsonSchema, step: string | number): JsonSchema | undefined {
  if (typeof step === "number") return schema.prefixItems?.[step] ?? asSchema(schema.items);
  const { properties } = schema;
  return properties && Object.hasOwn(properties, step) ? properties[step] : asSchema(schema.additionalProperties);
}

function asSchema(schema: JsonSchema | boolean | undefined): JsonSchema | undefined {
  return typeof schema === "object" ? schema : undefined;
}
