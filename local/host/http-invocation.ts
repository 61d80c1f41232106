import type { IncomingMessage, ServerResponse } from "node:http";
import type { InvocationResponse } from "./core-types.ts";
import { httpRequestData, readBody } from "./http-request.ts";
import { writeEmpty, writeHttpResponse } from "./http-response.ts";
import type { HttpFunction } from "./http-router.ts";
import type { Invoker } from "./invocation.ts";
import { isAllowed, type KeysFile, requestKey } from "./keys.ts";
import type { Log } from "./log.ts";
import type { RouteValues } from "./route-template.ts";

export interface HttpInvocationOptions {
  readonly keys: KeysFile;
  readonly invoker: Invoker;
  readonly log: Log;
  /** Bytes. */
  readonly bodyLimit: number;
}

/** Answers one request with the function it was routed to: key, body, run, reply. */
export async function invokeHttp(
  { keys, invoker, log, bodyLimit }: HttpInvocationOptions,
  definition: HttpFunction,
  values: RouteValues,
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const key = requestKey(request.headers["x-functions-key"], url.searchParams);
  if (!isAllowed(keys, definition.trigger.authLevel, definition.name, key)) return writeEmpty(response, 401);
  const body = await readBody(request, bodyLimit);
  if (body.kind === "aborted") return;
  if (body.kind === "too-large") {
    // The rest of the body is not read, so the connection cannot be used again.
    response.shouldKeepAlive = false;
    return writeEmpty(response, 413);
  }
  const warn = (message: string): void => log("warning", "Host.Triggers.Http", message, { function: definition.name });
  if (body.dropped)
    warn("The request body was sent without Content-Length (chunked): the function sees no body, as on Azure");
  if (/%2f/i.test(url.pathname))
    warn("The path contains %2F, which stays encoded in route parameters; front ends may decode it");
  let result: InvocationResponse;
  try {
    result = await invoker.invoke(definition, {
      data: { http: httpRequestData(request, url, values, body.bytes) },
      traceParent: single(request.headers.traceparent),
      traceState: single(request.headers.tracestate),
      reason: "This function was programmatically called via the host APIs.",
    });
  } catch {
    // The invoker has logged it.
    return writeEmpty(response, 500);
  }
  try {
    writeHttpResponse(response, result.returnValue);
  } catch (error) {
    warn(`The response cannot be sent: ${(error as Error).message}`);
    writeEmpty(response, 500);
  }
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
