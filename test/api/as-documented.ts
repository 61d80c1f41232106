import { expect } from "vitest";
import type { z } from "zod";
import type { Route } from "../../src/api/route.ts";

/** The routes, held to their word: an answer has what OpenAPI says of it, and nothing else. */
export function asDocumented(routes: readonly Route[]): readonly Route[] {
  return routes.map((route) => ({
    ...route,
    handle: async (call) => {
      const answer = await route.handle(call);
      const isJson = answer.headers["content-type"]?.startsWith("application/json") ?? false;
      if (isJson) expectFits(route, JSON.parse(String(answer.body)));
      return answer;
    },
  }));
}

function expectFits({ method, template, answers }: Route, json: unknown): void {
  const parsed = (answers as z.ZodType).safeParse(json);
  expect(parsed.error?.issues ?? [], `${method} ${template}`).toEqual([]);
  // Objects leave out what they do not know.
  expect(parsed.data, `${method} ${template}`).toEqual(json);
}
