import type { SourceRepository } from "../core/source.ts";
import { TransientError } from "../errors.ts";
import { type CallAs, repositoryPath } from "./call.ts";
import { nextPage, refusedWith } from "./github-http.ts";
import { GitRef, GitRefs, GitTag } from "./schema.ts";

export type RefHead = { readonly kind: "found"; readonly sha: string } | { readonly kind: "absent" };

/** `sha` is a commit's unless `annotatedTag`: then it is the tag object's, and `refHead` knows the commit. */
export interface ListedRef {
  readonly ref: string;
  readonly sha: string;
  readonly annotatedTag: boolean;
}

/** Tags of tags are legal and nobody needs more than one. */
const peelLimit = 5;
const pageLimit = 100;

/** The commit a full ref (`refs/heads/…`, `refs/tags/…`) points at now. Absent: no such ref, an empty repository, or a tag of something that is no commit. */
export async function refHead(callAs: CallAs, source: SourceRepository, ref: string): Promise<RefHead> {
  const get = async (path: string) => (await callAs(source, { contents: "read" }, { path })).data;
  try {
    let { object } = GitRef.parse(await get(repositoryPath(source, "git", "ref", ref.replace(/^refs\//, ""))));
    for (let depth = 0; object.type === "tag" && depth < peelLimit; depth++)
      ({ object } = GitTag.parse(await get(repositoryPath(source, "git", "tags", object.sha))));
    return object.type === "commit" ? { kind: "found", sha: object.sha } : { kind: "absent" };
  } catch (error) {
    const status = refusedWith(error);
    // 409: the repository has no commit yet.
    if (status === 404 || status === 409) return { kind: "absent" };
    throw error;
  }
}

/** All branches and tags; TransientError rather than a list cut short. */
export async function listRefs(callAs: CallAs, apiUrl: string, source: SourceRepository): Promise<ListedRef[]> {
  const refs: ListedRef[] = [];
  for (const kind of ["heads", "tags"]) {
    let path: string | undefined = `${repositoryPath(source, "git", "matching-refs", kind)}?per_page=100`;
    for (let page = 0; path !== undefined; page++) {
      if (page === pageLimit) throw new TransientError(`list refs of ${source.fullName}: more than ${pageLimit} pages`);
      const answer = await listPage(callAs, source, path);
      if (answer === undefined) break;
      for (const { ref, object } of GitRefs.parse(answer.data)) {
        const listed = { ref, sha: object.sha, annotatedTag: object.type === "tag" };
        // The match is by prefix of the name, so "heads" would also find refs/heads-up/….
        const ours = ref.startsWith(`refs/${kind}/`);
        if (ours && (object.type === "commit" || listed.annotatedTag)) refs.push(listed);
      }
      path = nextPage(answer.headers.link, apiUrl);
    }
  }
  return refs;
}

async function listPage(callAs: CallAs, source: SourceRepository, path: string) {
  try {
    return await callAs(source, { contents: "read" }, { path });
  } catch (error) {
    if (refusedWith(error) === 409) return undefined;
    throw error;
  }
}
