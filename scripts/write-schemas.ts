/** Writes the JSON Schemas of both configuration files into docs/, from the zod schemas. Run: npx tsx scripts/write-schemas.ts */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { platformSchema, slipwaySchema } from "../src/config/json-schema.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const schemasByFile = {
  "docs/slipway.schema.json": slipwaySchema(),
  "docs/slipway.platform.schema.json": platformSchema(),
};

for (const [file, schema] of Object.entries(schemasByFile)) writeFileSync(`${root}${file}`, JSON.stringify(schema));
// Written by one program and checked by another: let the checker choose the line breaks.
execFileSync(`${root}node_modules/.bin/biome`, ["format", "--write", ...Object.keys(schemasByFile)], {
  cwd: root,
  stdio: "inherit",
});
