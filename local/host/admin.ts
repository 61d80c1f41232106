import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { readBody } from "./http-request.ts";
import { writeEmpty } from "./http-response.ts";
import { isAllowed, type KeysFile, requestKey } from "./keys.ts";
import type { FunctionDefinition } from "./metadata.ts";

const BODY_LIMIT = 1_048_576;

export interface AdminOptions {
  readonly keys: KeysFile;
  /** What `/admin/host/status` tells besides state and uptime. */
  readonly status: object;
  readonly functions: readonly FunctionDefinition[];
  /** Functions in error by name. */
  readonly errors: ReadonlyMap<string, string>;
  /** Starts a non-HTTP function and does not wait for it. */
  readonly fire: (definition: FunctionDefinition, input: string) => void;
}

/**
 * The part of the host's admin API that development needs, behind the master key: `GET /admin/host/status`,
 * `GET /admin/functions[/<name>]` and `POST /admin/functions/<name>` `{"input": "..."}` to run one by hand; `GET
 * /admin/host/ping` is open. https://learn.microsoft.com/azure/azure-functions/functions-manually-run-non-http
 */
export async function answerAdmin(
  options: AdminOptions,
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [, , area, name, ...rest] = url.pathname.split("/").map((part) => part.toLowerCase());
  const method = request.method ?? "GET";
  if (area === "host" && name === "ping" && rest.length === 0) return writeEmpty(response, 200);
  const key = requestKey(request.headers["x-functions-key"], url.searchParams);
  if (!isAllowed(options.keys, "admin", "", key)) return writeEmpty(response, 401);
  if (method === "GET" && area === "host" && name === "status" && rest.length === 0) {
    return writeJson(response, {
      ...options.status,
      state: "Running",
      processUptime: Math.round(process.uptime() * 1000),
    });
  }
  if (area !== "functions" || rest.length > 0) return writeEmpty(response, 404);
  if (!name)
    return method === "GET" ? writeJson(response, options.functions.map(describe(options))) : writeEmpty(response, 404);
  const definition = options.functions.find((candidate) => candidate.name.toLowerCase() === name);
  if (!definition) return writeEmpty(response, 404);
  if (method === "GET") return writeJson(response, describe(options)(definition));
  if (method !== "POST") return writeEmpty(response, 404);
  if (definition.trigger.kind === "http") return writeEmpty(response, 400);
  const input = await readInput(request);
  if (input === undefined) return writeEmpty(response, 400);
  options.fire(definition, input);
  writeEmpty(response, 202);
}

function describe({ errors }: AdminOptions) {
  return (definition: FunctionDefinition): object => ({
    name: definition.name,
    kind: definition.trigger.kind,
    config: { bindings: Object.entries(definition.metadata.bindings).map(([name, binding]) => ({ ...binding, name })) },
    isDisabled: definition.disabled,
    ...(errors.has(definition.name) ? { error: errors.get(definition.name) } : {}),
  });
}

/** The text in `input`, empty when absent; undefined when the body is not such an object. */
async function readInput(request: IncomingMessage): Promise<string | undefined> {
  const body = await readBody(request, BODY_LIMIT);
  if (body.kind !== "read") return undefined;
  try {
    const parsed: unknown = JSON.parse(body.bytes?.toString("utf8") ?? "{}");
    if (typeof parsed !== "object" || parsed === null) return undefined;
    const input = (parsed as { input?: unknown }).input ?? "";
    return typeof input === "string" ? input : JSON.stringify(input);
  } catch {
    return undefined;
  }
}

/** A made-up message for a queue function that is fired by hand. */
export function handMadeMessage() {
  const now = new Date();
  return {
    messageId: randomUUID(),
    popReceipt: "",
    dequeueCount: 0,
    insertedOn: now,
    expiresOn: now,
    nextVisibleOn: now,
  };
}

function writeJson(response: ServerResponse, value: unknown): void {
  const body = Buffer.from(JSON.stringify(value));
  response.statusCode = 200;
  response.setHeader("content-type", "application/json; charset=utf-8");
  response.setHeader("content-length", body.length);
  response.end(body);
}
