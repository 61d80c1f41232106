/** The routes' own schemas as an OpenAPI 3.1 document. https://spec.openapis.org/oas/v3.1.1.html */
import { z } from "zod";
import type { Route } from "./route.ts";

export function openApiOf(routes: readonly Route[]): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    const path = `/${route.template}`;
    paths[path] ??= {};
    paths[path][route.method.toLowerCase()] = {
      summary: route.summary,
      parameters: [...parametersOf(route.params, "path"), ...parametersOf(route.query, "query")],
      ...(route.body ? { requestBody: { content: { "application/json": { schema: schemaOf(route.body) } } } } : {}),
      responses: {
        [route.method === "POST" && !route.answersAtOnce ? "202" : "200"]: {
          description: "Done",
          content:
            route.answers === "text/plain"
              ? { "text/plain": { schema: { type: "string" } } }
              : { "application/json": { schema: schemaOf(route.answers) } },
        },
        default: {
          description: "What is wrong",
          content: { "application/problem+json": { schema: { type: "object" } } },
        },
      },
    };
  }
  return {
    openapi: "3.1.0",
    info: { title: "Slipway", version: "1", description: "What is built, what waits, and why." },
    components: { securitySchemes: { key: { type: "apiKey", in: "header", name: "x-functions-key" } } },
    security: [{ key: [] }],
    paths,
  };
}

function parametersOf(schema: z.ZodObject, where: "path" | "query"): object[] {
  return Object.entries(schema.shape).map(([name, field]) => ({
    name,
    in: where,
    required: where === "path" || !(field as z.ZodType).safeParse(undefined).success,
    schema: schemaOf(field as z.ZodType),
  }));
}

function schemaOf(schema: z.ZodType): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: "input" }) as { $schema?: unknown };
  return rest;
}
