import type { ReadPush } from "../core/source.ts";
import { PushPayload } from "./schema.ts";

/** Paths kept; the event must fit a queue message (48 KiB) with room to spare. */
const pathLimit = 50;
const pathBytesLimit = 16 * 1024;
/** Where GitHub cuts its lists: commits per push, files per list of a commit. */
const gitHubCommitLimit = 2048;
const gitHubFileLimit = 3000;

/** A verified `push` payload as a small event. Pushes to anything but branches and tags are ignored, not wrong. */
export function readPushEvent(payload: unknown): ReadPush {
  const parsed = PushPayload.safeParse(payload);
  if (!parsed.success) {
    const wrong = [...new Set(parsed.error.issues.map((issue) => issue.path.join(".")))].slice(0, 10);
    return { ok: false, message: `not a push payload: missing or malformed: ${wrong.join(", ") || "all of it"}` };
  }
  const push = parsed.data;
  if (push.ref.length > 255 || /[\u0000-\u001f\u007f]/.test(push.ref))
    return { ok: false, message: "the ref is over 255 characters or holds control characters" };
  if (!/^refs\/(?:heads|tags)\/./.test(push.ref))
    return { ok: "ignored", reason: "the ref is neither a branch nor a tag" };
  const { id, full_name: fullName } = push.repository;
  return {
    ok: true,
    event: {
      sourceRepository: { provider: "github", id, fullName },
      ref: push.ref,
      before: push.before,
      after: push.after,
      deleted: push.deleted === true || /^0+$/.test(push.after),
      changedPaths: changedPaths(push),
      pusher: (push.sender?.login ?? push.pusher?.name ?? "unknown").slice(0, 100),
    },
  };
}

/** A new branch at an old commit, a tag and a force-push carry no or misleading commits: "no files named" is not "no files changed". */
function changedPaths(push: PushPayload): readonly string[] | "unknown" {
  const commits = push.commits ?? [];
  const created = push.created === true || /^0+$/.test(push.before);
  if (push.forced === true || created || commits.length === 0 || commits.length >= gitHubCommitLimit) return "unknown";
  const paths = new Set<string>();
  for (const { added, removed, modified } of commits) {
    for (const list of [added, removed, modified]) {
      if (list === undefined || list.length >= gitHubFileLimit) return "unknown";
      for (const path of list) paths.add(path);
      if (paths.size > pathLimit) return "unknown";
    }
  }
  // Merge commits may list nothing although they bring files along.
  if (paths.size === 0) return "unknown";
  const bytes = [...paths].reduce((sum, path) => sum + Buffer.byteLength(path), 0);
  return bytes > pathBytesLimit ? "unknown" : [...paths];
}
