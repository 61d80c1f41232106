import type { Context } from "hono";
import type { Bindings } from "../http.ts";
import { type Caller, canSee, mayUse } from "./caller.ts";
import { GitHubHttpError, notFound } from "./http-error.ts";
import { findRepository } from "./repositories.ts";
import type { Repository } from "./state.ts";
import type { World } from "./world.ts";

/** What every API route is given: the listener's own bindings and who asks. */
export type ApiEnv = Bindings & { Variables: { caller: Caller } };
export type ApiContext = Context<ApiEnv>;

/** The repository in the path, if the caller may do this with it; else GitHub's 401, 403 or 404. */
export function repositoryFor(
  world: World,
  c: ApiContext,
  permission: string,
  level: "read" | "write" = "read",
): Repository {
  const repository = findRepository(world, c.req.param("owner") ?? "", c.req.param("repo") ?? "");
  const caller = c.get("caller");
  if (!repository || !canSee(world, caller, repository)) throw notFound();
  if (mayUse(world, caller, repository, permission, level)) return repository;
  if (caller.kind === "anonymous") throw new GitHubHttpError(401, "Requires authentication");
  throw new GitHubHttpError(403, "Resource not accessible by integration");
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
