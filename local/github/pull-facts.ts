import { noreplyEmail } from "./account-body.ts";
import { changedFiles } from "./changed-files.ts";
import { GitError, gitIn, gitSays } from "./git.ts";
import type { Pull } from "./pull.ts";
import { gitDirOf } from "./repositories.ts";
import type { Account, Repository } from "./state.ts";
import type { World } from "./world.ts";

/** What Git says about a head against a base. */
export type PullFacts = Pick<Pull, "mergeCommitSha" | "commits" | "additions" | "deletions" | "changedFiles">;

/** Undefined when the two have no commit in common. */
export async function readPullFacts(
  world: World,
  base: Repository,
  shas: Pick<Pull, "baseSha" | "headSha">,
): Promise<PullFacts | undefined> {
  const { baseSha, headSha } = shas;
  const mergeBase = await mergeBaseOf(world, base, shas);
  if (!mergeBase) return undefined;
  const gitDir = gitDirOf(world, base);
  const commits = Number(await gitIn(gitDir, ["rev-list", "--count", `${baseSha}..${headSha}`]));
  const files = await changedFiles(world, base, mergeBase, headSha);
  const tree = await mergedTree(gitDir, shas);
  return {
    commits,
    additions: files.reduce((sum, each) => sum + each.additions, 0),
    deletions: files.reduce((sum, each) => sum + each.deletions, 0),
    changedFiles: files.length,
    mergeCommitSha: tree
      ? await commitTree(world, base, tree, [baseSha, headSha], `Merge ${headSha} into ${baseSha}`)
      : null,
  };
}

export async function mergeBaseOf(
  world: World,
  base: Repository,
  { baseSha, headSha }: Pick<Pull, "baseSha" | "headSha">,
): Promise<string | undefined> {
  const gitDir = gitDirOf(world, base);
  if (!(await gitSays(gitDir, ["merge-base", baseSha, headSha]))) return undefined;
  return (await gitIn(gitDir, ["merge-base", baseSha, headSha])).trim();
}

/** The tree both make together, or undefined when they conflict. */
export async function mergedTree(
  gitDir: string,
  { baseSha, headSha }: Pick<Pull, "baseSha" | "headSha">,
): Promise<string | undefined> {
  try {
    return (await gitIn(gitDir, ["merge-tree", "--write-tree", baseSha, headSha])).trim();
  } catch (error) {
    if (error instanceof GitError && error.exitCode === 1) return undefined;
    throw error;
  }
}

/** GitHub commits merges itself, in the name of who merges where somebody does. */
export async function commitTree(
  world: World,
  repository: Repository,
  tree: string,
  parents: readonly string[],
  message: string,
  author?: Account,
): Promise<string> {
  const name = author?.login ?? "GitHub";
  const email = author ? noreplyEmail(author) : "noreply@github.com";
  const date = `${Math.floor(world.now() / 1000)} +0000`;
  const env = {
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: email,
    GIT_AUTHOR_DATE: date,
    GIT_COMMITTER_NAME: "GitHub",
    GIT_COMMITTER_EMAIL: "noreply@github.com",
    GIT_COMMITTER_DATE: date,
  };
  const args = ["commit-tree", tree, ...parents.flatMap((parent) => ["-p", parent])];
  return (await gitIn(gitDirOf(world, repository), args, { input: `${message}\n`, env })).trim();
}
