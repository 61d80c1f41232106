import { gitIn, gitSays } from "./git.ts";
import { type PushedCommit, readPushedCommits } from "./push-commits.ts";
import { type RefUpdate, zeroSha } from "./refs.ts";
import type { World } from "./world.ts";

/** One ref's move, with what Git knows about it: all a push payload needs that is not about GitHub's own objects. */
export interface Push extends RefUpdate {
  created: boolean;
  deleted: boolean;
  forced: boolean;
  baseRef: string | null;
  commits: PushedCommit[];
  /** Ids of `commits` that no other ref had before. */
  distinct: ReadonlySet<string>;
  headCommit: PushedCommit | null;
}

/** `old` are all refs before the push, `current` all refs after it. */
export async function readPush(
  world: World,
  gitDir: string,
  update: RefUpdate,
  old: Record<string, string>,
  current: Record<string, string>,
): Promise<Push> {
  const created = update.before === zeroSha;
  const deleted = update.after === zeroSha;
  const nothing = { created, deleted, forced: false, baseRef: null, commits: [], distinct: new Set<string>() };
  if (deleted) return { ...update, ...nothing, headCommit: null };

  const { pushCommits, pushFiles } = world.limits;
  const head = await peelToCommit(gitDir, update.after);
  // Git lets a tag name a tree or a blob; GitHub's payload then has no commit to show.
  if (!head) return { ...update, ...nothing, headCommit: null };
  const baseRef = created ? branchAt(head, current, update.ref) : null;
  const before = created ? undefined : await peelToCommit(gitDir, update.before);
  const forced = before !== undefined && !(await gitSays(gitDir, ["merge-base", "--is-ancestor", before, head]));
  const read = (exclude: readonly string[], limit: number) =>
    readPushedCommits(gitDir, { include: head, exclude }, limit, pushFiles);
  // A tag says where it points, not what led there.
  if (update.ref.startsWith("refs/tags/")) {
    const [headCommit] = await read([], 1);
    return { ...update, ...nothing, forced, baseRef, headCommit: headCommit! };
  }

  const otherHeads = await commitsOf(gitDir, old, update.ref);
  const commits = await read(before ? [before] : otherHeads, pushCommits);
  const headCommit = commits.find(({ id }) => id === head) ?? (await read([], 1))[0]!;
  // A new branch's commits are by choice those that no other ref has; an old one may repeat another's.
  const repeats = before !== undefined && otherHeads.length > 0;
  const distinct = repeats
    ? await listCommits(gitDir, head, [...otherHeads, before], pushCommits)
    : commits.map(({ id }) => id);
  return { ...update, created, deleted, forced, baseRef, commits, distinct: new Set(distinct), headCommit };
}

/** The commit an object names, through annotated tags; undefined for trees and blobs. */
async function peelToCommit(gitDir: string, sha: string): Promise<string | undefined> {
  const [peeled] = await peelAll(gitDir, [sha]);
  return peeled;
}

async function peelAll(gitDir: string, shas: readonly string[]): Promise<(string | undefined)[]> {
  if (shas.length === 0) return [];
  const input = shas.map((sha) => `${sha}^{commit}\n`).join("");
  const out = await gitIn(gitDir, ["cat-file", "--batch-check=%(objectname) %(objecttype)"], { input });
  const lines = out.split("\n");
  return shas.map((_, at) => /^([0-9a-f]{40}) commit$/.exec(lines[at] ?? "")?.[1]);
}

async function commitsOf(gitDir: string, refs: Record<string, string>, except: string): Promise<string[]> {
  const shas = Object.entries(refs).flatMap(([ref, sha]) => (ref === except ? [] : [sha]));
  return (await peelAll(gitDir, [...new Set(shas)])).filter((sha) => sha !== undefined);
}

async function listCommits(gitDir: string, include: string, exclude: readonly string[], limit: number) {
  const input = [include, ...exclude.map((sha) => `^${sha}`)].join("\n") + "\n";
  return (await gitIn(gitDir, ["rev-list", "--stdin", `--max-count=${limit}`], { input })).split("\n").filter(Boolean);
}

/** GitHub names the branch a new ref was made from when that branch stands at the same commit. */
function branchAt(commit: string, refs: Record<string, string>, except: string): string | null {
  const found = Object.keys(refs).find(
    (ref) => ref.startsWith("refs/heads/") && ref !== except && refs[ref] === commit,
  );
  return found ?? null;
}
