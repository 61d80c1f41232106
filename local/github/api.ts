import { randomUUID } from "node:crypto";
import { Hono } from "hono";
import { etag } from "hono/etag";
import { identifyCaller } from "./caller.ts";
import { takeApiFault } from "./faults.ts";
import { GitHubHttpError, notFound } from "./http-error.ts";
import { RateLimit } from "./rate-limit.ts";
import type { ApiContext, ApiEnv } from "./request.ts";
import { appRoutes } from "./routes/app-routes.ts";
import { archiveRoutes } from "./routes/archive-routes.ts";
import { commitRoutes } from "./routes/commit-routes.ts";
import { contentsRoutes } from "./routes/contents-routes.ts";
import { deliveryRoutes } from "./routes/delivery-routes.ts";
import { gitObjectRoutes } from "./routes/git-object-routes.ts";
import { refRoutes } from "./routes/ref-routes.ts";
import { repositoryRoutes } from "./routes/repository-routes.ts";
import { statusRoutes } from "./routes/status-routes.ts";
import type { World } from "./world.ts";

const apiVersions = ["2022-11-28", "2026-03-10"];

/** The REST API, to be mounted under `/api/v3` (as on GitHub Enterprise Server) and under `/` (as on api.github.com). */
export function gitHubApi(world: World): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  const rateLimit = new RateLimit(world.now);

  app.use(async (c, next) => {
    const caller = identifyCaller(world, c.req.header("authorization"));
    c.set("caller", caller);
    await next();
    for (const [name, value] of Object.entries(rateLimit.count(caller, c.res.status !== 304))) {
      c.res.headers.set(name, value);
    }
    c.res.headers.set("x-github-api-version-selected", c.req.header("x-github-api-version") ?? apiVersions[0]!);
    c.res.headers.set("x-github-media-type", "github.v3; format=json");
    c.res.headers.set("x-github-request-id", randomUUID());
  });
  app.use(etag({ weak: true, retainedHeaders: ["cache-control", "date", "etag", "link", "vary"] }));
  app.use(async (c, next) => {
    const fault = takeApiFault(world.faults, c.req.method, c.req.path);
    if (fault) return faultAnswer(c, fault.status, fault.retryAfter);
    const version = c.req.header("x-github-api-version");
    if (version !== undefined && !apiVersions.includes(version)) {
      throw new GitHubHttpError(400, `The API version ${version} is not supported.`);
    }
    const caller = c.get("caller");
    if (caller.kind === "refused") throw new GitHubHttpError(401, caller.message);
    await next();
  });

  repositoryRoutes(app, world);
  refRoutes(app, world);
  gitObjectRoutes(app, world);
  contentsRoutes(app, world);
  statusRoutes(app, world);
  commitRoutes(app, world);
  archiveRoutes(app, world);
  appRoutes(app, world);
  deliveryRoutes(app, world);
  app.all("*", () => {
    throw notFound();
  });
  return app;
}

/** Errors GitHub describes become its bodies; anything else is our bug and answered as 500. */
export function errorAnswer(error: Error): Response {
  if (error instanceof GitHubHttpError) return Response.json(error.body(), { status: error.status });
  return Response.json({ message: `Server Error: ${error.message}`, status: "500" }, { status: 500 });
}

function faultAnswer(c: ApiContext, status: 403 | 429 | 500 | 502 | 503 | 504, retryAfter?: number): Response {
  if (retryAfter !== undefined) c.header("retry-after", String(retryAfter));
  if (status >= 500) return c.json({ message: "Server Error" }, status);
  const message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
  return c.json(new GitHubHttpError(status, message).body(), status);
}
