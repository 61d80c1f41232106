import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CommitFiles, commitFiles } from "./commit-files.ts";
import { git } from "./git.ts";

/**
 * The same commit through a real `git clone` and `git push` over HTTP, so that everything a push sets off happens.
 * Returns the pushed commit's id.
 */
export async function pushFiles(cloneUrl: string, commit: CommitFiles): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "slipway-push-"));
  try {
    await git(["clone", "--quiet", "--bare", cloneUrl, dir]);
    const sha = await commitFiles(dir, commit);
    const ref = `refs/heads/${commit.branch}`;
    await git(["--git-dir", dir, "push", "--quiet", cloneUrl, `${ref}:${ref}`]);
    return sha;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
