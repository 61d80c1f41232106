import { accountBody, accountByLogin } from "./account-body.ts";
import { gitIn } from "./git.ts";
import { nodeId } from "./node-id.ts";
import { gitDirOf } from "./repositories.ts";
import { repositoryApiUrl, repositoryHtmlUrl } from "./repository-body.ts";
import type { Repository } from "./state.ts";
import type { World } from "./world.ts";

const fields = ["%H", "%T", "%P", "%aI", "%an", "%ae", "%cI", "%cn", "%ce", "%B"].join("%n");

/** GitHub's word for "nobody signed this". */
export const unsigned = { verified: false, reason: "unsigned", signature: null, payload: null, verified_at: null };

/** The commits a rev-list names, newest first, as REST bodies without files. */
export async function commitBodies(world: World, repository: Repository, revisions: readonly string[], limit: number) {
  const args = ["log", "--stdin", "--topo-order", `--max-count=${limit}`, "-z", `--format=${fields}`, "--no-patch"];
  const out = await gitIn(gitDirOf(world, repository), args, { input: revisions.join("\n") + "\n" });
  return out.split("\0").flatMap((text) => (text === "" ? [] : [commitBody(world, repository, text)]));
}

function commitBody(world: World, repository: Repository, text: string) {
  const [sha, tree, parents, authorDate, authorName, authorEmail, date, name, email, ...message] = text.split("\n") as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    ...string[],
  ];
  const api = repositoryApiUrl(world, repository);
  const html = repositoryHtmlUrl(world, repository);
  return {
    sha,
    node_id: nodeId("Commit", sha),
    commit: {
      author: { name: authorName, email: authorEmail, date: utc(authorDate) },
      committer: { name, email, date: utc(date) },
      message: message.join("\n").replace(/\n+$/, ""),
      tree: { sha: tree, url: `${api}/git/trees/${tree}` },
      url: `${api}/git/commits/${sha}`,
      comment_count: 0,
      verification: unsigned,
    },
    url: `${api}/commits/${sha}`,
    html_url: `${html}/commit/${sha}`,
    comments_url: `${api}/commits/${sha}/comments`,
    author: knownAccount(world, authorEmail),
    committer: knownAccount(world, email),
    parents: parents
      .split(" ")
      .filter(Boolean)
      .map((parent) => ({ sha: parent, url: `${api}/commits/${parent}`, html_url: `${html}/commit/${parent}` })),
  };
}

/** The REST API gives UTC, whatever the commit's own offset. */
export function utc(date: string): string {
  return new Date(date).toISOString().replace(/\.\d{3}Z$/, "Z");
}

function knownAccount(world: World, email: string) {
  const login = /^(?:\d+\+)?(.+)@users\.noreply\.github\.com$/.exec(email)?.[1];
  const account = accountByLogin(world, login);
  return account ? accountBody(world, account) : null;
}
