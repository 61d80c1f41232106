import type { Hono } from "hono";
import { actorOf } from "../access.ts";
import { accountBody, accountById } from "../account-body.ts";
import { appBody } from "../app-body.ts";
import type { Comment } from "../comment.ts";
import { saveAndSend, type WebhookEvent } from "../emit.ts";
import { requiredField } from "../fields.ts";
import { GitHubHttpError, notFound, validationFailed } from "../http-error.ts";
import { labelBody, labelOf } from "../label-body.ts";
import { nodeId } from "../node-id.ts";
import { pageOf } from "../paging.ts";
import type { Pull } from "../pull.ts";
import { isoSeconds, issueBody, reactionsBody } from "../pull-body.ts";
import { pullEvent } from "../pulls.ts";
import { repositoryById } from "../repositories.ts";
import { repositoryApiUrl } from "../repository-body.ts";
import { type ApiContext, type ApiEnv, jsonBody, repositoryFor } from "../request.ts";
import { authorAssociation } from "../roles.ts";
import type { Account, Repository, Role } from "../state.ts";
import { takeId, type World } from "../world.ts";
import { pullFor, requireTriage } from "./pull-routes.ts";

const issue = "/repos/:owner/:repo/issues/:number{[0-9]+}";
const comment = "/repos/:owner/:repo/issues/comments/:id{[0-9]+}";

/** Every issue here is a pull request. https://docs.github.com/rest/issues/comments and …/issues/labels */
export function commentRoutes(app: Hono<ApiEnv>, world: World): void {
  app.get(issue, (c) => c.json(issueBody(world, pullFor(world, c, issuesFor(world, c, "read")).pull)));
  app.get(`${issue}/comments`, (c) => {
    const { pull } = pullFor(world, c, issuesFor(world, c, "read"));
    const comments = world.comments.list().filter((each) => each.pullId === pull.id);
    return c.json(pageOf(world, c, comments).map((each) => commentBody(world, each)));
  });
  app.post(`${issue}/comments`, (c) => createComment(world, c));
  app.get(comment, (c) => c.json(commentBody(world, commentFor(world, c, issuesFor(world, c, "read")).found)));
  app.patch(comment, (c) => editComment(world, c));
  app.delete(comment, (c) => deleteComment(world, c));
  app.get(`${issue}/labels`, (c) => {
    const { repository, pull } = pullFor(world, c, issuesFor(world, c, "read"));
    return c.json(pageOf(world, c, labelsOf(world, repository, pull)));
  });
  app.post(`${issue}/labels`, (c) => addLabels(world, c));
  app.delete(`${issue}/labels/:name`, (c) => removeLabel(world, c));
}

async function createComment(world: World, c: ApiContext): Promise<Response> {
  const { pull } = pullFor(world, c, issuesFor(world, c, "write", "read"));
  const body = requiredField("IssueComment", await jsonBody(c), "body", 65_536);
  const author = actorOf(world, c.get("caller"));
  const now = world.now();
  const created: Comment = {
    id: takeId(world),
    pullId: pull.id,
    authorId: author.id,
    viaApp: author.type === "Bot",
    body,
    createdAt: now,
    updatedAt: now,
  };
  world.comments.put(created);
  saveAndSend(world, [commentEvent(world, pull, created, "created", author)]);
  c.set("did", { comment: created.id, number: pull.number });
  return c.json(commentBody(world, created), 201);
}

async function editComment(world: World, c: ApiContext): Promise<Response> {
  const { found, pull } = ownComment(world, c);
  const body = requiredField("IssueComment", await jsonBody(c), "body", 65_536);
  const edited: Comment = { ...found, body, updatedAt: world.now() };
  world.comments.put(edited);
  const changes = { body: { from: found.body } };
  saveAndSend(world, [commentEvent(world, pull, edited, "edited", actorOf(world, c.get("caller")), { changes })]);
  return c.json(commentBody(world, edited));
}

function deleteComment(world: World, c: ApiContext): Response {
  const { found, pull } = ownComment(world, c);
  const event = commentEvent(world, pull, found, "deleted", actorOf(world, c.get("caller")));
  world.comments.remove(found.id);
  saveAndSend(world, [event]);
  return c.body(null, 204);
}

function ownComment(world: World, c: ApiContext): { found: Comment; pull: Pull } {
  const repository = issuesFor(world, c, "write", "read");
  const { found, pull } = commentFor(world, c, repository);
  requireTriage(world, c, repository, found.authorId);
  return { found, pull };
}

function commentFor(world: World, c: ApiContext, repository: Repository): { found: Comment; pull: Pull } {
  const found = world.comments.get(Number(c.req.param("id")));
  const pull = found && world.pulls.get(found.pullId);
  if (!found || pull?.repositoryId !== repository.id) throw notFound();
  return { found, pull };
}

/** The `issue_comment` event. It says nothing of the head: who acts on it must ask. */
function commentEvent(
  world: World,
  pull: Pull,
  about: Comment,
  action: "created" | "edited" | "deleted",
  sender: Account,
  more: object = {},
): WebhookEvent {
  const repository = repositoryById(world, pull.repositoryId)!;
  const fields = { ...more, issue: issueBody(world, pull), comment: commentBody(world, about) };
  return { event: "issue_comment", action, repository, sender, fields };
}

function commentBody(world: World, about: Comment) {
  const pull = world.pulls.get(about.pullId)!;
  const repository = repositoryById(world, pull.repositoryId)!;
  const author = accountById(world, about.authorId);
  const api = `${repositoryApiUrl(world, repository)}/issues`;
  const url = `${api}/comments/${about.id}`;
  return {
    url,
    html_url: `${issueBody(world, pull).html_url}#issuecomment-${about.id}`,
    issue_url: `${api}/${pull.number}`,
    id: about.id,
    node_id: nodeId("IssueComment", about.id),
    user: accountBody(world, author),
    created_at: isoSeconds(about.createdAt),
    updated_at: isoSeconds(about.updatedAt),
    author_association: authorAssociation(world, repository, author),
    body: about.body,
    reactions: reactionsBody(url),
    performed_via_github_app: about.viaApp ? appBody(world) : null,
  };
}

async function addLabels(world: World, c: ApiContext): Promise<Response> {
  const repository = issuesFor(world, c, "write", "triage");
  const { labels } = await jsonBody(c);
  const named = Array.isArray(labels) && labels.every((name) => typeof name === "string" && name !== "");
  if (!named) throw validationFailed("Label", "labels", "labels is not a list of names");
  const { pull } = pullFor(world, c, repository);
  const has = (name: string) => pull.labels.some((each) => each.toLowerCase() === name.toLowerCase());
  const added = [...new Set((labels as string[]).map((name) => labelOf(world, repository, name)))].filter(
    ({ name }) => !has(name),
  );
  const now: Pull = {
    ...pull,
    labels: [...pull.labels, ...added.map(({ name }) => name)],
    updatedAt: added.length > 0 ? world.now() : pull.updatedAt,
  };
  world.pulls.put(now);
  const actor = actorOf(world, c.get("caller"));
  saveAndSend(
    world,
    added.map((label) => pullEvent(world, now, "labeled", actor, { label: labelBody(world, repository, label) })),
  );
  c.set("did", { number: pull.number, labeled: added.map(({ name }) => name) });
  return c.json(labelsOf(world, repository, now));
}

function removeLabel(world: World, c: ApiContext): Response {
  const { repository, pull } = pullFor(world, c, issuesFor(world, c, "write", "triage"));
  const wanted = (c.req.param("name") ?? "").toLowerCase();
  const gone = pull.labels.find((name) => name.toLowerCase() === wanted);
  if (gone === undefined) throw new GitHubHttpError(404, "Label does not exist");
  const now: Pull = { ...pull, labels: pull.labels.filter((name) => name !== gone), updatedAt: world.now() };
  world.pulls.put(now);
  const label = labelBody(world, repository, labelOf(world, repository, gone));
  saveAndSend(world, [pullEvent(world, now, "unlabeled", actorOf(world, c.get("caller")), { label })]);
  c.set("did", { number: pull.number, unlabeled: gone });
  return c.json(labelsOf(world, repository, now));
}

function labelsOf(world: World, repository: Repository, pull: Pull) {
  return pull.labels.map((name) => labelBody(world, repository, labelOf(world, repository, name)));
}

/** On a pull request either permission will do, `issues` or `pull_requests`. */
function issuesFor(world: World, c: ApiContext, level: "read" | "write", role: Role = level): Repository {
  const caller = c.get("caller");
  const granted = caller.kind === "installation" ? caller.token.permissions : {};
  const enough = granted.issues === "write" || (level === "read" && granted.issues === "read");
  return repositoryFor(world, c, enough ? "issues" : "pull_requests", level, role);
}
