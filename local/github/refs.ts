import { gitIn } from "./git.ts";

export const zeroSha = "0".repeat(40);

/** One ref before and after; the zero id means it did not exist. */
export interface RefUpdate {
  ref: string;
  before: string;
  after: string;
}

/** Branches and tags of a bare repository: full ref name → object id (for an annotated tag, the tag object's). */
export async function readRefs(gitDir: string): Promise<Record<string, string>> {
  const out = await gitIn(gitDir, ["for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags"]);
  const refs: Record<string, string> = {};
  for (const line of out.split("\n")) {
    if (line) refs[line.slice(41)] = line.slice(0, 40);
  }
  return refs;
}

/** What happened between two readings, sorted by ref name. */
export function diffRefs(old: Record<string, string>, current: Record<string, string>): RefUpdate[] {
  const names = [...new Set([...Object.keys(old), ...Object.keys(current)])].sort();
  return names
    .map((ref) => ({ ref, before: old[ref] ?? zeroSha, after: current[ref] ?? zeroSha }))
    .filter((update) => update.before !== update.after);
}
