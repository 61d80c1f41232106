import { GitError, git, gitIn } from "./git.ts";
import { gitDirOf } from "./repositories.ts";
import type { Repository } from "./state.ts";
import type { World } from "./world.ts";

export type ObjectType = "commit" | "tree" | "blob" | "tag";

export interface FoundObject {
  sha: string;
  type: ObjectType;
  size: number;
}

/**
 * Looks names up in one go; undefined where there is no such object. A name is an id or Git's `<id>:path` and `<id>^{type}`;
 * the id part must be a full one that the caller resolved, never text from a request.
 */
export async function findObjects(gitDir: string, names: readonly string[]): Promise<(FoundObject | undefined)[]> {
  if (names.length === 0) return [];
  // A line break in a path would be read as a second question, and shift every answer after it.
  const input = names.map((name) => (name.includes("\n") ? zero : name) + "\n").join("");
  const out = await gitIn(gitDir, ["cat-file", "--batch-check"], { input });
  const lines = out.split("\n");
  return names.map((_, at) => {
    const [, sha, type, size] = /^([0-9a-f]{40}) (commit|tree|blob|tag) (\d+)$/.exec(lines[at] ?? "") ?? [];
    return sha && type ? { sha, type: type as ObjectType, size: Number(size) } : undefined;
  });
}

const zero = "0".repeat(40);

export async function findObject(gitDir: string, name: string): Promise<FoundObject | undefined> {
  const [found] = await findObjects(gitDir, [name]);
  return found;
}

export function readBlob(gitDir: string, sha: string): Promise<Buffer> {
  return git(["--git-dir", gitDir, "cat-file", "blob", sha]);
}

/**
 * The commit that text from a request names: a branch, a tag, `heads/…`, `tags/…`, `refs/…`, or a commit id (a prefix of 4
 * or more digits will do). Names are looked up in the refs the API shows now, so a lagging API lags here too.
 */
export async function resolveCommit(world: World, repository: Repository, text: string): Promise<string | undefined> {
  const gitDir = gitDirOf(world, repository);
  const refs = world.lag.visibleRefs(repository);
  const names = [text, `refs/${text}`, `refs/heads/${text}`, `refs/tags/${text}`];
  const ref = names.find((name) => name.startsWith("refs/") && Object.hasOwn(refs, name));
  if (ref) return (await findObject(gitDir, `${refs[ref]}^{commit}`))?.sha;
  if (!/^[0-9a-f]{4,40}$/i.test(text)) return undefined;
  return (await findObject(gitDir, `${text.toLowerCase()}^{commit}`))?.sha;
}

export interface TreeEntry {
  path: string;
  mode: string;
  type: ObjectType;
  sha: string;
  /** Blobs only. */
  size?: number;
}

/** A tree's entries in Git's order; undefined if there is no such tree. */
export async function readTree(gitDir: string, treeish: string, recursive: boolean): Promise<TreeEntry[] | undefined> {
  try {
    const flags = recursive ? ["-r", "-t"] : [];
    const out = await gitIn(gitDir, ["ls-tree", "-z", "--long", ...flags, treeish]);
    return out.split("\0").flatMap((line) => parseEntry(line) ?? []);
  } catch (error) {
    if (error instanceof GitError) return undefined;
    throw error;
  }
}

function parseEntry(line: string): TreeEntry | undefined {
  const match = /^(\d{6}) (\w+) ([0-9a-f]{40}) +(-|\d+)\t([\s\S]*)$/.exec(line);
  if (!match) return undefined;
  const [, mode, type, sha, size, path] = match as unknown as [string, string, ObjectType, string, string, string];
  return { path, mode, type, sha, ...(size === "-" ? {} : { size: Number(size) }) };
}
