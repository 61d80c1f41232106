import type { Readable } from "node:stream";
import { cut } from "../core/image/quote.ts";
import type { CommitStatus, SourceRepository, SourceTree } from "../core/source.ts";
import { PermanentError } from "../errors.ts";
import type { GitHubAuth } from "./auth.ts";
import { classified, createCallAs, repositoryPath, send } from "./call.ts";
import { type FailedDelivery, failedDeliveries, redeliver } from "./deliveries.ts";
import { openTarball, readFile, readTree } from "./files.ts";
import { createRequest, type Fetch, refusedWith } from "./github-http.ts";
import { type ListedRef, listRefs, type RefHead, refHead } from "./refs.ts";
import { Repository } from "./schema.ts";

/**
 * GitHub as Slipway needs it. Every call may throw TransientError (limits with their wait, 5xx, no answer, an answer we cannot read) or PermanentError:
 * github-credentials (401), github-forbidden (403), github-absent (404 where absence is no answer), github-not-installed, github-refused, too-large.
 */
export interface GitHub {
  /** By id, which survives renames. Undefined: gone, or not ours to see. `lastKnownName` spares an App the search for its installation. */
  repository(id: number, lastKnownName?: string): Promise<SourceRepository | undefined>;
  refHead(source: SourceRepository, ref: string): Promise<RefHead>;
  refs(source: SourceRepository): Promise<ListedRef[]>;
  tree(source: SourceRepository, sha: string): Promise<SourceTree>;
  file(source: SourceRepository, sha: string, path: string): Promise<string | undefined>;
  tarball(source: SourceRepository, sha: string): Promise<Readable>;
  postStatus(source: SourceRepository, sha: string, status: CommitStatus): Promise<void>;
  /** Empty with a PAT: repository hooks have no list of ours to read. */
  failedDeliveries(sinceIso: string): Promise<FailedDelivery[]>;
  redeliver(id: string): Promise<void>;
  /** Throws unless GitHub answers and takes our credential. */
  ping(): Promise<void>;
}

/** Code points. GitHub refuses longer descriptions instead of cutting them. */
const descriptionLimit = 140;

export function createGitHub(options: { apiUrl: string; auth: GitHubAuth; fetch?: Fetch }): GitHub {
  const { apiUrl, auth, fetch = globalThis.fetch } = options;
  const request = createRequest(apiUrl, fetch);
  const callAs = createCallAs(request, auth);

  return {
    repository: (id, lastKnownName) =>
      classified(`read repository ${id}`, async () => {
        try {
          const hint = { id, fullName: lastKnownName };
          const answer = await callAs(hint, { metadata: "read" }, { path: `/repositories/${id}` });
          const repository = Repository.parse(answer.data);
          return { provider: "github", id: repository.id, fullName: repository.full_name };
        } catch (error) {
          const notOurs = error instanceof PermanentError && error.code === "github-not-installed";
          if (notOurs || refusedWith(error) === 404) return undefined;
          throw error;
        }
      }),
    refHead: (source, ref) => classified(`read ${ref} of ${source.fullName}`, () => refHead(callAs, source, ref)),
    refs: (source) => classified(`list refs of ${source.fullName}`, () => listRefs(callAs, apiUrl, source)),
    tree: (source, sha) =>
      classified(`read the tree of ${source.fullName}@${sha}`, () => readTree(callAs, source, sha)),
    file: (source, sha, path) =>
      classified(`read ${path} of ${source.fullName}@${sha}`, () => readFile(callAs, source, sha, path)),
    tarball: (source, sha) =>
      classified(`download ${source.fullName}@${sha}`, () => openTarball(callAs, fetch, source, sha, apiUrl)),
    postStatus: (source, sha, status) =>
      classified(`post status ${status.context} on ${source.fullName}@${sha}`, async () => {
        const { state, context, description, targetUrl } = status;
        await callAs(
          source,
          { statuses: "write" },
          {
            method: "POST",
            path: repositoryPath(source, "statuses", sha),
            body: { state, context, description: cut(description, descriptionLimit), target_url: targetUrl },
          },
        );
      }),
    failedDeliveries: (sinceIso) =>
      classified("list failed deliveries", () => failedDeliveries(request, auth, apiUrl, sinceIso)),
    redeliver: (id) => classified(`redeliver ${id}`, () => redeliver(request, auth, id)),
    ping: () =>
      classified("ask GitHub who we are", async () => {
        const app = await auth.appToken();
        // The second costs nothing of a limit and is for a PAT, whatever it may read.
        if (app) await send(request, app.expose(), { path: "/app" });
        else await send(request, (await auth.tokenFor({ id: 0 }, {})).expose(), { path: "/rate_limit" });
      }),
  };
}
