import { accountBody, noreplyEmail, organizationBody } from "./account-body.ts";
import { nodeId } from "./node-id.ts";
import type { Push } from "./push.ts";
import type { GitPerson, PushedCommit } from "./push-commits.ts";
import { installationOf, ownerOf } from "./repositories.ts";
import { pushedRepositoryBody, repositoryHtmlUrl } from "./repository-body.ts";
import type { Account, Repository } from "./state.ts";
import type { World } from "./world.ts";

/** The `push` event's payload. https://docs.github.com/webhooks/webhook-events-and-payloads#push */
export function pushPayload(world: World, repository: Repository, push: Push, sender: Account) {
  const owner = ownerOf(world, repository);
  const installation = installationOf(world, repository);
  const commit = (each: PushedCommit) => commitBody(world, repository, each, push.distinct.has(each.id));
  return {
    ref: push.ref,
    before: push.before,
    after: push.after,
    repository: pushedRepositoryBody(world, repository),
    pusher: { name: sender.login, email: noreplyEmail(sender) },
    ...(owner.type === "Organization" ? { organization: organizationBody(world, owner) } : {}),
    sender: accountBody(world, sender),
    ...(installation
      ? { installation: { id: installation.id, node_id: nodeId("IntegrationInstallation", installation.id) } }
      : {}),
    created: push.created,
    deleted: push.deleted,
    forced: push.forced,
    base_ref: push.baseRef,
    compare: compareUrl(repositoryHtmlUrl(world, repository), push),
    commits: push.commits.map(commit),
    // Of a new ref at an old commit GitHub still says distinct: the head is always what this push is about.
    head_commit: push.headCommit && { ...commit(push.headCommit), distinct: true },
  };
}

function commitBody(world: World, repository: Repository, commit: PushedCommit, distinct: boolean) {
  return {
    id: commit.id,
    tree_id: commit.treeId,
    distinct,
    message: commit.message,
    timestamp: commit.timestamp,
    url: `${repositoryHtmlUrl(world, repository)}/commit/${commit.id}`,
    author: personBody(commit.author),
    committer: personBody(commit.committer),
    added: commit.added,
    removed: commit.removed,
    modified: commit.modified,
  };
}

/** `username` is there only when the address belongs to an account; the noreply form says whose it is. */
function personBody(person: GitPerson) {
  const username = /^(?:\d+\+)?([A-Za-z0-9-]+(?:\[bot\])?)@users\.noreply\.github\.com$/.exec(person.email)?.[1];
  return { name: person.name, email: person.email, ...(username ? { username } : {}) };
}

function compareUrl(html: string, push: Push): string {
  const short = (sha: string) => sha.slice(0, 12);
  if (!push.created) return `${html}/compare/${short(push.before)}...${short(push.after)}`;
  const [first] = push.commits;
  if (push.commits.length === 1) return `${html}/commit/${first!.id}`;
  if (first) return `${html}/compare/${short(first.id)}^...${short(push.after)}`;
  return `${html}/compare/${push.ref.replace(/^refs\/(?:heads|tags)\//, "")}`;
}
