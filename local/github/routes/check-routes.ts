import type { Hono } from "hono";
import { actorOf } from "../access.ts";
import type { CheckRun, CheckSuite } from "../check-run.ts";
import {
  checkRunBody,
  checkRunEvent,
  latestByName,
  readHead,
  runsOf,
  suiteBody,
  suiteEvent,
  suiteFor,
  suiteState,
} from "../check-suites.ts";
import { saveAndSend, type WebhookEvent } from "../emit.ts";
import { requiredField } from "../fields.ts";
import { GitHubHttpError, notFound } from "../http-error.ts";
import { findObject, resolveCommit } from "../objects.ts";
import { pageOf } from "../paging.ts";
import { isoSeconds } from "../pull-body.ts";
import { readCheckRun } from "../read-check-run.ts";
import { gitDirOf, repositoryById } from "../repositories.ts";
import { type ApiContext, type ApiEnv, jsonBody, repositoryFor } from "../request.ts";
import type { Account, Repository } from "../state.ts";
import { takeId, type World } from "../world.ts";

const repo = "/repos/:owner/:repo";

/** https://docs.github.com/rest/checks. Mount before the commit routes, whose path covers `/commits/:ref/check-runs`. */
export function checkRoutes(app: Hono<ApiEnv>, world: World): void {
  app.post(`${repo}/check-runs`, (c) => createRun(world, c));
  app.patch(`${repo}/check-runs/:id{[0-9]+}`, (c) => updateRun(world, c));
  app.get(`${repo}/check-runs/:id{[0-9]+}`, (c) => c.json(checkRunBody(world, runFor(world, c, "read").run, "rest")));
  app.get(`${repo}/check-runs/:id{[0-9]+}/annotations`, (c) =>
    c.json(pageOf(world, c, runFor(world, c, "read").run.annotations)),
  );
  app.post(`${repo}/check-runs/:id{[0-9]+}/rerequest`, (c) => rerequestRun(world, c));
  app.get(`${repo}/commits/:ref{.+}/check-runs`, async (c) => {
    const { repository, sha } = await commitFor(world, c);
    return listRuns(
      world,
      c,
      suitesAt(world, repository, sha).flatMap((suite) => runsOf(world, suite)),
    );
  });
  app.get(`${repo}/commits/:ref{.+}/check-suites`, async (c) => {
    const { repository, sha } = await commitFor(world, c);
    const suites = suitesAt(world, repository, sha);
    const page = pageOf(world, c, suites).map((suite) => suiteBody(world, suite));
    return c.json({ total_count: suites.length, check_suites: page });
  });
  app.get(`${repo}/check-suites/:id{[0-9]+}`, (c) => c.json(suiteBody(world, suiteOf(world, c, "read").suite)));
  app.get(`${repo}/check-suites/:id{[0-9]+}/check-runs`, (c) =>
    listRuns(world, c, runsOf(world, suiteOf(world, c, "read").suite)),
  );
  app.post(`${repo}/check-suites/:id{[0-9]+}/rerequest`, (c) => rerequestSuite(world, c));
}

/** Somebody presses a button that the App has put on its run. There is no REST for that: it happens on GitHub's pages. */
export function requestAction(world: World, run: CheckRun, identifier: string, sender: Account): void {
  if (!run.actions.some((action) => action.identifier === identifier)) {
    throw new Error(`check run ${run.id} has no action ${identifier}`);
  }
  saveAndSend(world, [checkRunEvent(world, run, "requested_action", sender, { requested_action: { identifier } })]);
}

async function createRun(world: World, c: ApiContext): Promise<Response> {
  const repository = checksFor(world, c, "write");
  const body = await jsonBody(c);
  const name = requiredField("CheckRun", body, "name");
  const headSha = requiredField("CheckRun", body, "head_sha");
  const now = isoSeconds(world.now());
  const changes = readCheckRun(body, now);
  const commit = /^[0-9a-f]{40}$/.test(headSha) ? await findObject(gitDirOf(world, repository), headSha) : undefined;
  if (commit?.type !== "commit") throw new GitHubHttpError(422, `No commit found for SHA: ${headSha}`);
  const suite = suiteFor(world, repository, headSha);
  const run: CheckRun = {
    id: takeId(world),
    suiteId: suite.id,
    repositoryId: repository.id,
    headSha,
    status: "queued",
    conclusion: null,
    detailsUrl: world.url,
    externalId: "",
    startedAt: now,
    completedAt: null,
    output: { title: null, summary: null, text: null },
    annotations: [],
    actions: [],
    createdAt: world.now(),
    ...changes,
    name,
  };
  const same = runsOf(world, suite).filter((each) => each.name === name);
  for (const old of same.slice(world.limits.checkRunsPerName - 1)) world.checkRuns.remove(old.id);
  await keep(world, c, run, ["created"], () => run);
  return c.json(checkRunBody(world, run, "rest"), 201);
}

async function updateRun(world: World, c: ApiContext): Promise<Response> {
  const { run: old } = runFor(world, c, "write");
  const { annotations = [], ...changes } = readCheckRun(await jsonBody(c), isoSeconds(world.now()));
  const run = await keep(world, c, old, [], () => {
    // Another update may have come meanwhile.
    const current = world.checkRuns.get(old.id) ?? old;
    return { ...current, ...changes, annotations: [...current.annotations, ...annotations] };
  });
  return c.json(checkRunBody(world, run, "rest"));
}

/** Saves a run with the events it gives rise to. If its suite was asked for again, this run is the answer. */
async function keep(
  world: World,
  c: ApiContext,
  of: CheckRun,
  actions: "created"[],
  change: () => CheckRun,
): Promise<CheckRun> {
  const head = await readHead(world, repositoryById(world, of.repositoryId)!, of.headSha);
  const run = change();
  const sender = actorOf(world, c.get("caller"));
  const suite = world.checkSuites.get(run.suiteId)!;
  const completed = run.status === "completed" && world.checkRuns.get(run.id)?.status !== "completed";
  const suiteBefore = suiteState(world, suite).status;
  world.checkRuns.put(run);
  world.checkSuites.put({ ...suite, rerequested: false, updatedAt: world.now() });
  const { id, name, headSha, status, conclusion, externalId } = run;
  c.set("did", { checkRun: id, name, headSha, status, conclusion, externalId });
  const answered = world.checkSuites.get(suite.id)!;
  const suiteDone = completed && suiteBefore !== "completed" && suiteState(world, answered).status === "completed";
  const events: WebhookEvent[] = [...actions, ...(completed ? (["completed"] as const) : [])].map((action) =>
    checkRunEvent(world, run, action, sender),
  );
  if (suiteDone) events.push(suiteEvent(world, answered, "completed", sender, head));
  saveAndSend(world, events);
  return run;
}

/** The run itself is not changed, its suite goes back to queued; the App decides what to make of it. */
async function rerequestRun(world: World, c: ApiContext): Promise<Response> {
  const { run } = runFor(world, c, "write", "person");
  world.checkSuites.put({ ...world.checkSuites.get(run.suiteId)!, rerequested: true, updatedAt: world.now() });
  saveAndSend(world, [checkRunEvent(world, run, "rerequested", actorOf(world, c.get("caller")))]);
  return c.json({}, 201);
}

async function rerequestSuite(world: World, c: ApiContext): Promise<Response> {
  const { suite, repository } = suiteOf(world, c, "write", "person");
  const head = await readHead(world, repository, suite.headSha);
  const again: CheckSuite = { ...suite, rerequested: true, updatedAt: world.now() };
  world.checkSuites.put(again);
  saveAndSend(world, [suiteEvent(world, again, "rerequested", actorOf(world, c.get("caller")), head)]);
  return c.json({}, 201);
}

function listRuns(world: World, c: ApiContext, all: readonly CheckRun[]): Response {
  const { check_name: name, status, app_id: appId, filter = "latest" } = c.req.query();
  const newestFirst = [...all].sort((a, b) => b.id - a.id);
  const runs = (filter === "all" ? newestFirst : latestByName(newestFirst))
    .filter((run) => name === undefined || run.name === name)
    .filter((run) => status === undefined || run.status === status)
    .filter(() => appId === undefined || Number(appId) === world.app.id);
  const page = pageOf(world, c, runs).map((run) => checkRunBody(world, run, "rest"));
  return c.json({ total_count: runs.length, check_runs: page });
}

function suitesAt(world: World, repository: Repository, sha: string): CheckSuite[] {
  return world.checkSuites.list().filter((each) => each.repositoryId === repository.id && each.headSha === sha);
}

async function commitFor(world: World, c: ApiContext): Promise<{ repository: Repository; sha: string }> {
  const repository = checksFor(world, c, "read");
  const sha = await resolveCommit(world, repository, c.req.param("ref") ?? "");
  if (!sha) throw new GitHubHttpError(422, `No commit found for SHA: ${c.req.param("ref")}`);
  return { repository, sha };
}

/** Writing is for Apps alone, except that a person may ask for a check again. */
function checksFor(world: World, c: ApiContext, level: "read" | "write", by: "app" | "person" = "app"): Repository {
  const repository = repositoryFor(world, c, "checks", level);
  if (level === "write" && by === "app" && c.get("caller").kind === "user") {
    throw new GitHubHttpError(403, "You must authenticate via a GitHub App.");
  }
  return repository;
}

function runFor(
  world: World,
  c: ApiContext,
  level: "read" | "write",
  by?: "app" | "person",
): { repository: Repository; run: CheckRun } {
  const repository = checksFor(world, c, level, by);
  const run = world.checkRuns.get(Number(c.req.param("id")));
  if (run?.repositoryId !== repository.id) throw notFound();
  return { repository, run };
}

function suiteOf(
  world: World,
  c: ApiContext,
  level: "read" | "write",
  by?: "app" | "person",
): { repository: Repository; suite: CheckSuite } {
  const repository = checksFor(world, c, level, by);
  const suite = world.checkSuites.get(Number(c.req.param("id")));
  if (suite?.repositoryId !== repository.id) throw notFound();
  return { repository, suite };
}
