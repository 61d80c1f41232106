/** Errors as problem details. https://www.rfc-editor.org/rfc/rfc9457 */
import type { WrongPart } from "./wrong-part.ts";

export class Problem extends Error {
  override readonly name = "Problem";
  readonly status: number;
  readonly title: string;
  /** What is wrong with which part of the request. */
  readonly errors: readonly WrongPart[];
  readonly headers: Readonly<Record<string, string>>;
  constructor(
    status: number,
    title: string,
    detail: string,
    errors: Problem["errors"] = [],
    headers: Problem["headers"] = {},
  ) {
    super(detail);
    this.status = status;
    this.title = title;
    this.errors = errors;
    this.headers = headers;
  }
}

export function badRequest(...errors: readonly WrongPart[]): Problem {
  return new Problem(400, "Bad request", errors.map((e) => `${e.at}: ${e.message}`).join("; "), errors);
}

export function notFound(detail: string): Problem {
  return new Problem(404, "Not found", detail);
}

export interface ApiAnswer<T = unknown> {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
  /** What the body says, where it is JSON: so a route cannot answer anything but its schema. */
  readonly value?: T;
}

export function answerJson<T>(
  value: T,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): ApiAnswer<T> & { readonly value: T } {
  return {
    value,
    status,
    headers: { "content-type": "application/json; charset=utf-8", "cache-control": "no-store", ...headers },
    body: `${JSON.stringify(value, null, 2)}\n`,
  };
}

export function answerProblem(problem: Problem): ApiAnswer {
  const body = {
    type: "about:blank",
    title: problem.title,
    status: problem.status,
    detail: problem.message,
    ...(problem.errors.length > 0 ? { errors: problem.errors } : {}),
  };
  return answerJson(body, problem.status, {
    ...problem.headers,
    "content-type": "application/problem+json; charset=utf-8",
  });
}
