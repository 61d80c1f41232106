import { accountByLogin } from "./account-body.ts";
import { saveAndSend } from "./emit.ts";
import { GitHubHttpError, validationFailed } from "./http-error.ts";
import type { Pull } from "./pull.ts";
import { readPullFacts } from "./pull-facts.ts";
import { pullEvent, pullsOf, writePullRefs } from "./pulls.ts";
import { networkIdOf } from "./repositories.ts";
import { roleOf } from "./roles.ts";
import type { Account, Repository } from "./state.ts";
import { takeId, type World } from "./world.ts";

export interface NewPull {
  title: string;
  body: string | null;
  /** `branch`, or `owner:branch` for a fork. */
  head: string;
  /** The fork's name, for an owner with several. */
  headRepo: string | null;
  base: string;
  draft: boolean;
  maintainerCanModify: boolean;
}

/** Opens a pull request with GitHub's refusals. Run it only inside `world.pushes`. */
export async function openPull(world: World, repository: Repository, author: Account, wanted: NewPull): Promise<Pull> {
  const baseSha = repository.refs[`refs/heads/${wanted.base}`];
  if (!baseSha) throw invalid("base");
  const [ownerLogin, headRef] = splitHead(wanted.head);
  const head = headRepository(world, repository, ownerLogin, wanted.headRepo);
  const headSha = head?.refs[`refs/heads/${headRef}`];
  if (!head || !headSha || roleOf(world, head, author) === "none") throw invalid("head");
  const label = `${ownerLogin ?? world.state.value.accounts.find(({ id }) => id === head.ownerId)!.login}:${headRef}`;
  const same = pullsOf(world, repository).some(
    (pull) =>
      pull.state === "open" &&
      pull.headRepositoryId === head.id &&
      pull.headRef === headRef &&
      pull.baseRef === wanted.base,
  );
  if (same) throw validationFailed("PullRequest", "head", `A pull request already exists for ${label}.`);
  const facts = await readPullFacts(world, repository, { headSha, baseSha });
  if (!facts) {
    throw validationFailed("PullRequest", "base", `The ${headRef} branch has no history in common with ${wanted.base}`);
  }
  if (facts.commits === 0) {
    throw validationFailed("PullRequest", "head", `No commits between ${wanted.base} and ${headRef}`);
  }

  const now = world.now();
  const number = repository.nextNumber ?? 1;
  repository.nextNumber = number + 1;
  const pull: Pull = {
    id: takeId(world),
    issueId: takeId(world),
    number,
    repositoryId: repository.id,
    headRepositoryId: head.id,
    headOwnerId: head.ownerId,
    headRef,
    headSha,
    baseRef: wanted.base,
    baseSha,
    authorId: author.id,
    title: wanted.title,
    body: wanted.body,
    state: "open",
    draft: wanted.draft,
    maintainerCanModify: head.id !== repository.id && wanted.maintainerCanModify,
    labels: [],
    createdAt: now,
    updatedAt: now,
    closedAt: null,
    mergedAt: null,
    mergedById: null,
    ...facts,
  };
  world.pulls.put(pull);
  saveAndSend(world, [pullEvent(world, pull, "opened", author)]);
  await writePullRefs(world, repository);
  return pull;
}

function splitHead(head: string): [string | undefined, string] {
  const at = head.indexOf(":");
  return at < 0 ? [undefined, head] : [head.slice(0, at), head.slice(at + 1)];
}

/** The base itself, or the owner's repository of the same fork network. */
function headRepository(
  world: World,
  base: Repository,
  ownerLogin: string | undefined,
  name: string | null,
): Repository | undefined {
  const owner = ownerLogin === undefined ? undefined : accountByLogin(world, ownerLogin);
  if (ownerLogin === undefined || owner?.id === base.ownerId) {
    if (name === null || name === base.name) return base;
  }
  return world.state.value.repositories.find(
    (each) =>
      each.ownerId === (owner?.id ?? base.ownerId) &&
      networkIdOf(each) === networkIdOf(base) &&
      (name === null || each.name === name),
  );
}

function invalid(field: string): GitHubHttpError {
  return new GitHubHttpError(422, "Validation Failed", [{ resource: "PullRequest", field, code: "invalid" }]);
}
