import type { Hono } from "hono";
import { actorOf } from "../access.ts";
import { changedFiles } from "../changed-files.ts";
import { commitBodies } from "../commit-body.ts";
import { saveAndSend } from "../emit.ts";
import { flagField, requiredField, textField, wordField } from "../fields.ts";
import { GitHubHttpError, notFound } from "../http-error.ts";
import { merge } from "../merge-pull.ts";
import { openPull } from "../open-pull.ts";
import { pageOf } from "../paging.ts";
import type { Pull } from "../pull.ts";
import { pullBody, simplePullBody } from "../pull-body.ts";
import { mergeBaseOf, readPullFacts } from "../pull-facts.ts";
import { pullByNumber, pullEvent, pullsOf, writePullRefs } from "../pulls.ts";
import { networkIdOf } from "../repositories.ts";
import { type ApiContext, type ApiEnv, jsonBody, repositoryFor } from "../request.ts";
import { atLeast, roleOf } from "../roles.ts";
import type { Account, Repository } from "../state.ts";
import type { World } from "../world.ts";

const repo = "/repos/:owner/:repo";
const one = `${repo}/pulls/:number{[0-9]+}`;

/** https://docs.github.com/rest/pulls/pulls */
export function pullRoutes(app: Hono<ApiEnv>, world: World): void {
  app.post(`${repo}/pulls`, (c) => createPull(world, c));
  app.get(`${repo}/pulls`, (c) => listPulls(world, c));
  app.get(one, (c) => {
    const { pull } = pullFor(world, c, repositoryFor(world, c, "pull_requests"));
    c.header("Last-Modified", new Date(pull.updatedAt).toUTCString());
    return c.json(pullBody(world, pull, { merge: "known", ...version(c) }));
  });
  app.patch(one, (c) => updatePull(world, c));
  app.get(`${one}/files`, (c) => listFiles(world, c));
  app.get(`${one}/commits`, (c) => listCommits(world, c));
  app.get(`${one}/merge`, (c) => {
    const { pull } = pullFor(world, c, repositoryFor(world, c, "pull_requests"));
    if (pull.mergedAt === null) throw notFound();
    return c.body(null, 204);
  });
  app.put(`${one}/merge`, (c) => mergePull(world, c));
}

/** The pull request in the path, as it is now. */
export function pullFor(world: World, c: ApiContext, repository: Repository): { repository: Repository; pull: Pull } {
  const pull = pullByNumber(world, repository, Number(c.req.param("number")));
  if (!pull) throw notFound();
  return { repository, pull };
}

function version(c: ApiContext): { apiVersion: string } {
  return { apiVersion: c.req.header("x-github-api-version") ?? "" };
}

async function createPull(world: World, c: ApiContext): Promise<Response> {
  const repository = repositoryFor(world, c, "pull_requests", "write", "read");
  const body = await jsonBody(c);
  const author = actorOf(world, c.get("caller"));
  const wanted = {
    title: requiredField("PullRequest", body, "title"),
    body: textField("PullRequest", body, "body"),
    head: requiredField("PullRequest", body, "head"),
    headRepo: textField("PullRequest", body, "head_repo"),
    base: requiredField("PullRequest", body, "base"),
    draft: flagField(body, "draft") ?? false,
    maintainerCanModify: flagField(body, "maintainer_can_modify") ?? true,
  };
  const pull = await world.pushes.run(networkIdOf(repository), () => openPull(world, repository, author, wanted));
  const { id, number, headSha, headRef, baseRef } = pull;
  c.set("did", { pull: id, number, headSha, headRef, baseRef });
  return c.json(pullBody(world, pull, { merge: "untried", ...version(c) }), 201);
}

function listPulls(world: World, c: ApiContext): Response {
  const repository = repositoryFor(world, c, "pull_requests");
  const { state = "open", head, base, sort = "created", direction } = c.req.query();
  const found = pullsOf(world, repository)
    .filter((pull) => state === "all" || pull.state === state)
    .filter((pull) => base === undefined || pull.baseRef === base)
    .map((pull) => simplePullBody(world, pull, { merge: "known", ...version(c) }))
    .filter((pull) => head === undefined || pull.head.label.toLowerCase() === head.toLowerCase());
  if (sort === "updated") found.sort((a, b) => b.updated_at.localeCompare(a.updated_at));
  if (direction === "asc") found.reverse();
  return c.json(pageOf(world, c, found));
}

/** Title, body, base and state. Who opened it may do all that; others need to be able to triage. */
async function updatePull(world: World, c: ApiContext): Promise<Response> {
  const repository = repositoryFor(world, c, "pull_requests", "write", "read");
  const { pull: seen } = pullFor(world, c, repository);
  const actor = actorOf(world, c.get("caller"));
  requireTriage(world, c, repository, seen.authorId);
  const body = await jsonBody(c);
  const state = wordField("PullRequest", body, "state", ["open", "closed"]);
  const base = textField("PullRequest", body, "base");
  const title = textField("PullRequest", body, "title");
  const text = textField("PullRequest", body, "body");
  const pull = await world.pushes.run(networkIdOf(repository), async () => {
    const old = pullByNumber(world, repository, seen.number)!;
    const edited: Pull = {
      ...old,
      title: title || old.title,
      body: body.body === undefined ? old.body : text,
      updatedAt: world.now(),
    };
    const changes = {
      ...(edited.title === old.title ? {} : { title: { from: old.title } }),
      ...(edited.body === old.body ? {} : { body: { from: old.body } }),
      ...(base && base !== old.baseRef ? { base: { ref: { from: old.baseRef }, sha: { from: old.baseSha } } } : {}),
    };
    const based = base && base !== old.baseRef ? await rebased(world, repository, edited, base) : edited;
    const closing = state === "closed" && old.state === "open";
    const reopening = state === "open" && old.state === "closed";
    const now = reopening ? await reopened(world, repository, based) : closing ? closed(world, based) : based;
    world.pulls.put(now);
    saveAndSend(world, [
      ...(Object.keys(changes).length > 0 ? [pullEvent(world, now, "edited", actor, { changes })] : []),
      ...(closing ? [pullEvent(world, now, "closed", actor)] : []),
      ...(reopening ? [pullEvent(world, now, "reopened", actor)] : []),
    ]);
    await writePullRefs(world, repository);
    return now;
  });
  c.set("did", { pull: pull.id, number: pull.number, state: pull.state, baseRef: pull.baseRef });
  return c.json(pullBody(world, pull, { merge: "known", ...version(c) }));
}

function closed(world: World, pull: Pull): Pull {
  return { ...pull, state: "closed", closedAt: world.now(), mergeCommitSha: null };
}

async function rebased(world: World, repository: Repository, pull: Pull, baseRef: string): Promise<Pull> {
  const baseSha = repository.refs[`refs/heads/${baseRef}`];
  const facts = baseSha ? await readPullFacts(world, repository, { baseSha, headSha: pull.headSha }) : undefined;
  if (!baseSha || !facts) {
    throw new GitHubHttpError(422, "Validation Failed", [{ resource: "PullRequest", field: "base", code: "invalid" }]);
  }
  return { ...pull, baseRef, baseSha, ...facts };
}

/** With what head and base are now; without either, or merged, it stays closed. */
async function reopened(world: World, repository: Repository, pull: Pull): Promise<Pull> {
  const head = world.state.value.repositories.find(({ id }) => id === pull.headRepositoryId);
  const headSha = head?.refs[`refs/heads/${pull.headRef}`];
  const baseSha = repository.refs[`refs/heads/${pull.baseRef}`];
  const facts = headSha && baseSha ? await readPullFacts(world, repository, { headSha, baseSha }) : undefined;
  if (!headSha || !baseSha || !facts || pull.mergedAt !== null) {
    throw new GitHubHttpError(422, "Validation Failed", [
      { resource: "PullRequest", field: "state", code: "custom", message: "state cannot be changed." },
    ]);
  }
  return { ...pull, headSha, baseSha, ...facts, state: "open", closedAt: null };
}

/** Renames are one entry; at most 3,000 files over all pages. */
async function listFiles(world: World, c: ApiContext): Promise<Response> {
  const { repository, pull } = pullFor(world, c, repositoryFor(world, c, "pull_requests"));
  const mergeBase = await mergeBaseOf(world, repository, pull);
  const files = await changedFiles(world, repository, mergeBase, pull.headSha);
  return c.json(pageOf(world, c, files.slice(0, world.limits.pullFiles)));
}

/** Oldest first; of more than 250 the newest are left out. */
async function listCommits(world: World, c: ApiContext): Promise<Response> {
  const { repository, pull } = pullFor(world, c, repositoryFor(world, c, "pull_requests"));
  const commits = await commitBodies(world, repository, [pull.headSha, `^${pull.baseSha}`], 10_000);
  return c.json(pageOf(world, c, commits.reverse().slice(0, world.limits.pullCommits)));
}

async function mergePull(world: World, c: ApiContext): Promise<Response> {
  const repository = repositoryFor(world, c, "contents", "write");
  const { pull } = pullFor(world, c, repository);
  const body = await jsonBody(c);
  const wanted = {
    method: wordField("PullRequest", body, "merge_method", ["merge", "squash"]) ?? "merge",
    title: textField("PullRequest", body, "commit_title"),
    message: textField("PullRequest", body, "commit_message"),
    sha: textField("PullRequest", body, "sha"),
  };
  const by = actorOf(world, c.get("caller"));
  const sha = await world.pushes.run(networkIdOf(repository), () => merge(world, repository, pull.number, by, wanted));
  c.set("did", { pull: pull.id, number: pull.number, mergedAs: sha });
  return c.json({ sha, merged: true, message: "Pull Request successfully merged" });
}

/** An author may change what is theirs; for the rest a person needs the right to triage. */
export function requireTriage(world: World, c: ApiContext, repository: Repository, authorId: number): void {
  const caller = c.get("caller");
  if (caller.kind !== "user" || mayTriage(world, repository, caller.account) || caller.account.id === authorId) return;
  throw new GitHubHttpError(403, "Resource not accessible by personal access token");
}

function mayTriage(world: World, repository: Repository, account: Account): boolean {
  return atLeast(roleOf(world, repository, account), "triage");
}
