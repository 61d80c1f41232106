/** What the entry points have in common: the app, made once per process, and Functions' words turned into ours. */

import type { HttpRequest as FunctionsRequest, HttpResponseInit, InvocationContext } from "@azure/functions";
import type { ApiAnswer } from "./api/problem.ts";
import type { ApiRequest } from "./api/route.ts";
import { type App, loadApp } from "./app.ts";
import type { Log } from "./ports.ts";
import { redact } from "./redact.ts";

let made: App | undefined;

/** Made when the process starts, so that a missing setting stops the deployment and not the first delivery. */
export function app(): App {
  made ??= loadApp(process.env, process.cwd());
  return made;
}

/** One line of JSON a message: static text to group by, fields to search by. */
export function logOf(context: InvocationContext): Log {
  return (message, fields) => context.log(redact(JSON.stringify({ message, ...fields })));
}

export function apiRequest(request: FunctionsRequest): ApiRequest {
  return {
    method: request.method,
    path: (request.params.path ?? "").replace(/^\/+/, ""),
    query: new Map(request.query.entries()),
    header: (name) => request.headers.get(name) ?? undefined,
    text: () => request.text(),
  };
}

export function apiResponse(answer: ApiAnswer): HttpResponseInit {
  return { status: answer.status, headers: { ...answer.headers }, body: answer.body };
}
