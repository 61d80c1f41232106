import type { Hono } from "hono";
import { changedFiles } from "../changed-files.ts";
import { commitBodies } from "../commit-body.ts";
import { gitIn, gitSays } from "../git.ts";
import { GitHubHttpError, notFound } from "../http-error.ts";
import { resolveCommit } from "../objects.ts";
import { pageOf } from "../paging.ts";
import { gitDirOf } from "../repositories.ts";
import { repositoryApiUrl, repositoryHtmlUrl } from "../repository-body.ts";
import { type ApiContext, type ApiEnv, accepts, repositoryFor } from "../request.ts";
import type { World } from "../world.ts";

/** https://docs.github.com/rest/commits/commits. Mount after the status routes, whose paths end this one's. */
export function commitRoutes(app: Hono<ApiEnv>, world: World): void {
  app.get("/repos/:owner/:repo/commits/:ref{.+}", (c) => getCommit(world, c));
  app.get("/repos/:owner/:repo/compare/:basehead{.+}", (c) => compare(world, c));
}

async function getCommit(world: World, c: ApiContext): Promise<Response> {
  const repository = repositoryFor(world, c, "contents");
  const ref = c.req.param("ref") ?? "";
  if (Object.keys(repository.refs).length === 0) throw new GitHubHttpError(409, "Git Repository is empty.");
  const sha = await resolveCommit(world, repository, ref);
  if (!sha) throw new GitHubHttpError(422, `No commit found for SHA: ${ref}`);
  if (accepts(c, "sha")) return c.body(sha, 200, { "Content-Type": "application/vnd.github.sha; charset=utf-8" });
  const [body] = await commitBodies(world, repository, [sha], 1);
  const files = await changedFiles(world, repository, body!.parents[0]?.sha, sha);
  const additions = files.reduce((sum, file) => sum + file.additions, 0);
  const deletions = files.reduce((sum, file) => sum + file.deletions, 0);
  return c.json({
    ...body,
    stats: { total: additions + deletions, additions, deletions },
    files: pageOf(world, c, files.slice(0, world.limits.commitFiles), world.limits.comparedFiles),
  });
}

/** Three-dot: from the merge base to the head, so commits that only the base has are counted and not shown. */
async function compare(world: World, c: ApiContext): Promise<Response> {
  const repository = repositoryFor(world, c, "contents");
  const gitDir = gitDirOf(world, repository);
  const basehead = c.req.param("basehead") ?? "";
  const [baseName = "", headName = ""] = splitOnce(basehead, "...");
  const base = await resolveCommit(world, repository, baseName);
  const head = await resolveCommit(world, repository, headName);
  if (!base || !head) throw notFound();
  // Exit code 1 is Git's "they have none".
  if (!(await gitSays(gitDir, ["merge-base", base, head]))) {
    throw new GitHubHttpError(404, `No common ancestor between ${baseName} and ${headName}.`);
  }
  const mergeBase = (await gitIn(gitDir, ["merge-base", base, head])).trim();
  const counts = await gitIn(gitDir, ["rev-list", "--left-right", "--count", `${base}...${head}`]);
  const [behind = 0, ahead = 0] = counts.trim().split("\t").map(Number);

  const paged = c.req.query("page") !== undefined || c.req.query("per_page") !== undefined;
  const most = paged ? 10_000 : world.limits.comparedCommits;
  // Not paged, the newest: the last in the list is the most recent of the whole comparison.
  const oldestFirst = (await commitBodies(world, repository, [head, `^${base}`], most)).reverse();
  const page = paged ? pageOf(world, c, oldestFirst) : oldestFirst;
  const firstPage = Number(c.req.query("page") ?? 1) <= 1;
  const files = firstPage && ahead > 0 ? await changedFiles(world, repository, mergeBase, head) : [];
  const [baseCommit] = await commitBodies(world, repository, [base], 1);
  const [mergeBaseCommit] = await commitBodies(world, repository, [mergeBase], 1);
  const html = `${repositoryHtmlUrl(world, repository)}/compare/${basehead}`;
  return c.json({
    url: `${repositoryApiUrl(world, repository)}/compare/${encodeURIComponent(basehead)}`,
    html_url: html,
    permalink_url: `${repositoryHtmlUrl(world, repository)}/compare/${base}...${head}`,
    diff_url: `${html}.diff`,
    patch_url: `${html}.patch`,
    base_commit: baseCommit,
    merge_base_commit: mergeBaseCommit,
    status: statusWord(ahead, behind),
    ahead_by: ahead,
    behind_by: behind,
    total_commits: ahead,
    commits: page,
    files: files.slice(0, world.limits.comparedFiles),
  });
}

function statusWord(ahead: number, behind: number): string {
  if (ahead > 0 && behind > 0) return "diverged";
  if (ahead > 0) return "ahead";
  return behind > 0 ? "behind" : "identical";
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + separator.length)];
}
