import type { Hono } from "hono";
import { GitHubHttpError, notFound } from "../http-error.ts";
import { nodeId } from "../node-id.ts";
import { findObjects } from "../objects.ts";
import { pageOf } from "../paging.ts";
import { gitDirOf } from "../repositories.ts";
import { repositoryApiUrl } from "../repository-body.ts";
import { type ApiEnv, repositoryFor } from "../request.ts";
import type { Repository } from "../state.ts";
import type { World } from "../world.ts";

/** https://docs.github.com/rest/git/refs and https://docs.github.com/rest/branches/branches */
export function refRoutes(app: Hono<ApiEnv>, world: World): void {
  app.get("/repos/:owner/:repo/git/ref/:ref{.+}", async (c) => {
    const repository = repositoryFor(world, c, "contents");
    const ref = `refs/${c.req.param("ref")}`;
    refuseEmpty(repository);
    const refs = world.lag.visibleRefs(repository);
    if (!Object.hasOwn(refs, ref)) throw notFound();
    const [body] = await refBodies(world, repository, [ref], refs);
    return c.json(body);
  });

  app.get("/repos/:owner/:repo/git/matching-refs/:prefix{.+}", async (c) => {
    const repository = repositoryFor(world, c, "contents");
    const prefix = `refs/${c.req.param("prefix")}`;
    refuseEmpty(repository);
    const refs = world.lag.visibleRefs(repository);
    const names = Object.keys(refs).filter((ref) => ref.startsWith(prefix));
    return c.json(await refBodies(world, repository, pageOf(world, c, names.sort()), refs));
  });

  app.get("/repos/:owner/:repo/branches", (c) => {
    const repository = repositoryFor(world, c, "contents");
    const refs = world.lag.visibleRefs(repository);
    const names = Object.keys(refs).filter((ref) => ref.startsWith("refs/heads/"));
    const branches = pageOf(world, c, names.sort()).map((ref) => ({
      name: ref.slice("refs/heads/".length),
      commit: { sha: refs[ref], url: `${repositoryApiUrl(world, repository)}/commits/${refs[ref]}` },
      protected: false,
    }));
    return c.json(branches);
  });
}

function refuseEmpty(repository: Repository): void {
  if (Object.keys(repository.refs).length === 0) throw new GitHubHttpError(409, "Git Repository is empty.");
}

async function refBodies(
  world: World,
  repository: Repository,
  names: readonly string[],
  refs: Record<string, string>,
): Promise<object[]> {
  const api = repositoryApiUrl(world, repository);
  const objects = await findObjects(
    gitDirOf(world, repository),
    names.map((name) => refs[name]!),
  );
  return names.map((ref, at) => {
    const { sha, type } = objects[at]!;
    return {
      ref,
      node_id: nodeId("Ref", `${repository.id}:${ref}`),
      url: `${api}/git/${ref}`,
      object: { sha, type, url: `${api}/git/${type}s/${sha}` },
    };
  });
}
