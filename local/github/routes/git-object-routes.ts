import type { Hono } from "hono";
import { unsigned, utc } from "../commit-body.ts";
import { gitIn } from "../git.ts";
import { GitHubHttpError, notFound } from "../http-error.ts";
import { nodeId } from "../node-id.ts";
import { findObject, readBlob, readTree, resolveCommit, type TreeEntry } from "../objects.ts";
import { gitDirOf } from "../repositories.ts";
import { repositoryApiUrl } from "../repository-body.ts";
import { type ApiContext, type ApiEnv, accepts, repositoryFor } from "../request.ts";
import type { World } from "../world.ts";
import { base64Lines } from "./base64-lines.ts";

/** https://docs.github.com/rest/git/tags, …/trees and …/blobs */
export function gitObjectRoutes(app: Hono<ApiEnv>, world: World): void {
  app.get("/repos/:owner/:repo/git/tags/:sha", (c) => getTag(world, c));
  app.get("/repos/:owner/:repo/git/trees/:tree{.+}", (c) => getTree(world, c));
  app.get("/repos/:owner/:repo/git/blobs/:sha", (c) => getBlob(world, c));
}

async function getTag(world: World, c: ApiContext): Promise<Response> {
  const repository = repositoryFor(world, c, "contents");
  const gitDir = gitDirOf(world, repository);
  const sha = fullSha(c);
  if ((await findObject(gitDir, sha))?.type !== "tag") throw notFound();
  const [head = "", ...message] = (await gitIn(gitDir, ["cat-file", "tag", sha])).split("\n\n");
  const field = (name: string) => new RegExp(`^${name} (.*)$`, "m").exec(head)?.[1] ?? "";
  const [, name = "", email = "", seconds = "0"] = /^(.*) <(.*)> (\d+) [+-]\d{4}$/.exec(field("tagger")) ?? [];
  const api = repositoryApiUrl(world, repository);
  const target = field("object");
  return c.json({
    node_id: nodeId("Tag", sha),
    sha,
    url: `${api}/git/tags/${sha}`,
    tagger: { name, email, date: utc(new Date(Number(seconds) * 1000).toISOString()) },
    object: { sha: target, type: field("type"), url: `${api}/git/${field("type")}s/${target}` },
    tag: field("tag"),
    message: message.join("\n\n"),
    verification: unsigned,
  });
}

async function getTree(world: World, c: ApiContext): Promise<Response> {
  const repository = repositoryFor(world, c, "contents");
  const gitDir = gitDirOf(world, repository);
  const wanted = c.req.param("tree") ?? "";
  const sha = (await resolveCommit(world, repository, wanted)) ?? wanted;
  // `recursive` counts by being there: `recursive=0` is recursive too.
  const recursive = c.req.query("recursive") !== undefined;
  const entries = /^[0-9a-f]{40}$/.test(sha) ? await readTree(gitDir, sha, recursive) : undefined;
  if (!entries) throw notFound();
  const api = repositoryApiUrl(world, repository);
  return c.json({
    sha,
    url: `${api}/git/trees/${sha}`,
    tree: entries.slice(0, world.limits.treeEntries).map((entry) => treeEntryBody(api, entry)),
    truncated: entries.length > world.limits.treeEntries,
  });
}

function treeEntryBody(api: string, entry: TreeEntry): object {
  // A submodule's commit lives in another repository, so there is no address for it here.
  if (entry.type === "commit") return entry;
  return { ...entry, url: `${api}/git/${entry.type}s/${entry.sha}` };
}

async function getBlob(world: World, c: ApiContext): Promise<Response> {
  const repository = repositoryFor(world, c, "contents");
  const gitDir = gitDirOf(world, repository);
  const found = await findObject(gitDir, fullSha(c));
  if (found?.type !== "blob") throw notFound();
  if (found.size > world.limits.rawFileBytes) {
    throw new GitHubHttpError(403, "This API returns blobs up to 100 MB in size. The requested blob is too large.");
  }
  const content = await readBlob(gitDir, found.sha);
  if (accepts(c, "raw")) {
    return c.body(new Uint8Array(content), 200, { "Content-Type": "application/vnd.github.raw+json; charset=utf-8" });
  }
  return c.json({
    sha: found.sha,
    node_id: nodeId("Blob", found.sha),
    size: found.size,
    url: `${repositoryApiUrl(world, repository)}/git/blobs/${found.sha}`,
    content: base64Lines(content),
    encoding: "base64",
  });
}

function fullSha(c: ApiContext): string {
  const sha = c.req.param("sha") ?? "";
  if (!/^[0-9a-f]{40}$/.test(sha)) throw new GitHubHttpError(422, "The sha parameter must be exactly 40 characters.");
  return sha;
}
