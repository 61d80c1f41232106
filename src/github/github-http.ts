import { request as octokitRequest } from "@octokit/request";
import { PermanentError, TransientError } from "../errors.ts";
import { redact, safeCause } from "../redact.ts";
import { parseRetryAfter } from "../retry-after.ts";

export type Fetch = typeof globalThis.fetch;

const requestTimeoutMs = 20_000;
/** GitHub asks for at least a minute when it limits without saying for how long. */
const defaultWaitSeconds = 60;
const longestWaitSeconds = 3600;

/** @octokit/request set up for one API: version pinned (2026-03-10 drops fields we read), 20 s per request unless the call has its own signal. */
export function createRequest(apiUrl: string, fetch: Fetch = globalThis.fetch) {
  return octokitRequest.defaults({
    baseUrl: apiUrl,
    headers: {
      accept: "application/vnd.github+json",
      "x-github-api-version": "2022-11-28",
      "user-agent": "slipway",
    },
    request: {
      fetch: (url: string, init: RequestInit) =>
        fetch(url, { ...init, signal: init.signal ?? AbortSignal.timeout(requestTimeoutMs) }),
    },
  });
}
export type Request = ReturnType<typeof createRequest>;

/** GitHub's status for a refused request, or undefined when the failure was no answer. */
export function refusedWith(error: unknown): number | undefined {
  return answerOf(error)?.status;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number | undefined>>;
  readonly message: string;
}

/** @octokit/request reports a failed connection as a RequestError with status 500 and no response. */
function answerOf(error: unknown): Answer | undefined {
  if (!(error instanceof Error) || !("status" in error) || !("response" in error)) return undefined;
  const { response } = error as { response?: { status: number; headers?: Answer["headers"] } };
  return response && { status: response.status, headers: response.headers ?? {}, message: error.message };
}

/** Sorts a failure by status and rate-limit headers. Messages hold GitHub's sentence, redacted, and never a token or a URL's query. */
export function classifyGitHubFailure(act: string, error: unknown, nowMs = Date.now()): Error {
  if (error instanceof TransientError || error instanceof PermanentError) return error;
  const answer = answerOf(error);
  if (answer === undefined) return new TransientError(`${act}: GitHub did not answer`, { cause: safeCause(error) });
  const { status } = answer;
  const sentence = `${act}: GitHub answered ${status}: ${redact(answer.message).slice(0, 300)}`;
  if (status === 403 || status === 429) {
    const retryAfterSeconds = limitedFor(answer, nowMs);
    if (retryAfterSeconds !== undefined) return new TransientError(sentence, { retryAfterSeconds });
  }
  if (status === 408 || status >= 500)
    return new TransientError(sentence, { retryAfterSeconds: parseRetryAfter(header(answer, "retry-after"), nowMs) });
  return new PermanentError(codesByStatus[status] ?? "github-refused", sentence);
}

const codesByStatus: Record<number, string> = {
  401: "github-credentials",
  403: "github-forbidden",
  404: "github-absent",
  410: "github-absent",
  451: "github-forbidden",
};

/** https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit; undefined: a 403 that is about permission. */
function limitedFor(answer: Answer, nowMs: number): number | undefined {
  const asked = parseRetryAfter(header(answer, "retry-after"), nowMs);
  if (asked !== undefined) return asked;
  if (header(answer, "x-ratelimit-remaining") === "0") {
    // Both times by GitHub's clock when it gives one.
    const dated = Date.parse(header(answer, "date") ?? "");
    const wait = Number(header(answer, "x-ratelimit-reset")) - (Number.isNaN(dated) ? nowMs : dated) / 1000;
    return Number.isNaN(wait) ? defaultWaitSeconds : Math.min(longestWaitSeconds, Math.max(1, Math.ceil(wait)));
  }
  return answer.status === 429 ? defaultWaitSeconds : undefined;
}

function header(answer: Answer, name: string): string | undefined {
  const value = answer.headers[name];
  return value === undefined ? undefined : String(value);
}

/** The next page's URL of a `Link` header, if it stays on the API we were asked to use. */
export function nextPage(link: unknown, apiUrl: string): string | undefined {
  const url = typeof link === "string" ? /<([^<>]+)>;\s*rel="next"/.exec(link)?.[1] : undefined;
  if (url === undefined || !URL.canParse(url)) return undefined;
  if (new URL(url).origin !== new URL(apiUrl).origin)
    throw new TransientError("GitHub pointed to a next page on another host; not followed");
  return url;
}
