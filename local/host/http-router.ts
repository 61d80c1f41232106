import type { FunctionDefinition, HttpTrigger } from "./metadata.ts";
import { matchRoute, parseRouteTemplate, type RouteTemplate, type RouteValues } from "./route-template.ts";

export type HttpFunction = FunctionDefinition<HttpTrigger>;

interface Route {
  readonly definition: HttpFunction;
  readonly template: RouteTemplate;
}

export interface HttpRoutes {
  readonly routes: readonly Route[];
  /** Functions that are in error and not served, as in the real host; the others run on. */
  readonly errors: readonly { readonly functionName: string; readonly message: string }[];
}

/** A prefix test on the route without its route prefix, so `administrators` is refused too (facts/functions-host.md §2.1). */
const RESERVED = ["admin", "runtime"];

/** Builds the routes of functions already sorted by name: with several matches the first one wins, specific or not. */
export function httpRoutes(functions: readonly HttpFunction[], routePrefix: string): HttpRoutes {
  const routes: Route[] = [];
  const errors: { functionName: string; message: string }[] = [];
  for (const definition of functions) {
    const problem = routeProblem(definition, routes, routePrefix);
    if (problem) {
      errors.push({ functionName: definition.name, message: problem });
      continue;
    }
    routes.push({ definition, template: parseRouteTemplate(fullRoute(definition, routePrefix)) });
  }
  return { routes, errors };
}

/** The function that serves this method and path, or undefined: a wrong method is no match, so 404 and never 405. */
export function findRoute(
  routes: readonly Route[],
  method: string,
  path: string,
): { readonly definition: HttpFunction; readonly values: RouteValues } | undefined {
  const withoutSlash = path.replace(/^\//, "");
  for (const { definition, template } of routes) {
    if (!acceptsMethod(definition.trigger, method)) continue;
    const values = matchRoute(template, withoutSlash);
    if (values) return { definition, values };
  }
  return undefined;
}

function routeProblem(definition: HttpFunction, earlier: readonly Route[], routePrefix: string): string | undefined {
  const { route, methods } = definition.trigger;
  if (RESERVED.some((reserved) => route.replace(/^\/+/, "").toLowerCase().startsWith(reserved))) {
    return `the route '${route}' conflicts with one or more built in routes (${RESERVED.join(", ")})`;
  }
  const same = earlier.find(
    (other) =>
      other.definition.trigger.route.toLowerCase() === route.toLowerCase() &&
      overlaps(other.definition.trigger.methods, methods),
  );
  if (same) return `the route '${route}' conflicts with the route of function ${same.definition.name}`;
  try {
    parseRouteTemplate(fullRoute(definition, routePrefix));
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function fullRoute({ trigger }: HttpFunction, routePrefix: string): string {
  return [routePrefix, trigger.route.replace(/^\/+|\/+$/g, "")].filter((part) => part !== "").join("/");
}

/** No methods means all of them. */
function acceptsMethod(trigger: HttpTrigger, method: string): boolean {
  return trigger.methods.length === 0 || trigger.methods.includes(method);
}

function overlaps(a: readonly string[], b: readonly string[]): boolean {
  return a.length === 0 || b.length === 0 || a.some((method) => b.includes(method));
}
