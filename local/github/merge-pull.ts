import { announceRefs } from "./announce.ts";
import { gitIn } from "./git.ts";
import { GitHubHttpError, notFound } from "./http-error.ts";
import { commitTree, mergedTree } from "./pull-facts.ts";
import { pullByNumber } from "./pulls.ts";
import { fullNameOf, gitDirOf, ownerOf } from "./repositories.ts";
import type { Account, Repository } from "./state.ts";
import type { World } from "./world.ts";

export interface WantedMerge {
  method: "merge" | "squash";
  title: string | null;
  message: string | null;
  /** What the head must still be. */
  sha: string | null;
}

/**
 * Merges as GitHub's button does, and returns the new commit: a push to the base that closes the pull request. Run it only
 * inside `world.pushes`. Killed after Git's update, a squash is only a push at the next start, and the request stays open.
 */
export async function merge(
  world: World,
  repository: Repository,
  number: number,
  by: Account,
  wanted: WantedMerge,
): Promise<string> {
  const gitDir = gitDirOf(world, repository);
  await announceRefs(world, repository);
  const pull = pullByNumber(world, repository, number);
  if (!pull) throw notFound();
  if (wanted.sha !== null && wanted.sha !== pull.headSha) {
    throw new GitHubHttpError(409, "Head branch was modified. Review and try the merge again.");
  }
  const tree = pull.state === "open" ? await mergedTree(gitDir, pull) : undefined;
  if (!tree) throw new GitHubHttpError(405, "Pull Request is not mergeable");
  if (pull.draft) throw new GitHubHttpError(405, "Pull Request is still a draft");
  const from = `${ownerOf(world, repository).login}/${pull.headRef}`;
  const [title, text, parents] =
    wanted.method === "squash"
      ? [`${pull.title} (#${number})`, "", [pull.baseSha]]
      : [`Merge pull request #${number} from ${from}`, pull.title, [pull.baseSha, pull.headSha]];
  const message = `${wanted.title ?? title}\n\n${wanted.message ?? text}`.trimEnd();
  const sha = await commitTree(world, repository, tree, parents, message, by);
  await gitIn(gitDir, ["update-ref", `refs/heads/${pull.baseRef}`, sha, pull.baseSha]);
  await announceRefs(world, repository, by, { pullId: pull.id, sha });
  if (pullByNumber(world, repository, number)?.mergeCommitSha === sha) return sha;
  throw new Error(`merging #${number} of ${fullNameOf(world, repository)} moved the base and not the pull request`);
}
