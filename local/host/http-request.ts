import type { IncomingMessage } from "node:http";
import type { HttpData, Nullable } from "./core-types.ts";

export const DEFAULT_BODY_LIMIT = 104_857_600;

export type RequestBody =
  | { readonly kind: "read"; readonly bytes: Buffer | undefined; readonly dropped: boolean }
  | { readonly kind: "too-large" }
  | { readonly kind: "aborted" };

/**
 * Reads a body. Only one with Content-Length above zero reaches the function: the real host in its default RPC mode drops
 * chunked ones (`dropped`), so the twin must not let them work (facts/functions-host.md §1.6). `limit` in bytes.
 */
export async function readBody(request: IncomingMessage, limit: number): Promise<RequestBody> {
  const announced = Number(request.headers["content-length"] ?? 0);
  if (announced > limit) return { kind: "too-large" };
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > limit) return { kind: "too-large" };
      if (announced > 0) chunks.push(chunk);
    }
  } catch {
    return { kind: "aborted" };
  }
  if (announced > 0) return { kind: "read", bytes: Buffer.concat(chunks), dropped: false };
  return { kind: "read", bytes: undefined, dropped: length > 0 };
}

/**
 * A request as the host sends it to the worker: header names in lower case, repeated headers and query values joined with
 * a comma, the body as raw bytes.
 */
export function httpRequestData(
  request: IncomingMessage,
  url: URL,
  params: Readonly<Record<string, string>>,
  body: Buffer | undefined,
): HttpData {
  return {
    method: request.method ?? "GET",
    url: url.href,
    nullableHeaders: joined(headerPairs(request.rawHeaders)),
    nullableParams: joined(Object.entries(params)),
    nullableQuery: joined([...url.searchParams]),
    ...(body ? { body: { bytes: body } } : {}),
  };
}

function headerPairs(rawHeaders: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [name = "", value = ""] = rawHeaders.slice(at, at + 2);
    if (value !== "") pairs.push([name.toLowerCase(), value]);
  }
  return pairs;
}

function joined(pairs: readonly (readonly [string, string])[]): Record<string, Nullable<string>> {
  const values = new Map<string, string>();
  for (const [name, value] of pairs) {
    const earlier = values.get(name);
    values.set(name, earlier === undefined ? value : `${earlier},${value}`);
  }
  return Object.fromEntries([...values].map(([name, value]) => [name, { value }]));
}
