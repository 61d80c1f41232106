/** One route: where it is, what it takes, what it gives. The table of routes is also the OpenAPI document. */
import type { z } from "zod";
import { PermanentError, TransientError } from "../errors.ts";
import { type ApiAnswer, answerProblem, badRequest, Problem } from "./problem.ts";
import { type WrongPart, wrongParts } from "./wrong-part.ts";

export interface ApiRequest {
  readonly method: string;
  /** Below the API's root, without a leading slash: `runs/acmeprod-12/log`. */
  readonly path: string;
  readonly query: ReadonlyMap<string, string>;
  header(name: string): string | undefined;
  text(): Promise<string>;
}

export interface RouteCall<P, Q, B> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  header(name: string): string | undefined;
}

export interface Route {
  readonly method: "GET" | "POST";
  readonly template: string;
  readonly summary: string;
  readonly params: z.ZodObject;
  readonly query: z.ZodObject;
  readonly body?: z.ZodType;
  readonly answers: z.ZodType | "text/plain";
  /** Of a POST: it only asks, so the answer is there with it (200, not 202). */
  readonly answersAtOnce?: true;
  handle(call: RouteCall<never, never, never>): Promise<ApiAnswer>;
}

/** Ties the schemas to the handler's types; the table itself needs only their shapes. */
export function route<
  P extends z.ZodObject,
  Q extends z.ZodObject,
  B extends z.ZodType,
  A extends z.ZodType = z.ZodUnknown,
>(definition: {
  method: Route["method"];
  template: string;
  summary: string;
  params: P;
  query: Q;
  body?: B;
  answers: A | "text/plain";
  answersAtOnce?: true;
  handle(call: RouteCall<z.output<P>, z.output<Q>, z.output<B>>): Promise<ApiAnswer<z.output<A>>>;
}): Route {
  return definition as unknown as Route;
}

/** Runs the first route that fits. What is wrong with a request is said all at once. */
export async function dispatch(routes: readonly Route[], request: ApiRequest): Promise<ApiAnswer> {
  try {
    const fitting = routes.flatMap((candidate) => {
      const params = matchPath(candidate.template, request.path);
      return params ? [{ candidate, params }] : [];
    });
    const found = fitting.find((f) => f.candidate.method === request.method);
    if (!found)
      throw fitting.length > 0
        ? notAllowed(
            request.path,
            fitting.map((f) => f.candidate.method),
          )
        : new Problem(404, "Not found", `there is nothing at ${request.path}`);
    const { candidate, params } = found;
    const wrong: WrongPart[] = [];
    const read = (part: string, schema: z.ZodType, given: unknown): never => {
      const parsed = schema.safeParse(given);
      if (!parsed.success) wrong.push(...wrongParts(part, schema, given, parsed.error.issues));
      return parsed.data as never;
    };
    const call = {
      query: read("query", candidate.query.strict(), withoutKey(request.query)),
      params: read("path", candidate.params, params),
      body: (candidate.body && read("body", candidate.body, await jsonBody(request))) as never,
      header: (name: string) => request.header(name),
    };
    if (wrong.length > 0) throw badRequest(...wrong);
    return await candidate.handle(call);
  } catch (error) {
    if (error instanceof Problem) return answerProblem(error);
    // Somebody we depend on says no: not the caller's fault, and not to be retried at once either.
    if (error instanceof PermanentError) return answerProblem(new Problem(502, "Refused elsewhere", error.message));
    if (error instanceof TransientError) return answerProblem(new Problem(503, "Try again", error.message));
    throw error;
  }
}

function notAllowed(path: string, methods: readonly string[]): Problem {
  const allow = [...new Set(methods)].join(", ");
  return new Problem(405, "Method not allowed", `${path} takes ${allow}`, [], { allow });
}

/** Functions takes a key in the query too. */
function withoutKey(query: ApiRequest["query"]): Readonly<Record<string, string>> {
  return Object.fromEntries([...query].filter(([name]) => name !== "code"));
}

async function jsonBody(request: ApiRequest): Promise<unknown> {
  const text = await request.text();
  if (text.trim() === "") return {};
  if (text.length > 65_536) throw new Problem(413, "Too large", "a request body may have at most 64 KiB");
  try {
    return JSON.parse(text);
  } catch {
    throw new Problem(400, "Bad request", "the body is not JSON");
  }
}

/** `runs/{id}/log` against `runs/acmeprod-12/log`. Segments are decoded; a malformed escape fits nothing. */
function matchPath(template: string, path: string): Record<string, string> | undefined {
  const wanted = template.split("/");
  const given = path.replace(/\/+$/, "").split("/");
  if (wanted.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [i, part] of wanted.entries()) {
    const name = /^\{(\w+)\}$/.exec(part)?.[1];
    if (name === undefined) {
      if (part.toLowerCase() !== given[i]!.toLowerCase()) return undefined;
    } else {
      try {
        params[name] = decodeURIComponent(given[i]!);
      } catch {
        return undefined;
      }
      if (params[name] === "") return undefined;
    }
  }
  return params;
}
