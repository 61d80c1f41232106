import type { Hono } from "hono";
import { accountBody } from "../account-body.ts";
import { GitHubHttpError, notFound } from "../http-error.ts";
import { grantedPermissions, issueToken } from "../installation-token.ts";
import { nodeId } from "../node-id.ts";
import { pageOf } from "../paging.ts";
import { findRepository, installationOf } from "../repositories.ts";
import { repositoryBody } from "../repository-body.ts";
import { type ApiContext, type ApiEnv, jsonBody, requireApp } from "../request.ts";
import type { Installation, Repository } from "../state.ts";
import type { World } from "../world.ts";

/** https://docs.github.com/rest/apps/apps and …/apps/installations */
export function appRoutes(app: Hono<ApiEnv>, world: World): void {
  app.get("/app", (c) => {
    requireApp(c);
    return c.json(appBody(world));
  });

  app.get("/app/installations", (c) => {
    requireApp(c);
    const page = pageOf(world, c, world.state.value.installations);
    return c.json(page.map((installation) => installationBody(world, installation)));
  });

  app.get("/app/installations/:id{[0-9]+}", (c) => {
    requireApp(c);
    return c.json(installationBody(world, installationFor(world, c)));
  });

  app.post("/app/installations/:id{[0-9]+}/access_tokens", async (c) => {
    requireApp(c);
    return createToken(world, c, installationFor(world, c));
  });

  app.get("/repos/:owner/:repo/installation", (c) => {
    requireApp(c);
    const repository = findRepository(world, c.req.param("owner"), c.req.param("repo"));
    const installation = repository && installationOf(world, repository);
    if (!installation) throw notFound();
    return c.json(installationBody(world, installation));
  });

  app.get("/installation/repositories", (c) => {
    const caller = c.get("caller");
    if (caller.kind !== "installation") {
      throw new GitHubHttpError(403, "You must authenticate with an installation access token");
    }
    const { installationId, repositoryIds } = caller.token;
    const all = repositoriesOf(world, installationId);
    const visible = repositoryIds ? all.filter(({ id }) => repositoryIds.includes(id)) : all;
    return c.json({
      total_count: visible.length,
      repository_selection: repositoryIds ? "selected" : "all",
      repositories: pageOf(world, c, visible).map((repository) => repositoryBody(world, repository)),
    });
  });
}

async function createToken(world: World, c: ApiContext, installation: Installation): Promise<Response> {
  const body = await jsonBody(c);
  const permissions = narrowPermissions(body.permissions);
  const repositories = narrowRepositories(world, installation, body.repository_ids, body.repositories);
  const repositoryIds = repositories?.map(({ id }) => id);
  const [token, issued] = issueToken(world, { installationId: installation.id, permissions, repositoryIds });
  return c.json(
    {
      token,
      expires_at: new Date(issued.expiresAt).toISOString().replace(/\.\d{3}Z$/, "Z"),
      permissions,
      repository_selection: repositories ? "selected" : "all",
      ...(repositories ? { repositories: repositories.map((each) => repositoryBody(world, each)) } : {}),
    },
    201,
  );
}

/** A token may have less than the App was granted, never more; metadata comes with anything. */
function narrowPermissions(wanted: unknown): Record<string, string> {
  if (wanted === undefined || wanted === null) return { ...grantedPermissions };
  if (typeof wanted !== "object") throw new GitHubHttpError(422, "Invalid request. permissions is not an object.");
  const permissions: Record<string, string> = { metadata: "read" };
  for (const [name, level] of Object.entries(wanted)) {
    const granted = grantedPermissions[name];
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
  const all = repositoriesOf(world, installation.id);
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

function repositoriesOf(world: World, installationId: number): Repository[] {
  const installation = world.state.value.installations.find(({ id }) => id === installationId);
  return world.state.value.repositories.filter(({ ownerId }) => ownerId === installation?.accountId);
}

function installationFor(world: World, c: ApiContext): Installation {
  const installation = world.state.value.installations.find(({ id }) => id === Number(c.req.param("id")));
  if (!installation) throw notFound();
  return installation;
}

function appBody(world: World) {
  const count = world.state.value.installations.length;
  const made = "2026-01-01T00:00:00Z";
  return {
    id: world.app.id,
    client_id: world.app.clientId,
    slug: world.app.slug,
    node_id: nodeId("Integration", world.app.id),
    owner: accountBody(world, { id: 1, login: "local", type: "Organization" }),
    name: world.app.slug,
    description: "The App of the local GitHub",
    external_url: world.url,
    html_url: `${world.url}/apps/${world.app.slug}`,
    created_at: made,
    updated_at: made,
    permissions: grantedPermissions,
    events: ["push"],
    installations_count: count,
  };
}

function installationBody(world: World, installation: Installation) {
  const account = world.state.value.accounts.find(({ id }) => id === installation.accountId)!;
  const at = new Date(installation.createdAt).toISOString().replace(/\.\d{3}Z$/, "Z");
  const url = `${world.apiUrl}/app/installations/${installation.id}`;
  return {
    id: installation.id,
    account: accountBody(world, account),
    access_tokens_url: `${url}/access_tokens`,
    repositories_url: `${world.apiUrl}/installation/repositories`,
    html_url: `${world.url}/settings/installations/${installation.id}`,
    app_id: world.app.id,
    app_slug: world.app.slug,
    client_id: world.app.clientId,
    target_id: account.id,
    target_type: account.type,
    repository_selection: "all",
    permissions: grantedPermissions,
    events: ["push"],
    created_at: at,
    updated_at: at,
    single_file_name: null,
    has_multiple_single_files: false,
    single_file_paths: [],
    suspended_by: null,
    suspended_at: null,
  };
}
