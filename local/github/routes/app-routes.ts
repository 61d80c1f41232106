import type { Hono } from "hono";
import { actorOf, reachOf } from "../access.ts";
import { appBody } from "../app-body.ts";
import { saveAndSend } from "../emit.ts";
import { GitHubHttpError, moved, notFound } from "../http-error.ts";
import { issueToken } from "../installation-token.ts";
import { installationBody, reselect, selectionOf, suspend, uninstall, unsuspend } from "../installations.ts";
import { pageOf } from "../paging.ts";
import { coveredBy, findRepository, formerly, installationOf, repositoryById } from "../repositories.ts";
import { repositoryBody } from "../repository-body.ts";
import { type ApiContext, type ApiEnv, jsonBody, requireApp } from "../request.ts";
import { roleOf } from "../roles.ts";
import type { Installation, Repository } from "../state.ts";
import type { World } from "../world.ts";

/** https://docs.github.com/rest/apps/apps and …/apps/installations */
export function appRoutes(app: Hono<ApiEnv>, world: World): void {
  app.get("/app", (c) => {
    requireApp(c);
    return c.json({ ...appBody(world), installations_count: world.state.value.installations.length });
  });

  app.get("/app/installations", (c) => {
    requireApp(c);
    const page = pageOf(world, c, world.state.value.installations);
    return c.json(page.map((installation) => installationBody(world, installation, "rest")));
  });

  app.get("/app/installations/:id{[0-9]+}", (c) => {
    requireApp(c);
    return c.json(installationBody(world, installationFor(world, c), "rest"));
  });

  app.post("/app/installations/:id{[0-9]+}/access_tokens", async (c) => {
    requireApp(c);
    return createToken(world, c, installationFor(world, c));
  });

  app.put("/app/installations/:id{[0-9]+}/suspended", (c) => change(world, c, suspend));
  app.delete("/app/installations/:id{[0-9]+}/suspended", (c) => change(world, c, unsuspend));
  app.delete("/app/installations/:id{[0-9]+}", (c) => change(world, c, uninstall));
  app.put("/user/installations/:id{[0-9]+}/repositories/:repository{[0-9]+}", (c) => select(world, c, "added"));
  app.delete("/user/installations/:id{[0-9]+}/repositories/:repository{[0-9]+}", (c) => select(world, c, "removed"));

  app.get("/repos/:owner/:repo/installation", (c) => {
    requireApp(c);
    const { owner, repo } = c.req.param();
    const repository = findRepository(world, owner, repo);
    const now = repository ? undefined : formerly(world, owner, repo);
    if (now) throw moved(301, `${world.apiUrl}/repositories/${now.id}/installation`);
    const installation = repository && installationOf(world, repository);
    if (!installation) throw notFound();
    return c.json(installationBody(world, installation, "rest"));
  });

  app.get("/installation/repositories", (c) => {
    const caller = c.get("caller");
    if (caller.kind !== "installation") {
      throw new GitHubHttpError(403, "You must authenticate with an installation access token");
    }
    const visible = reachOf(world, caller);
    const installation = world.state.value.installations.find(({ id }) => id === caller.token.installationId);
    return c.json({
      total_count: visible.length,
      repository_selection: caller.token.repositoryIds ? "selected" : selectionOf(installation!),
      repositories: pageOf(world, c, visible).map((repository) => repositoryBody(world, repository)),
    });
  });
}

function change(world: World, c: ApiContext, how: typeof suspend): Response {
  requireApp(c);
  saveAndSend(world, [how(world, installationFor(world, c), actorOf(world, c.get("caller")))]);
  return c.body(null, 204);
}

/** A person chooses among the repositories they administer. */
function select(world: World, c: ApiContext, which: "added" | "removed"): Response {
  const caller = c.get("caller");
  if (caller.kind !== "user") throw new GitHubHttpError(401, "Requires authentication");
  const installation = installationFor(world, c);
  const repository = repositoryById(world, Number(c.req.param("repository")));
  const theirs = repository && roleOf(world, repository, caller.account) === "admin";
  if (!theirs || repository.ownerId !== installation.accountId) throw notFound();
  if (!installation.repositoryIds) {
    throw new GitHubHttpError(422, "The installation has access to all repositories of the account.");
  }
  if (coveredBy(installation, repository) === (which === "added")) return c.body(null, 204);
  saveAndSend(world, [reselect(world, installation, { [which]: [repository] }, caller.account)]);
  return c.body(null, 204);
}

async function createToken(world: World, c: ApiContext, installation: Installation): Promise<Response> {
  if (installation.suspendedAt !== undefined) {
    throw new GitHubHttpError(403, "This installation has been suspended");
  }
  const body = await jsonBody(c);
  const permissions = narrowPermissions(world, body.permissions);
  const repositories = narrowRepositories(world, installation, body.repository_ids, body.repositories);
  const repositoryIds = repositories?.map(({ id }) => id);
  const [token, issued] = issueToken(world, { installationId: installation.id, permissions, repositoryIds });
  return c.json(
    {
      token,
      expires_at: new Date(issued.expiresAt).toISOString().replace(/\.\d{3}Z$/, "Z"),
      permissions,
      repository_selection: repositories ? "selected" : selectionOf(installation),
      ...(repositories ? { repositories: repositories.map((each) => repositoryBody(world, each)) } : {}),
    },
    201,
  );
}

/** A token may have less than the App was granted, never more; metadata comes with anything. */
function narrowPermissions(world: World, wanted: unknown): Record<string, string> {
  if (wanted === undefined || wanted === null) return { ...world.app.permissions };
  if (typeof wanted !== "object") throw new GitHubHttpError(422, "Invalid request. permissions is not an object.");
  const permissions: Record<string, string> = { metadata: "read" };
  for (const [name, level] of Object.entries(wanted)) {
    const granted = world.app.permissions[name];
    const enough = level === granted || (level === "read" && granted === "write");
    if (!enough) {
      throw new GitHubHttpError(422, "The permissions requested are not granted to this installation.");
    }
    permissions[name] = level as string;
  }
  return permissions;
}

function narrowRepositories(
  world: World,
  installation: Installation,
  ids: unknown,
  names: unknown,
): Repository[] | undefined {
  if (ids === undefined && names === undefined) return undefined;
  const wanted = [ids ?? [], names ?? []].flat();
  const all = world.state.value.repositories.filter((each) => coveredBy(installation, each));
  const found = wanted.map((key) => all.find(({ id, name }) => id === key || name === key));
  if (wanted.length > 500) throw new GitHubHttpError(422, "A token can be limited to at most 500 repositories.");
  if (found.includes(undefined)) {
    throw new GitHubHttpError(
      422,
      "There is at least one repository that does not exist or is not accessible to the parent installation.",
    );
  }
  return [...new Set(found)] as Repository[];
}

function installationFor(world: World, c: ApiContext): Installation {
  const installation = world.state.value.installations.find(({ id }) => id === Number(c.req.param("id")));
  if (!installation) throw notFound();
  return installation;
}
