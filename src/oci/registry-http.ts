import { createHash } from "node:crypto";
import { mayFollow } from "../endpoint.ts";
import { TransientError } from "../errors.ts";
import { safeCause } from "../redact.ts";

export type Fetch = typeof globalThis.fetch;

const requestTimeoutMs = 15_000;
const redirectLimit = 4;
/** The OCI spec asks registries to take manifests up to 4 MiB; token answers are far smaller. */
const bodyLimit = 4 * 1024 * 1024;

export interface RegistryRequest {
  readonly url: URL;
  readonly method: "GET" | "HEAD" | "PUT" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  /** Goes to the host of `url` only: a redirect to another host is followed without it. */
  readonly authorization?: string;
  /** Which other hosts a redirect may lead to; none unless given. */
  readonly mayGo?: (to: URL) => boolean;
  readonly body?: Uint8Array<ArrayBuffer> | URLSearchParams;
}

export interface RegistryAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Empty for HEAD. */
  readonly body: Uint8Array;
}

/**
 * One request within 15 s, its redirects followed for GET and HEAD, its body capped at 4 MiB.
 * Throws TransientError when there is no usable answer; any status is an answer. Errors name hosts, never queries.
 */
export async function sendToRegistry(fetch: Fetch, request: RegistryRequest): Promise<RegistryAnswer> {
  const signal = AbortSignal.timeout(requestTimeoutMs);
  let { url, authorization } = request;
  for (let redirects = 0; ; redirects++) {
    const answer = await once(fetch, request, url, authorization, signal);
    const target = answer.headers.get("location");
    const redirected = [301, 302, 303, 307, 308].includes(answer.status) && target !== null;
    if (!redirected || (request.method !== "GET" && request.method !== "HEAD"))
      return { status: answer.status, headers: answer.headers, body: await readBody(answer, url) };
    await answer.body?.cancel();
    const next = redirects < redirectLimit && URL.canParse(target, url.href) ? new URL(target, url) : undefined;
    if (next === undefined || !mayFollow(url, next) || (next.host !== url.host && !request.mayGo?.(next)))
      throw new TransientError(`${url.host} redirected to ${next?.host ?? "nowhere"}, where we do not go`);
    // Once dropped it stays dropped: a chain that comes back does not get it again.
    if (next.origin !== url.origin) authorization = undefined;
    url = next;
  }
}

async function once(
  fetch: Fetch,
  request: RegistryRequest,
  url: URL,
  authorization: string | undefined,
  signal: AbortSignal,
) {
  try {
    return await fetch(url, {
      method: request.method,
      // Identity, because a digest is over the bytes as stored.
      headers: { "accept-encoding": "identity", ...request.headers, ...(authorization && { authorization }) },
      body: request.body,
      redirect: "manual",
      signal,
    });
  } catch (error) {
    throw new TransientError(`${url.host} did not answer`, { cause: safeCause(error) });
  }
}

async function readBody(answer: Response, url: URL): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of answer.body ?? []) {
      length += chunk.length;
      if (length > bodyLimit) break;
      chunks.push(chunk);
    }
  } catch (error) {
    throw new TransientError(`${url.host}'s answer broke off`, { cause: safeCause(error) });
  }
  if (length > bodyLimit) throw new TransientError(`${url.host}'s answer is over 4 MiB`);
  return Buffer.concat(chunks);
}

export function sha256Digest(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
