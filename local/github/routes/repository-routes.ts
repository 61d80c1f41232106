import type { Hono } from "hono";
import { canSee } from "../caller.ts";
import { notFound } from "../http-error.ts";
import { repositoryBody } from "../repository-body.ts";
import { type ApiEnv, repositoryFor } from "../request.ts";
import type { World } from "../world.ts";

/** https://docs.github.com/rest/repos/repos */
export function repositoryRoutes(app: Hono<ApiEnv>, world: World): void {
  app.get("/repos/:owner/:repo", (c) => c.json(repositoryBody(world, repositoryFor(world, c, "metadata"))));

  // Undocumented, long used and stable: the id outlives renames and transfers.
  app.get("/repositories/:id{[0-9]+}", (c) => {
    const repository = world.state.value.repositories.find((each) => each.id === Number(c.req.param("id")));
    if (!repository || !canSee(world, c.get("caller"), repository)) throw notFound();
    return c.json(repositoryBody(world, repository));
  });
}
