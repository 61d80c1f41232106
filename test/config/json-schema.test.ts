import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type JsonSchema, platformSchema, schemasAt, slipwaySchema } from "../../src/config/json-schema.ts";

function committed(file: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../docs/${file}`, import.meta.url), "utf8"));
}

/** Every schema inside a schema, with its path. */
function all(schema: JsonSchema, path = ""): readonly (readonly [string, JsonSchema])[] {
  const inner = Object.entries(schema.properties ?? {}).flatMap(([key, value]) => all(value, `${path}.${key}`));
  const entries = typeof schema.additionalProperties === "object" ? all(schema.additionalProperties, `${path}.*`) : [];
  return [[path, schema], ...inner, ...entries, ...(schema.anyOf ?? []).flatMap((choice) => all(choice, path))];
}

describe.each([
  ["slipway.schema.json", slipwaySchema()],
  ["slipway.platform.schema.json", platformSchema()],
])("docs/%s", (file, schema) => {
  it("is current; write it anew with `npx tsx scripts/write-schemas.ts`", () => {
    expect(committed(file)).toEqual(JSON.parse(JSON.stringify(schema)));
  });

  it("describes every key", () => {
    const named = all(schema).flatMap(([path, { properties }]) =>
      Object.entries(properties ?? {}).map(
        ([key, value]) => [`${path}.${key}`, value as { description?: string }] as const,
      ),
    );
    expect(named.length).toBeGreaterThan(5);
    expect(
      named
        .filter(([path, { description }]) => description === undefined && !path.endsWith("build-args"))
        .map(([path]) => path),
    ).toEqual([]);
  });

  it("refuses unknown keys everywhere, as the parser does", () => {
    const objects = all(schema).filter(([, { properties }]) => properties !== undefined);
    expect(objects.filter(([, { additionalProperties }]) => additionalProperties !== false)).toEqual([]);
  });
});

describe("schemasAt", () => {
  it("follows keys, names, list entries and choices", () => {
    const keys = (path: (string | number)[]) =>
      schemasAt(slipwaySchema(), path).flatMap((schema) => Object.keys(schema.properties ?? {}));
    expect(keys([])).toEqual(["version", "defaults", "images"]);
    expect(keys(["images", "web", "on", "push"])).toEqual(["branches", "tags", "paths"]);
    expect(keys(["images", "web", "on", "schedule", 0])).toEqual(["cron"]);
    expect(keys(["images", "web", "nothing", "here"])).toEqual([]);
    expect(keys(["constructor"])).toEqual([]);
  });
});
