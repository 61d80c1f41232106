import { accountBody, accountById } from "./account-body.ts";
import { labelBody, labelOf } from "./label-body.ts";
import { nodeId } from "./node-id.ts";
import type { Pull } from "./pull.ts";
import { repositoryById } from "./repositories.ts";
import { repositoryApiUrl, repositoryBody, repositoryHtmlUrl } from "./repository-body.ts";
import { authorAssociation } from "./roles.ts";
import type { Account, Repository } from "./state.ts";
import type { World } from "./world.ts";

export interface PullView {
  /** GitHub tries the merge in the background; until then `mergeable` and `merge_commit_sha` are null. */
  merge: "untried" | "known";
  /** From 2026-03-10 on `merge_commit_sha` is gone. */
  apiVersion?: string;
}

/** "pull request" of the REST API and of payloads. `head.repo` is null when the fork has been deleted. */
export function pullBody(world: World, pull: Pull, view: PullView) {
  const tried = view.merge === "known" && pull.state === "open";
  const mergeable = tried ? pull.mergeCommitSha !== null : null;
  const merger = pull.mergedById === null ? null : accountById(world, pull.mergedById);
  return {
    ...simplePullBody(world, pull, view),
    merged: pull.mergedAt !== null,
    mergeable,
    rebaseable: mergeable,
    mergeable_state: mergeable === null ? "unknown" : mergeable ? "clean" : "dirty",
    merged_by: merger && accountBody(world, merger),
    comments: world.comments.list().filter((each) => each.pullId === pull.id).length,
    review_comments: 0,
    maintainer_can_modify: pull.maintainerCanModify,
    commits: pull.commits,
    additions: pull.additions,
    deletions: pull.deletions,
    changed_files: pull.changedFiles,
  };
}

/** "pull request simple", as lists have it. */
export function simplePullBody(world: World, pull: Pull, view: PullView) {
  const base = repositoryById(world, pull.repositoryId)!;
  const head = repositoryById(world, pull.headRepositoryId);
  const author = accountById(world, pull.authorId);
  const api = `${repositoryApiUrl(world, base)}/pulls/${pull.number}`;
  const issue = `${repositoryApiUrl(world, base)}/issues/${pull.number}`;
  const html = `${repositoryHtmlUrl(world, base)}/pull/${pull.number}`;
  const comment = `${repositoryApiUrl(world, base)}/pulls/comments{/number}`;
  const statuses = `${repositoryApiUrl(world, base)}/statuses/${pull.headSha}`;
  const mergeSha = view.merge === "known" ? pull.mergeCommitSha : null;
  return {
    url: api,
    id: pull.id,
    node_id: nodeId("PullRequest", pull.id),
    html_url: html,
    diff_url: `${html}.diff`,
    patch_url: `${html}.patch`,
    issue_url: issue,
    number: pull.number,
    state: pull.state,
    locked: false,
    title: pull.title,
    user: accountBody(world, author),
    body: pull.body,
    created_at: isoSeconds(pull.createdAt),
    updated_at: isoSeconds(pull.updatedAt),
    closed_at: pull.closedAt === null ? null : isoSeconds(pull.closedAt),
    merged_at: pull.mergedAt === null ? null : isoSeconds(pull.mergedAt),
    ...(view.apiVersion === "2026-03-10" ? {} : { merge_commit_sha: mergeSha }),
    assignee: null,
    assignees: [],
    requested_reviewers: [],
    requested_teams: [],
    labels: pull.labels.map((name) => labelBody(world, base, labelOf(world, base, name))),
    milestone: null,
    draft: pull.draft,
    commits_url: `${api}/commits`,
    review_comments_url: `${api}/comments`,
    review_comment_url: comment,
    comments_url: `${issue}/comments`,
    statuses_url: statuses,
    head: side(world, accountById(world, pull.headOwnerId), head, pull.headRef, pull.headSha),
    base: side(world, accountById(world, base.ownerId), base, pull.baseRef, pull.baseSha),
    _links: {
      self: { href: api },
      html: { href: html },
      issue: { href: issue },
      comments: { href: `${issue}/comments` },
      review_comments: { href: `${api}/comments` },
      review_comment: { href: comment },
      commits: { href: `${api}/commits` },
      statuses: { href: statuses },
    },
    author_association: authorAssociation(world, base, author),
    auto_merge: null,
    active_lock_reason: null,
  };
}

/** What only a pull request says of its repositories. */
const mergeSettings = {
  allow_squash_merge: true,
  allow_merge_commit: true,
  allow_rebase_merge: false,
  allow_auto_merge: false,
  allow_update_branch: false,
  delete_branch_on_merge: false,
  custom_properties: {},
};

function side(world: World, owner: Account, repository: Repository | undefined, ref: string, sha: string) {
  return {
    label: `${owner.login}:${ref}`,
    ref,
    sha,
    user: accountBody(world, owner),
    repo: repository ? { ...repositoryBody(world, repository), ...mergeSettings } : null,
  };
}

/** The pull request seen as the issue it also is. */
export function issueBody(world: World, pull: Pull) {
  const base = repositoryById(world, pull.repositoryId)!;
  const full = pullBody(world, pull, { merge: "known" });
  const api = full.issue_url;
  return {
    url: api,
    repository_url: repositoryApiUrl(world, base),
    labels_url: `${api}/labels{/name}`,
    comments_url: `${api}/comments`,
    events_url: `${api}/events`,
    html_url: full.html_url,
    id: pull.issueId,
    node_id: nodeId("Issue", pull.issueId),
    number: pull.number,
    title: pull.title,
    user: full.user,
    labels: full.labels,
    state: pull.state,
    locked: false,
    assignee: null,
    assignees: [],
    milestone: null,
    comments: full.comments,
    created_at: full.created_at,
    updated_at: full.updated_at,
    closed_at: full.closed_at,
    author_association: full.author_association,
    active_lock_reason: null,
    draft: pull.draft,
    pull_request: {
      url: full.url,
      html_url: full.html_url,
      diff_url: full.diff_url,
      patch_url: full.patch_url,
      merged_at: full.merged_at,
    },
    body: pull.body,
    reactions: reactionsBody(api),
    performed_via_github_app: null,
    state_reason: null,
  };
}

/** Nobody reacts here. */
export function reactionsBody(url: string) {
  const kinds = ["total_count", "+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes"];
  return { url: `${url}/reactions`, ...Object.fromEntries(kinds.map((kind) => [kind, 0])) };
}

export function isoSeconds(epochMs: number): string {
  return new Date(epochMs).toISOString().replace(/\.\d{3}Z$/, "Z");
}
