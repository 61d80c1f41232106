import { gitIn } from "./git.ts";

export interface GitPerson {
  name: string;
  email: string;
}

export interface PushedCommit {
  id: string;
  treeId: string;
  message: string;
  /** Committer date, strict ISO 8601 with its own offset. */
  timestamp: string;
  author: GitPerson;
  committer: GitPerson;
  added: string[];
  removed: string[];
  modified: string[];
}

const fields = ["%H", "%T", "%cI", "%an", "%ae", "%cn", "%ce", "%B"].join("%n");

/**
 * The commits a range names, oldest first: of too many the newest `limit`. Files are those that differ from the first
 * parent, so a merge lists what it brought in; at most `fileLimit` a commit over the three lists.
 */
export async function readPushedCommits(
  gitDir: string,
  range: { include: string; exclude: readonly string[] },
  limit: number,
  fileLimit: number,
): Promise<PushedCommit[]> {
  // Revisions go in by stdin: a repository may have more branches than an argument list holds.
  const input = [range.include, ...range.exclude.map((sha) => `^${sha}`)].join("\n") + "\n";
  const walk = ["log", "--stdin", "--topo-order", "--reverse", `--max-count=${limit}`, "-z"];
  const described = await gitIn(gitDir, [...walk, `--format=${fields}`, "--no-patch"], { input });
  if (described === "") return [];
  const changes = ["--format=%H", "--name-status", "--no-renames", "--root", "--diff-merges=first-parent"];
  const filesBySha = parseNameStatus(await gitIn(gitDir, [...walk, ...changes], { input }), fileLimit);
  return described
    .split("\0")
    .filter((text) => text !== "")
    .map((text) => {
      const [id, treeId, timestamp, authorName, authorEmail, committerName, committerEmail, ...message] = text.split(
        "\n",
      ) as [string, string, string, string, string, string, string, ...string[]];
      return {
        id,
        treeId,
        message: message.join("\n").replace(/\n+$/, ""),
        timestamp,
        author: { name: authorName, email: authorEmail },
        committer: { name: committerName, email: committerEmail },
        ...(filesBySha.get(id) ?? { added: [], removed: [], modified: [] }),
      };
    });
}

type Files = Pick<PushedCommit, "added" | "removed" | "modified">;

function parseNameStatus(text: string, fileLimit: number): Map<string, Files> {
  const filesBySha = new Map<string, Files>();
  let current: Files = { added: [], removed: [], modified: [] };
  let count = 0;
  const tokens = text.split("\0");
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at]!.trim();
    if (token === "") continue;
    if (/^[0-9a-f]{40}$/.test(token)) {
      current = { added: [], removed: [], modified: [] };
      count = 0;
      filesBySha.set(token, current);
      continue;
    }
    // A status is always followed by its path, so a path that looks like an id is never taken for one.
    at += 1;
    if (count++ >= fileLimit) continue;
    const list = token === "A" ? current.added : token === "D" ? current.removed : current.modified;
    list.push(tokens[at]!);
  }
  return filesBySha;
}
