import type { Context } from "hono";
import type { Bindings } from "../http.ts";
import { canSee, mayUse } from "./access.ts";
import type { Caller } from "./caller.ts";
import { GitHubHttpError, moved, notFound } from "./http-error.ts";
import { findRepository, formerly } from "./repositories.ts";
import type { Repository, Role } from "./state.ts";
import type { World } from "./world.ts";

/** What every API route is given: the listener's own bindings and who asks. */
export type ApiEnv = Bindings & {
  Variables: {
    caller: Caller;
    /** What the request did, for the ledger. */
    did?: Record<string, unknown>;
  };
};
export type ApiContext = Context<ApiEnv>;

/**
 * The repository in the path, if the caller may do this with it; else GitHub's 301, 401, 403 or 404. `role` is what a
 * person needs when it is not the one that goes with the level.
 */
export function repositoryFor(
  world: World,
  c: ApiContext,
  permission: string,
  level: "read" | "write" = "read",
  role: Role = level,
): Repository {
  const repository = visibleRepository(world, c);
  const caller = c.get("caller");
  if (!mayUse(world, caller, repository, permission, level, role)) {
    if (caller.kind === "anonymous") throw new GitHubHttpError(401, "Requires authentication");
    throw new GitHubHttpError(403, forbidden(caller, role));
  }
  if (level === "write" && caller.kind === "anonymous") throw new GitHubHttpError(401, "Requires authentication");
  if (level === "write" && repository.archived && permission !== "administration") {
    throw new GitHubHttpError(403, "Repository was archived so is read-only.");
  }
  return repository;
}

function forbidden(caller: Caller, role: Role): string {
  if (caller.kind !== "user") return "Resource not accessible by integration";
  return role === "admin"
    ? "Must have admin rights to Repository."
    : "Resource not accessible by personal access token";
}

function visibleRepository(world: World, c: ApiContext): Repository {
  const { owner = "", repo = "" } = c.req.param() as Record<string, string>;
  const caller = c.get("caller");
  const repository = findRepository(world, owner, repo);
  if (repository && canSee(world, caller, repository)) return repository;
  const now = repository ? undefined : formerly(world, owner, repo);
  if (!now || !canSee(world, caller, now)) throw notFound();
  const { pathname, search } = new URL(c.req.url);
  const rest = /\/repos\/[^/]+\/[^/]+(.*)$/.exec(pathname)?.[1] ?? "";
  throw moved(c.req.method === "GET" ? 301 : 307, `${world.apiUrl}/repositories/${now.id}${rest}${search}`);
}

/** Routes under /app and the like: only a JWT of the App will do. */
export function requireApp(c: ApiContext): void {
  const caller = c.get("caller");
  if (caller.kind === "app") return;
  throw new GitHubHttpError(401, "A JSON web token could not be decoded");
}

/** The body as a JSON object; anything else is GitHub's 400 or 422. An absent body counts as empty. */
export async function jsonBody(c: ApiContext): Promise<Record<string, unknown>> {
  const text = await c.req.text();
  if (text.trim() === "") return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new GitHubHttpError(400, "Problems parsing JSON");
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new GitHubHttpError(422, "Invalid request. The body must be a JSON object.");
}

/** True if an Accept entry asks for this GitHub media type, e.g. `raw`: `application/vnd.github.raw+json`, `…v3.raw`. */
export function accepts(c: ApiContext, kind: "raw" | "object" | "sha"): boolean {
  return new RegExp(`application/vnd\\.github\\.(?:v3\\.)?${kind}(?:\\+json)?(?:[,;\\s]|$)`).test(
    c.req.header("accept") ?? "",
  );
}
