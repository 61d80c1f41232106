import { setTimeout as delay } from "node:timers/promises";
import * as z from "zod";
import type { SourceRepository } from "../core/source.ts";
import { InternalError, PermanentError, TransientError } from "../errors.ts";
import type { GitHubAuth, GitHubPermissions, RepositoryHint } from "./auth.ts";
import { classifyGitHubFailure, type Request, refusedWith } from "./github-http.ts";

export interface Call {
  readonly method?: "GET" | "POST";
  /** Percent-encoded path below the API URL, or a next page's whole URL. */
  readonly path: string;
  readonly body?: Readonly<Record<string, string | undefined>>;
  readonly accept?: string;
  /** Leave the body a stream and redirects to the caller. */
  readonly stream?: { readonly signal: AbortSignal };
}

export interface GitHubAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number | undefined>>;
  readonly data: unknown;
}

export type CallAs = (repository: RepositoryHint, permissions: GitHubPermissions, call: Call) => Promise<GitHubAnswer>;

/** A token just made is unknown to some of GitHub's servers for a moment, and an old one may have been revoked: one 401 gets one fresh token. */
const pauseBeforeFreshTokenMs = 500;

export function createCallAs(request: Request, auth: GitHubAuth): CallAs {
  return async (repository, permissions, call) => {
    const token = await auth.tokenFor(repository, permissions);
    try {
      return await send(request, token.expose(), call);
    } catch (error) {
      if (refusedWith(error) !== 401) throw error;
      const fresh = await auth.tokenFor(repository, permissions, { fresh: true });
      if (fresh.expose() === token.expose()) throw error;
      await delay(pauseBeforeFreshTokenMs);
      return await send(request, fresh.expose(), call);
    }
  };
}

export async function send(request: Request, token: string, call: Call): Promise<GitHubAnswer> {
  const { method = "GET", path, body, accept, stream } = call;
  return await request({
    method,
    url: path,
    ...body,
    headers: { authorization: `Bearer ${token}`, ...(accept && { accept }) },
    ...(stream && { request: { signal: stream.signal, redirect: "manual", parseSuccessResponseBody: false } }),
  });
}

/** Runs one act and classifies what goes wrong, once. An answer that is not as documented may be a proxy's: worth another try. */
export async function classified<T>(act: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof InternalError) throw error;
    if (error instanceof z.ZodError)
      throw new TransientError(`${act}: GitHub's answer is not as documented: ${z.prettifyError(error)}`);
    throw classifyGitHubFailure(act, error);
  }
}

/** `/repos/owner/name` followed by the parts, each encoded. */
export function repositoryPath(source: SourceRepository, ...parts: string[]): string {
  const [owner, name, ...rest] = source.fullName.split("/");
  if (!owner || !name || rest.length > 0) throw new InternalError(`not a source repository's name: ${source.fullName}`);
  return ["/repos", owner, name, ...parts].map((part, index) => (index === 0 ? part : encodePath(part))).join("/");
}

/** Percent-encodes each segment. "." and ".." cannot be encoded and would climb. */
export function encodePath(path: string): string {
  const segments = path.split("/");
  if (segments.some((segment) => segment === "." || segment === ".."))
    throw new PermanentError("bad-path", `a path with dot segments: ${path.slice(0, 200)}`);
  return segments.map(encodeURIComponent).join("/");
}
