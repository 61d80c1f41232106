import type { Source } from "./source.ts";

/** Type expression: `string`, `int`, `bool`, `any`, a literal, the name of an object type, `a | b`, or one of these with `[]`. */
type TypeText = string;

export interface ObjectType {
  readonly properties: Readonly<
    Record<string, TypeText | { readonly type: TypeText; readonly required?: true; readonly readOnly?: true }>
  >;
  /** Type of properties not named. */
  readonly additional?: TypeText;
}

/** What infra/schemas/*.json holds about one resource type; written by scripts/write-bicep-schemas.mjs. */
export interface ResourceSchema {
  readonly type: string;
  readonly apiVersion: string;
  readonly body: ObjectType;
  readonly types: Readonly<Record<string, ObjectType>>;
}

/** By resource type. The versions in these files are the allow-list of API versions. */
export function schemasIn(source: Source): ReadonlyMap<string, ResourceSchema> {
  const schemas = new Map<string, ResourceSchema>();
  for (const [path, text] of source) {
    if (!path.startsWith("infra/schemas/")) continue;
    const schema = JSON.parse(text) as ResourceSchema;
    schemas.set(schema.type, schema);
  }
  return schemas;
}

/** Type, and whether it must or may not be assigned. Undefined: no such property. */
export function propertyType(object: ObjectType, key: string) {
  const found = Object.hasOwn(object.properties, key) ? object.properties[key] : object.additional;
  if (found === undefined) return undefined;
  return typeof found === "string"
    ? { type: found, required: false, readOnly: false }
    : { type: found.type, required: found.required === true, readOnly: found.readOnly === true };
}

/** Follows `a.b.c` from the body; says how far it got. `any` and scalars end the walk without complaint. */
export function unknownStep(schema: ResourceSchema, path: readonly string[]): string | undefined {
  let at: ObjectType | undefined = schema.body;
  for (const key of path) {
    const property = propertyType(at, key);
    if (!property) return key;
    at = schema.types[property.type];
    if (!at) return undefined;
  }
  return undefined;
}
