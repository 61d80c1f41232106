import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import type { SourceRepository, SourceTree, TreeEntry } from "../core/source.ts";
import { mayFollow } from "../endpoint.ts";
import { PermanentError, TransientError } from "../errors.ts";
import { safeCause } from "../redact.ts";
import { type CallAs, encodePath, repositoryPath } from "./call.ts";
import { type Fetch, refusedWith } from "./github-http.ts";
import { GitTree } from "./schema.ts";

/** Bytes; no Dockerfile or slipway.yaml is near it. */
const fileLimit = 256 * 1024;
const fileTimeoutMs = 20_000;
const tarballTimeoutMs = 15 * 60_000;
const redirectLimit = 3;

/** Every entry of a commit's tree. GitHub stops at 100,000 entries or 7 MB and says `truncated`. A commit not there (yet) is a TransientError. */
export async function readTree(callAs: CallAs, source: SourceRepository, sha: string): Promise<SourceTree> {
  const path = `${repositoryPath(source, "git", "trees", sha)}?recursive=1`;
  const answer = await callAs(source, { contents: "read" }, { path }).catch((error) => notThereYet(source, sha, error));
  const { tree, truncated = false } = GitTree.parse(answer.data);
  return { entries: tree.filter(isTreeEntry), truncated };
}

function isTreeEntry(entry: { path: string; mode: string; type: string; sha: string }): entry is TreeEntry {
  return entry.type === "blob" || entry.type === "tree" || entry.type === "commit";
}

/** A push is announced before every server of GitHub's has it. */
function notThereYet(source: SourceRepository, sha: string, error: unknown): never {
  const status = refusedWith(error);
  if (status === 404 || status === 409 || status === 422)
    throw new TransientError(`${source.fullName}@${sha} is not there (yet): GitHub answered ${status}`, {
      retryAfterSeconds: 10,
    });
  throw error;
}

/** A file's text at a commit, undefined when there is none (or a directory). Over 256 KiB: PermanentError("too-large"). */
export async function readFile(
  callAs: CallAs,
  source: SourceRepository,
  sha: string,
  path: string,
): Promise<string | undefined> {
  try {
    const answer = await callAs(
      source,
      { contents: "read" },
      {
        path: `${repositoryPath(source, "contents")}/${encodePath(path)}?ref=${encodeURIComponent(sha)}`,
        accept: "application/vnd.github.raw+json",
        stream: { signal: AbortSignal.timeout(fileTimeoutMs) },
      },
    );
    if (answer.status !== 200)
      throw new TransientError(`read ${path} of ${source.fullName}: GitHub answered ${answer.status}`);
    const body = answer.data as ReadableStream<Uint8Array> | null;
    // A directory comes as a JSON listing, a file's bytes never with this type.
    if (/^application\/json\b/.test(String(answer.headers["content-type"] ?? ""))) {
      await body?.cancel();
      return undefined;
    }
    return await readText(body, `${path} of ${source.fullName}`);
  } catch (error) {
    if (refusedWith(error) === 404) return undefined;
    throw error;
  }
}

async function readText(body: ReadableStream<Uint8Array> | null, what: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body ?? []) {
    length += chunk.length;
    if (length > fileLimit) throw new PermanentError("too-large", `${what} is over ${fileLimit / 1024} KiB`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/**
 * A commit's files as GitHub's tar.gz. GitHub redirects to another host with a short-lived link; our token does not go there.
 * Reading must end within 15 minutes.
 */
export async function openTarball(
  callAs: CallAs,
  fetch: Fetch,
  source: SourceRepository,
  sha: string,
  apiUrl: string,
): Promise<Readable> {
  const signal = AbortSignal.timeout(tarballTimeoutMs);
  const path = repositoryPath(source, "tarball", sha);
  const first = await callAs(source, { contents: "read" }, { path, stream: { signal } }).catch((error) =>
    notThereYet(source, sha, error),
  );
  let status = first.status;
  let location = first.headers.location;
  let body = first.data as ReadableStream<Uint8Array> | null;
  let from = new URL(apiUrl);
  for (let redirects = 0; status >= 300 && status < 400; redirects++) {
    await body?.cancel();
    const target = String(location ?? "");
    const to = redirects < redirectLimit && URL.canParse(target, from.href) ? new URL(target, from) : undefined;
    if (to === undefined || !mayFollow(from, to))
      throw new TransientError(`download ${source.fullName}@${sha}: redirected to where we do not go`);
    const answer = await fetch(to, { redirect: "manual", signal, headers: { "user-agent": "slipway" } }).catch(
      (error) => {
        throw new TransientError(`download ${source.fullName}@${sha}: ${to.host} did not answer`, {
          cause: safeCause(error),
        });
      },
    );
    ({ status, body } = answer);
    location = answer.headers.get("location") ?? undefined;
    from = to;
  }
  if (status !== 200 || body === null) {
    await body?.cancel();
    throw new TransientError(`download ${source.fullName}@${sha}: ${from.host} answered ${status}`);
  }
  return Readable.fromWeb(body);
}
