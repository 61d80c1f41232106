import { appBody } from "./app-body.ts";
import type { CheckRun, CheckStatus, CheckSuite, Conclusion } from "./check-run.ts";
import type { WebhookEvent } from "./emit.ts";
import { gitIn } from "./git.ts";
import { nodeId } from "./node-id.ts";
import { isoSeconds } from "./pull-body.ts";
import type { Push } from "./push.ts";
import type { PushedCommit } from "./push-commits.ts";
import { gitDirOf, repositoryById } from "./repositories.ts";
import { repositoryApiUrl, repositoryHtmlUrl } from "./repository-body.ts";
import type { Account, Repository } from "./state.ts";
import { takeId, type World } from "./world.ts";

/** Which conclusion a suite takes from its runs: the first of these that one of them has. */
const gravity: readonly Conclusion[] = [
  "failure",
  "timed_out",
  "cancelled",
  "action_required",
  "neutral",
  "success",
  "skipped",
];

/** The App's suite for this commit, made if there is none. The caller saves. */
export function suiteFor(world: World, repository: Repository, headSha: string): CheckSuite {
  const known = findSuite(world, repository, headSha);
  if (known) return known;
  const branch = Object.keys(repository.refs).find(
    (ref) => ref.startsWith("refs/heads/") && repository.refs[ref] === headSha,
  );
  return putSuite(world, repository, {
    headSha,
    headBranch: branch?.slice("refs/heads/".length) ?? null,
    before: null,
  });
}

function findSuite(world: World, repository: Repository, headSha: string): CheckSuite | undefined {
  return world.checkSuites.list().find((each) => each.repositoryId === repository.id && each.headSha === headSha);
}

function putSuite(
  world: World,
  repository: Repository,
  wanted: Pick<CheckSuite, "headSha" | "headBranch" | "before">,
): CheckSuite {
  const now = world.now();
  const suite: CheckSuite = {
    id: takeId(world),
    repositoryId: repository.id,
    ...wanted,
    createdAt: now,
    updatedAt: now,
    rerequested: false,
  };
  world.checkSuites.put(suite);
  return suite;
}

/** A push to a branch requests a suite, for an App that has subscribed to hear of it; for others it is made when used. */
export function pushSuiteEvents(world: World, repository: Repository, push: Push, sender: Account): WebhookEvent[] {
  if (!world.app.events.includes("check_suite") || !push.ref.startsWith("refs/heads/") || !push.headCommit) return [];
  const headBranch = push.ref.slice("refs/heads/".length);
  const suite =
    findSuite(world, repository, push.headCommit.id) ??
    putSuite(world, repository, { headSha: push.headCommit.id, headBranch, before: push.before });
  const fields = { check_suite: { ...suiteBody(world, suite), head_commit: commitBody(push.headCommit) } };
  return [{ event: "check_suite", action: "requested", repository, sender, fields }];
}

/** `head` is read beforehand, so that nothing waits between a change and its event. */
export function suiteEvent(
  world: World,
  suite: CheckSuite,
  action: "completed" | "rerequested",
  sender: Account,
  head: Head,
): WebhookEvent {
  const repository = repositoryById(world, suite.repositoryId)!;
  const fields = { check_suite: { ...suiteBody(world, suite), head_commit: commitBody(head) } };
  return { event: "check_suite", action, repository, sender, fields };
}

type Head = Pick<PushedCommit, "id" | "treeId" | "message" | "timestamp" | "author" | "committer">;

export async function readHead(world: World, repository: Repository, sha: string): Promise<Head> {
  const format = ["%H", "%T", "%cI", "%an", "%ae", "%cn", "%ce", "%B"].join("%n");
  const out = await gitIn(gitDirOf(world, repository), ["show", "--no-patch", `--format=${format}`, sha]);
  const [id = "", treeId = "", timestamp = "", name = "", email = "", by = "", byEmail = "", ...message] =
    out.split("\n");
  const committer = { name: by, email: byEmail };
  return { id, treeId, timestamp, message: message.join("\n").trimEnd(), author: { name, email }, committer };
}

function commitBody({ id, treeId, message, timestamp, author, committer }: Head) {
  return { id, tree_id: treeId, message, timestamp, author, committer };
}

/** Newest first. */
export function runsOf(world: World, suite: CheckSuite): CheckRun[] {
  return world.checkRuns
    .list()
    .filter((run) => run.suiteId === suite.id)
    .reverse();
}

/** Of several runs of one name the newest counts. */
export function latestByName(runs: readonly CheckRun[]): CheckRun[] {
  return runs.filter((run, at) => runs.findIndex(({ name }) => name === run.name) === at);
}

export function suiteState(world: World, suite: CheckSuite): { status: CheckStatus; conclusion: Conclusion | null } {
  const runs = latestByName(runsOf(world, suite));
  if (suite.rerequested || runs.every(({ status }) => status === "queued"))
    return { status: "queued", conclusion: null };
  if (runs.some(({ status }) => status !== "completed")) return { status: "in_progress", conclusion: null };
  return { status: "completed", conclusion: gravity.find((each) => runs.some((run) => run.conclusion === each))! };
}

export function suiteBody(world: World, suite: CheckSuite) {
  const repository = repositoryById(world, suite.repositoryId)!;
  const url = `${repositoryApiUrl(world, repository)}/check-suites/${suite.id}`;
  return {
    id: suite.id,
    node_id: nodeId("CheckSuite", suite.id),
    head_branch: suite.headBranch,
    head_sha: suite.headSha,
    ...suiteState(world, suite),
    url,
    before: suite.before,
    after: suite.headSha,
    pull_requests: pullsAt(world, repository, suite.headSha),
    app: appBody(world),
    created_at: isoSeconds(suite.createdAt),
    updated_at: isoSeconds(suite.updatedAt),
    rerequestable: true,
    runs_rerequestable: true,
    latest_check_runs_count: latestByName(runsOf(world, suite)).length,
    check_runs_url: `${url}/check-runs`,
  };
}

export function checkRunBody(world: World, run: CheckRun, where: "rest" | "payload") {
  const repository = repositoryById(world, run.repositoryId)!;
  const suite = world.checkSuites.get(run.suiteId)!;
  const url = `${repositoryApiUrl(world, repository)}/check-runs/${run.id}`;
  return {
    id: run.id,
    name: run.name,
    node_id: nodeId("CheckRun", run.id),
    head_sha: run.headSha,
    external_id: run.externalId,
    url,
    html_url: `${repositoryHtmlUrl(world, repository)}/runs/${run.id}`,
    details_url: run.detailsUrl,
    status: run.status,
    conclusion: run.conclusion,
    started_at: run.startedAt,
    completed_at: run.completedAt,
    output: { ...run.output, annotations_count: run.annotations.length, annotations_url: `${url}/annotations` },
    check_suite: where === "rest" ? { id: suite.id } : suiteBody(world, suite),
    app: appBody(world),
    pull_requests: pullsAt(world, repository, run.headSha),
    ...(where === "payload" ? { actions: run.actions } : {}),
  };
}

export function checkRunEvent(
  world: World,
  run: CheckRun,
  action: "created" | "completed" | "rerequested" | "requested_action",
  sender: Account,
  more: object = {},
): WebhookEvent {
  const repository = repositoryById(world, run.repositoryId)!;
  const fields = { check_run: checkRunBody(world, run, "payload"), ...more };
  return { event: "check_run", action, repository, sender, fields };
}

/** Open pull requests of this repository with this head; those from forks are left out, as GitHub does. */
function pullsAt(world: World, repository: Repository, sha: string): object[] {
  const api = repositoryApiUrl(world, repository);
  const repo = { id: repository.id, url: api, name: repository.name };
  return world.pulls
    .list()
    .filter((each) => each.repositoryId === repository.id && each.headRepositoryId === repository.id)
    .filter((each) => each.state === "open" && each.headSha === sha)
    .map(({ id, number, headRef, headSha, baseRef, baseSha }) => ({
      url: `${api}/pulls/${number}`,
      id,
      number,
      head: { ref: headRef, sha: headSha, repo },
      base: { ref: baseRef, sha: baseSha, repo },
    }));
}
