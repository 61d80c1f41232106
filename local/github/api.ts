import { randomUUID } from "node:crypto";
import { Hono } from "hono";
import { etag } from "hono/etag";
import { getPath } from "hono/utils/url";
import { misbehaving } from "../http-faults.ts";
import { identifyCaller } from "./access.ts";
import { callerName } from "./caller.ts";
import { GitHubHttpError, notFound } from "./http-error.ts";
import { fullNameOf, repositoryById } from "./repositories.ts";
import type { ApiContext, ApiEnv } from "./request.ts";
import { appRoutes } from "./routes/app-routes.ts";
import { archiveRoutes } from "./routes/archive-routes.ts";
import { checkRoutes } from "./routes/check-routes.ts";
import { collaboratorRoutes } from "./routes/collaborator-routes.ts";
import { commentRoutes } from "./routes/comment-routes.ts";
import { commitRoutes } from "./routes/commit-routes.ts";
import { contentsRoutes } from "./routes/contents-routes.ts";
import { deliveryRoutes } from "./routes/delivery-routes.ts";
import { gitObjectRoutes } from "./routes/git-object-routes.ts";
import { pullRoutes } from "./routes/pull-routes.ts";
import { refRoutes } from "./routes/ref-routes.ts";
import { repositoryRoutes } from "./routes/repository-routes.ts";
import { statusRoutes } from "./routes/status-routes.ts";
import { record, type World } from "./world.ts";

const apiVersions = ["2022-11-28", "2026-03-10"];

/** The REST API, to be mounted under `/api/v3` (as on GitHub Enterprise Server) and under `/` (as on api.github.com). */
export function gitHubApi(world: World): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();

  app.use(async (c, next) => {
    const caller = identifyCaller(world, c.req.header("authorization"));
    c.set("caller", caller);
    const refusal = world.rates.begin(caller, c.req.method);
    const refused = world.faults.enforceRateLimits && !asksForLimits(c) ? refusal : undefined;
    if (refused) {
      if (refused.retryAfter !== undefined) c.header("retry-after", String(refused.retryAfter));
      c.res = c.json(new GitHubHttpError(403, refused.message).body(), 403);
    } else await next();
    world.rates.end(caller, refused !== undefined || c.res.status === 304 || asksForLimits(c));
    const { limit, used, remaining, reset } = world.rates.core(caller);
    const counted = { limit, remaining, reset, resource: "core", used };
    for (const [name, value] of Object.entries(counted)) c.res.headers.set(`x-ratelimit-${name}`, String(value));
    c.res.headers.set("x-github-api-version-selected", c.req.header("x-github-api-version") ?? apiVersions[0]!);
    c.res.headers.set("x-github-media-type", "github.v3; format=json");
    c.res.headers.set("x-github-request-id", randomUUID());
  });
  // Outside the ledger, which has what was done whatever is then answered.
  app.use(misbehaving(() => world.faults.api, faultAnswer));
  app.use(async (c, next) => {
    await next();
    if (["GET", "HEAD", "OPTIONS"].includes(c.req.method) || c.res.status >= 300) return;
    const { method } = c.req;
    const did = c.get("did");
    const by = callerName(c.get("caller"));
    const path = new URL(c.req.url).pathname.replace(/^\/api\/v3/, "");
    record(world, { kind: "request", by, method, path, status: c.res.status, ...(did ? { did } : {}) });
  });
  app.use(etag({ weak: true, retainedHeaders: ["cache-control", "date", "etag", "link", "vary", "last-modified"] }));
  app.use(notModifiedSince);
  app.use(async (c, next) => {
    const version = c.req.header("x-github-api-version");
    if (version !== undefined && !apiVersions.includes(version)) {
      throw new GitHubHttpError(400, `The API version ${version} is not supported.`);
    }
    const caller = c.get("caller");
    if (caller.kind === "refused") throw new GitHubHttpError(caller.status, caller.message);
    await next();
  });

  app.get("/rate_limit", (c) => {
    const core = world.rates.core(c.get("caller"));
    return c.json({ resources: { core }, rate: core });
  });
  repositoryRoutes(app, world);
  collaboratorRoutes(app, world);
  pullRoutes(app, world);
  commentRoutes(app, world);
  refRoutes(app, world);
  gitObjectRoutes(app, world);
  contentsRoutes(app, world);
  statusRoutes(app, world);
  checkRoutes(app, world);
  commitRoutes(app, world);
  archiveRoutes(app, world);
  appRoutes(app, world);
  deliveryRoutes(app, world);
  app.all("*", () => {
    throw notFound();
  });
  return app;
}

/** Asking for the limits costs nothing and is never refused. https://docs.github.com/rest/rate-limit/rate-limit */
function asksForLimits(c: ApiContext): boolean {
  return c.req.path.endsWith("/rate_limit");
}

/** `If-Modified-Since`, where an answer says when it was last modified; `If-None-Match` counts for more. */
async function notModifiedSince(c: ApiContext, next: () => Promise<void>): Promise<void> {
  await next();
  const since = Date.parse(c.req.header("if-modified-since") ?? "");
  const modified = Date.parse(c.res.headers.get("last-modified") ?? "");
  if (c.res.status !== 200 || c.req.header("if-none-match") !== undefined || !(modified <= since)) return;
  c.res = new Response(null, { status: 304, headers: { "last-modified": c.res.headers.get("last-modified")! } });
}

/**
 * Repositories answer by id too, under any path: undocumented, long used, and where a renamed one's 301 leads. Give it to
 * Hono as `getPath`.
 */
export function pathWithName(world: World, request: Request): string {
  const pathname = getPath(request);
  const [, root = "", id, rest = ""] = /^((?:\/api\/v3)?)\/repositories\/(\d+)(\/.*)?$/.exec(pathname) ?? [];
  const repository = id === undefined ? undefined : repositoryById(world, Number(id));
  return repository ? `${root}/repos/${fullNameOf(world, repository)}${rest}` : pathname;
}

/** Errors GitHub describes become its bodies; anything else is our bug and answered as 500. */
export function errorAnswer(error: Error): Response {
  if (error instanceof GitHubHttpError) {
    return Response.json(error.body(), { status: error.status, headers: error.headers });
  }
  return Response.json({ message: `Server Error: ${error.message}`, status: "500" }, { status: 500 });
}

function faultAnswer(status: number, retryAfter?: number): Response {
  const headers: Record<string, string> = retryAfter === undefined ? {} : { "retry-after": String(retryAfter) };
  if (status >= 500) return Response.json({ message: "Server Error" }, { status, headers });
  const message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
  return Response.json(new GitHubHttpError(status, message).body(), { status, headers });
}
