import type { Hono } from "hono";
import type { Bindings } from "../../http.ts";
import { identifyCaller, mayUse } from "../access.ts";
import { notFound } from "../http-error.ts";
import { findObject, readBlob, resolveCommit } from "../objects.ts";
import { findRepository, gitDirOf } from "../repositories.ts";
import type { World } from "../world.ts";

/** Where `download_url` and `raw_url` lead: the bytes of one file at one commit. */
export function rawRoutes(app: Hono<Bindings>, world: World): void {
  app.get("/:owner/:repo/raw/:sha{[0-9a-f]+}/:path{.+}", async (c) => {
    const { owner, repo, sha, path } = c.req.param();
    const repository = findRepository(world, owner, repo);
    const caller = identifyCaller(world, c.req.header("authorization"));
    if (!repository || !mayUse(world, caller, repository, "contents", "read")) throw notFound();
    const commit = await resolveCommit(world, repository, sha);
    const relative = path.split("/").some((segment) => segment === "" || segment === "." || segment === "..");
    const blob = commit && !relative ? await findObject(gitDirOf(world, repository), `${commit}:${path}`) : undefined;
    if (blob?.type !== "blob") throw notFound();
    const bytes = new Uint8Array(await readBlob(gitDirOf(world, repository), blob.sha));
    return c.body(bytes, 200, { "Content-Type": "application/octet-stream" });
  });
}
