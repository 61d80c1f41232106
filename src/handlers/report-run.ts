/**
 * Makes GitHub agree with the rows, per commit and context, and never backwards. It reads the run as it is now, so a late
 * or repeated message says nothing old; the newest run of a context speaks, and only forward.
 */

import { commitStatusOf, isQuiet } from "../core/run/commit-status.ts";
import { seqOf } from "../core/run/desk.ts";
import { rankOf } from "../core/run/transition.ts";
import type { CommitStatus, SourceRepository } from "../core/source.ts";
import { keys } from "../core/state/keys.ts";
import type { Run } from "../core/state/rows.ts";
import type { Rows } from "../core/state/store.ts";
import { PermanentError, TransientError } from "../errors.ts";
import type { Log } from "../ports.ts";
import type { Report } from "./messages.ts";
import { readValue } from "./read-rows.ts";
import { platformPartition, type Registries } from "./registries.ts";
import type { Note } from "./resolve-ref.ts";

export interface ReportPorts {
  readonly rows: Rows;
  readonly registries: Registries;
  readonly github: { postStatus(source: SourceRepository, sha: string, status: CommitStatus): Promise<void> };
  /** Where people reach the API; undefined: statuses carry no link. */
  readonly publicUrl: string | undefined;
  readonly log: Log;
}

/** What was last said about a commit in a context. `posted` is false while somebody is about to say it: a claim, written before the post. */
interface Said {
  readonly run: string;
  readonly seq: number;
  readonly rank: number;
  readonly text: string;
  readonly posted: boolean;
  /** Statuses of this commit and context so far; absent in rows written before they were counted. */
  readonly posts?: number;
}

/**
 * GitHub takes 1,000 statuses for a commit and context, and a commit that nothing follows is built again for every move of
 * its bases. Beyond this many only ends are told, so that the last one told is an end.
 */
const postsInFull = 800;

const passing: ReadonlySet<string> = new Set(["github-credentials", "github-forbidden", "github-not-installed"]);

/** An unposted claim older than this belongs to somebody who died. */
const claimMs = 30_000;

export async function reportRun(message: Report, ports: ReportPorts): Promise<void> {
  if (message.kind === "note") return reportNote(message.note, ports);
  const registry = await ports.registries.find(message.registry);
  const dueKey = keys.due("report", message.run);
  const { row: due } = await ports.rows.read(registry.partition, dueKey);
  const run = await readValue<Run>(ports.rows, registry.partition, keys.run(seqOf(message.run)));
  if (run) await say(run, registry.partition, ports);
  // If the run moved on meanwhile the row has changed, stays, and has a message of its own.
  if (due) await ports.rows.removeUnchanged(registry.partition, due);
}

async function say(run: Run, partition: string, ports: ReportPorts): Promise<void> {
  const status = commitStatusOf(run, ports.publicUrl && `${ports.publicUrl}/runs/${run.id}`);
  const saidKey = keys.said(run.source.id, run.commit, status.context);
  const { row, now } = await ports.rows.read(partition, saidKey);
  const before = row?.value as Said | undefined;
  // Once something was said of it, it has to stay true.
  if (isQuiet(run) && before?.run !== run.id) return;
  const posts = before?.posts ?? 0;
  if (posts >= postsInFull && status.state === "pending") return;
  const next: Said = {
    run: run.id,
    seq: run.seq,
    rank: rankOf(run.status),
    text: `${status.state} ${status.description}`,
    posted: false,
    posts: posts + 1,
  };
  if (before && !isNews(before, next)) return;
  if (row && before && !before.posted && now - row.writtenAt < claimMs)
    throw new TransientError(`report ${run.id}: another report of ${status.context} is under way`, {
      retryAfterSeconds: 2,
    });
  const claim = await ports.rows.transact(partition, [
    row
      ? { kind: "replace", key: saidKey, value: next, etag: row.etag }
      : { kind: "insert", key: saidKey, value: next },
  ]);
  if (claim.kind !== "done")
    throw new TransientError(`report ${run.id}: another report of ${status.context} is under way`, {
      retryAfterSeconds: 2,
    });
  await post(run.source, run.commit, status, ports);
  await ports.rows.transact(partition, [
    { kind: "replace", key: saidKey, value: { ...next, posted: true } satisfies Said, etag: claim.etags.get(saidKey)! },
  ]);
}

/** A newer run speaks over an older one; the same run only forward, or to say more about where it stands. */
function isNews(before: Said, next: Said): boolean {
  if (next.seq !== before.seq) return next.seq > before.seq;
  if (next.rank !== before.rank) return next.rank > before.rank;
  return !before.posted || next.text !== before.text;
}

/** A commit or repository that GitHub no longer has cannot be told anything; that is no reason to try for three days. */
async function post(source: SourceRepository, sha: string, status: CommitStatus, ports: ReportPorts): Promise<void> {
  try {
    await ports.github.postStatus(source, sha, status);
  } catch (error) {
    if (!(error instanceof PermanentError)) throw error;
    // A key that is being rotated or an App that is suspended comes back; the commit must not stay pending for it.
    if (passing.has(error.code)) throw new TransientError(error.message, { retryAfterSeconds: 60 });
    ports.log("status refused by GitHub", {
      source: source.fullName,
      sha,
      context: status.context,
      why: error.message,
    });
  }
}

async function reportNote(id: string, ports: ReportPorts): Promise<void> {
  const { row } = await ports.rows.read(platformPartition, keys.due("note", id));
  if (!row) return;
  const note = row.value as Note;
  for (const status of note.statuses) await post(note.source, note.sha, status, ports);
  await ports.rows.removeUnchanged(platformPartition, row);
}
