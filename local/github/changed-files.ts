import { gitIn } from "./git.ts";
import { gitDirOf } from "./repositories.ts";
import { repositoryApiUrl, repositoryHtmlUrl } from "./repository-body.ts";
import type { Repository } from "./state.ts";
import type { World } from "./world.ts";

const emptyTree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

const statusWords: Record<string, string> = {
  A: "added",
  D: "removed",
  M: "modified",
  R: "renamed",
  C: "copied",
  T: "changed",
};

/** Files that differ between two commits ("diff entry" of the REST API, without `patch`); no base means everything is new. */
export async function changedFiles(world: World, repository: Repository, base: string | undefined, head: string) {
  const gitDir = gitDirOf(world, repository);
  const flags = ["-r", "-z", "-M", "--raw", "--numstat", "--no-abbrev"];
  const out = await gitIn(gitDir, ["diff-tree", ...flags, base ?? emptyTree, head]);
  const api = repositoryApiUrl(world, repository);
  const html = repositoryHtmlUrl(world, repository);
  return parse(out.split("\0")).map((file) => {
    const encoded = file.path.split("/").map(encodeURIComponent).join("/");
    return {
      sha: file.status === "D" ? file.oldSha : file.newSha,
      filename: file.path,
      status: statusWords[file.status] ?? "changed",
      additions: file.additions,
      deletions: file.deletions,
      changes: file.additions + file.deletions,
      blob_url: `${html}/blob/${head}/${encoded}`,
      raw_url: `${html}/raw/${head}/${encoded}`,
      contents_url: `${api}/contents/${encoded}?ref=${head}`,
      ...(file.previousPath === undefined ? {} : { previous_filename: file.previousPath }),
    };
  });
}

interface ChangedFile {
  status: string;
  oldSha: string;
  newSha: string;
  path: string;
  previousPath?: string;
  additions: number;
  deletions: number;
}

/** `--raw` records come first (`:modes shas status`, path, second path of a rename), then the `--numstat` ones in the same order. */
function parse(tokens: readonly string[]): ChangedFile[] {
  const files: ChangedFile[] = [];
  let at = 0;
  while (tokens[at]?.startsWith(":")) {
    const [, , oldSha = "", newSha = "", status = ""] = tokens[at]!.split(" ");
    const moved = /^[RC]/.test(status);
    files.push({
      status: status.slice(0, 1),
      oldSha,
      newSha,
      path: tokens[at + (moved ? 2 : 1)]!,
      ...(moved ? { previousPath: tokens[at + 1]! } : {}),
      additions: 0,
      deletions: 0,
    });
    at += moved ? 3 : 2;
  }
  for (const file of files) {
    const [additions, deletions, path] = tokens[at]!.split("\t");
    // "-" for binary files: GitHub counts no lines there.
    file.additions = Number(additions) || 0;
    file.deletions = Number(deletions) || 0;
    at += path === "" ? 3 : 1;
  }
  return files;
}
