/** One route: where it is, what it takes, what it gives. The table of routes is also the OpenAPI document. */
import type { z } from "zod";
import { PermanentError, TransientError } from "../errors.ts";
import { type ApiAnswer, answerJson, answerProblem, Problem } from "./problem.ts";

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
export function route<P extends z.ZodObject, Q extends z.ZodObject, B extends z.ZodType>(definition: {
  method: Route["method"];
  template: string;
  summary: string;
  params: P;
  query: Q;
  body?: B;
  answers: Route["answers"];
  answersAtOnce?: true;
  handle(call: RouteCall<z.output<P>, z.output<Q>, z.output<B>>): Promise<ApiAnswer>;
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
    const query = strict(candidate.query).safeParse(
      Object.fromEntries([...request.query].filter(([name]) => name !== "code")),
    );
    const path = candidate.params.safeParse(params);
    const body = candidate.body
      ? candidate.body.safeParse(await jsonBody(request))
      : { success: true as const, data: undefined };
    if (!query.success || !path.success || !body.success)
      throw refusal({ query: query.error, path: path.error, body: body.error });
    return await candidate.handle({
      params: path.data as never,
      query: query.data as never,
      body: body.data as never,
      header: (name) => request.header(name),
    });
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

function strict(schema: z.ZodObject): z.ZodObject {
  return schema.strict();
}

function refusal(parts: Readonly<Record<string, z.ZodError | undefined>>): Problem {
  const errors = Object.entries(parts).flatMap(([part, error]) =>
    (error?.issues ?? []).map((issue) => ({ at: [part, ...issue.path.map(String)].join("."), message: issue.message })),
  );
  return new Problem(400, "Bad request", errors.map((e) => `${e.at}: ${e.message}`).join("; "), errors);
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

export { answerJson };
