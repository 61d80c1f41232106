import type { Hono } from "hono";
import { actorOf } from "../access.ts";
import { accountBody, accountByLogin, botAccount } from "../account-body.ts";
import { type CommitStatus, type StatusState, statusStates } from "../commit-status.ts";
import { GitHubHttpError, notFound, validationFailed } from "../http-error.ts";
import { nodeId } from "../node-id.ts";
import { findObject, resolveCommit } from "../objects.ts";
import { pageOf } from "../paging.ts";
import { fullNameOf, gitDirOf } from "../repositories.ts";
import { repositoryApiUrl, repositoryBody } from "../repository-body.ts";
import { type ApiContext, type ApiEnv, jsonBody, repositoryFor } from "../request.ts";
import type { Repository } from "../state.ts";
import { record, takeId, type World } from "../world.ts";

/** https://docs.github.com/rest/commits/statuses */
export function statusRoutes(app: Hono<ApiEnv>, world: World): void {
  app.post("/repos/:owner/:repo/statuses/:sha", (c) => postStatus(world, c));
  app.get("/repos/:owner/:repo/commits/:ref{.+}/statuses", (c) => listStatuses(world, c));
  app.get("/repos/:owner/:repo/commits/:ref{.+}/status", (c) => combinedStatus(world, c));
}

/** Newest first. */
export function statusesOf(world: World, repository: Repository, sha: string): CommitStatus[] {
  return world.statuses.entries.filter((each) => each.repositoryId === repository.id && each.sha === sha).reverse();
}

async function postStatus(world: World, c: ApiContext): Promise<Response> {
  const repository = repositoryFor(world, c, "statuses", "write");
  const sha = c.req.param("sha") ?? "";
  const body = readBody(await jsonBody(c));
  const commit = /^[0-9a-f]{40}$/.test(sha) ? await findObject(gitDirOf(world, repository), sha) : undefined;
  if (commit?.type !== "commit") throw new GitHubHttpError(422, `No commit found for SHA: ${sha}`);
  const same = statusesOf(world, repository, sha).filter((each) => sameContext(each, body));
  if (same.length >= world.limits.statusesPerContext) {
    throw new GitHubHttpError(422, "Validation Failed", [
      {
        resource: "Status",
        code: "custom",
        message: "This SHA and context has reached the maximum number of statuses.",
      },
    ]);
  }
  const status: CommitStatus = {
    id: takeId(world),
    repositoryId: repository.id,
    sha,
    ...body,
    creator: actorOf(world, c.get("caller")).login,
    createdAt: world.now(),
  };
  world.state.save();
  world.statuses.append(status);
  const { id, context, state } = status;
  record(world, { kind: "status-posted", repository: fullNameOf(world, repository), sha, context, state, id });
  return c.json(statusBody(world, repository, status), 201);
}

/** `description` over 140 characters is refused, not cut. */
function readBody(
  body: Record<string, unknown>,
): Pick<CommitStatus, "state" | "context" | "description" | "targetUrl"> {
  const text = (field: string): string | null => {
    const value = body[field] ?? null;
    if (value === null || typeof value === "string") return value;
    throw validationFailed("Status", field, `${field} is not a string`);
  };
  const state = text("state");
  if (!statusStates.includes(state as StatusState)) {
    throw validationFailed("Status", "state", "state is not included in the list");
  }
  const description = text("description");
  if (description !== null && [...description].length > 140) {
    throw validationFailed("Status", "description", "description is too long (maximum is 140 characters)");
  }
  const targetUrl = text("target_url") || null;
  if (targetUrl !== null && !/^https?:\/\//i.test(targetUrl)) {
    throw validationFailed("Status", "target_url", "target_url must use http(s) scheme");
  }
  const context = text("context") || "default";
  if (context.length > 255) {
    throw validationFailed("Status", "context", "context is too long (maximum is 255 characters)");
  }
  return { state: state as StatusState, context, description, targetUrl };
}

async function listStatuses(world: World, c: ApiContext): Promise<Response> {
  const { repository, sha } = await statusTarget(world, c);
  const page = pageOf(world, c, statusesOf(world, repository, sha));
  return c.json(page.map((status) => statusBody(world, repository, status)));
}

async function combinedStatus(world: World, c: ApiContext): Promise<Response> {
  const { repository, sha } = await statusTarget(world, c);
  const all = statusesOf(world, repository, sha);
  const latest = all.filter((status, at) => all.findIndex((each) => sameContext(each, status)) === at);
  const api = repositoryApiUrl(world, repository);
  return c.json({
    state: combine(latest.map(({ state }) => state)),
    statuses: pageOf(world, c, latest).map((status) => {
      const { creator: _, ...simple } = statusBody(world, repository, status);
      return simple;
    }),
    sha,
    total_count: latest.length,
    repository: repositoryBody(world, repository),
    commit_url: `${api}/commits/${sha}`,
    url: `${api}/commits/${sha}/status`,
  });
}

async function statusTarget(world: World, c: ApiContext): Promise<{ repository: Repository; sha: string }> {
  const repository = repositoryFor(world, c, "statuses");
  const sha = await resolveCommit(world, repository, c.req.param("ref") ?? "");
  if (!sha) throw notFound();
  return { repository, sha };
}

/** Any error or failure: failure; none at all or one pending: pending; else success. */
function combine(states: readonly StatusState[]): StatusState {
  if (states.some((state) => state === "error" || state === "failure")) return "failure";
  return states.length === 0 || states.includes("pending") ? "pending" : "success";
}

/** Contexts are one whatever their case. */
function sameContext(a: Pick<CommitStatus, "context">, b: Pick<CommitStatus, "context">): boolean {
  return a.context.toLowerCase() === b.context.toLowerCase();
}

function statusBody(world: World, repository: Repository, status: CommitStatus) {
  const creator = accountByLogin(world, status.creator);
  const at = new Date(status.createdAt).toISOString().replace(/\.\d{3}Z$/, "Z");
  return {
    url: `${repositoryApiUrl(world, repository)}/statuses/${status.sha}`,
    avatar_url: `${world.url}/avatars/in/${world.app.id}?`,
    id: status.id,
    node_id: nodeId("StatusContext", status.id),
    state: status.state,
    description: status.description,
    target_url: status.targetUrl,
    context: status.context,
    created_at: at,
    updated_at: at,
    creator: accountBody(world, creator ?? botAccount(world)),
  };
}
