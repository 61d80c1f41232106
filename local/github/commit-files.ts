import { git, gitIn } from "./git.ts";

export interface CommitFiles {
  /** Short branch name; made if it does not exist. */
  branch: string;
  /** Path → content; null removes the file. Paths not named stay as they are. */
  files: Record<string, string | Buffer | null>;
  message: string;
  /** Default: `Local Committer <committer@users.noreply.github.com>`. */
  author?: { name: string; email: string };
  /** Epoch seconds, so that a test's commit ids are the same on every run. Default: now. */
  date?: number;
}

/**
 * Commits to a bare repository without a work tree and returns the commit's id. It moves the branch behind the twin's
 * back: call `announce` afterwards, or use pushFiles for a push like any other.
 */
export async function commitFiles(gitDir: string, commit: CommitFiles): Promise<string> {
  const ref = `refs/heads/${commit.branch}`;
  const parent = (await gitIn(gitDir, ["for-each-ref", "--format=%(objectname)", ref])).trim();
  const blobs = parent ? await blobsOf(gitDir, parent) : new Map<string, Entry>();
  for (const [path, content] of Object.entries(commit.files)) {
    if (content === null) blobs.delete(path);
    else blobs.set(path, { mode: "100644", type: "blob", sha: await writeBlob(gitDir, content) });
  }
  const tree = await writeTree(gitDir, blobs);
  const env = identity(commit);
  const parents = parent ? ["-p", parent] : [];
  const sha = (
    await gitIn(gitDir, ["commit-tree", tree, ...parents], { input: `${commit.message.trimEnd()}\n`, env })
  ).trim();
  await gitIn(gitDir, ["update-ref", ref, sha, parent || "0".repeat(40)]);
  return sha;
}

interface Entry {
  mode: string;
  type: string;
  sha: string;
}

async function blobsOf(gitDir: string, commit: string): Promise<Map<string, Entry>> {
  const out = await gitIn(gitDir, ["ls-tree", "-r", "-z", commit]);
  const entries = out.split("\0").flatMap((line) => {
    const [, mode, type, sha, path] = /^(\d+) (\w+) (\w+)\t([\s\S]+)$/.exec(line) ?? [];
    return path ? [[path, { mode, type, sha } as Entry] as const] : [];
  });
  return new Map(entries);
}

async function writeBlob(gitDir: string, content: string | Buffer): Promise<string> {
  return (await gitIn(gitDir, ["hash-object", "-w", "--stdin"], { input: content })).trim();
}

/** One level at a time, deepest first, as `mktree` takes no paths. */
async function writeTree(gitDir: string, entries: ReadonlyMap<string, Entry>): Promise<string> {
  const here = new Map<string, Entry>();
  const below = new Map<string, Map<string, Entry>>();
  for (const [path, entry] of entries) {
    const slash = path.indexOf("/");
    if (slash < 0) {
      here.set(path, entry);
      continue;
    }
    const folder = path.slice(0, slash);
    const inside = below.get(folder) ?? new Map<string, Entry>();
    below.set(folder, inside.set(path.slice(slash + 1), entry));
  }
  for (const [folder, inside] of below) {
    here.set(folder, { mode: "040000", type: "tree", sha: await writeTree(gitDir, inside) });
  }
  const input = [...here].map(([name, { mode, type, sha }]) => `${mode} ${type} ${sha}\t${name}\0`).join("");
  return (await git(["--git-dir", gitDir, "mktree", "-z"], { input })).toString().trim();
}

/** The environment that makes Git use the commit's author and date for both author and committer. */
export function identity({ author, date }: Pick<CommitFiles, "author" | "date">): Record<string, string> {
  const { name, email } = author ?? { name: "Local Committer", email: "committer@users.noreply.github.com" };
  const at: Record<string, string> =
    date === undefined ? {} : { GIT_AUTHOR_DATE: `${date} +0000`, GIT_COMMITTER_DATE: `${date} +0000` };
  return {
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: email,
    GIT_COMMITTER_NAME: name,
    GIT_COMMITTER_EMAIL: email,
    ...at,
  };
}
