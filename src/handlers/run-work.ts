/**
 * The slow work around one run, done outside the pass: sending its context to ACR, and afterwards keeping its log and
 * putting its stable tags right. Answers go through the inbox; doing the work twice changes nothing.
 */
import type { Readable } from "node:stream";
import type { DigestLookup } from "../core/image/digest-lookup.ts";
import { parseReference } from "../core/image/reference.ts";
import { seqOf } from "../core/run/desk.ts";
import type { SourceRepository } from "../core/source.ts";
import { keys } from "../core/state/keys.ts";
import type { Attempt, Inbox, Run, Track } from "../core/state/rows.ts";
import type { Rows } from "../core/state/store.ts";
import { PermanentError } from "../errors.ts";
import type { Secret } from "../secret.ts";
import { type InboxWriter, leaveWord } from "./inbox.ts";
import { lastWords } from "./last-words.ts";
import { maskLines } from "./mask-lines.ts";
import type { RunWork } from "./messages.ts";
import type { Registry } from "./registries.ts";

export interface LogStore {
  /** Writes the whole log under a name, replacing what was there; returns its bytes. */
  save(name: string, text: AsyncIterable<Uint8Array>): Promise<number>;
}

export interface RunWorkPorts extends InboxWriter {
  readonly registry: Registry;
  readonly rows: Rows;
  readonly github: { tarball(source: SourceRepository, sha: string): Promise<Readable> };
  readonly acr: {
    uploadTarget(): Promise<{ readonly uploadUrl: Secret; readonly relativePath: string }>;
    logReader(acrRunId: string): Promise<{
      read(
        offset: number,
        maxBytes: number,
      ): Promise<{ readonly bytes: Uint8Array; readonly nextOffset: number; readonly complete: boolean }>;
    }>;
  };
  streamContext(
    tarball: Readable,
    contextPrefix: string,
    dockerfile: string,
  ): { readonly stream: Readable; readonly done: Promise<unknown> };
  upload(stream: Readable, uploadUrl: Secret): Promise<void>;
  readonly logs: LogStore;
  resolveDigest(reference: string): Promise<DigestLookup>;
  moveTag(reference: string, digest: string): Promise<void>;
  log(message: string, fields: Record<string, unknown>): void;
}

export async function runWork(message: RunWork, ports: RunWorkPorts): Promise<void> {
  const run = await readRow<Run>(ports, keys.run(seqOf(message.run)));
  const attempt = await readRow<Attempt>(ports, keys.attempt(message.run, message.runAttempt));
  if (!run || !attempt) return;
  if (message.kind === "collect") return collect(run, attempt, ports);
  if (attempt.stage === "preparing") await prepare(run, attempt, ports);
}

/** For work that failed for good: the run ends and says why. */
export async function giveUpRunWork(message: RunWork, error: Error, ports: RunWorkPorts): Promise<void> {
  const code = error instanceof PermanentError ? error.code : "gave-up";
  const common = {
    id: `${message.run}.${message.runAttempt}.${message.kind}-failed`,
    run: message.run,
    attempt: message.runAttempt,
  };
  const word: Inbox =
    message.kind === "prepare"
      ? { kind: "context-failed", ...common, code, message: error.message }
      : { kind: "log-collected", ...common, blob: "", bytes: 0 };
  await leaveWord(ports, ports.registry, word);
}

async function readRow<T>(ports: RunWorkPorts, key: string): Promise<T | undefined> {
  return (await ports.rows.read(ports.registry.partition, key)).row?.value as T | undefined;
}

/** Only a tarball of the build's own folder goes to ACR, streamed through us: no credential reaches ACR and no `.git` an image (R8). */
async function prepare(run: Run, attempt: Attempt, ports: RunWorkPorts): Promise<void> {
  const tarball = await ports.github.tarball(run.source, attempt.wanted.commit);
  const { context, dockerfile } = attempt.definition;
  const packed = ports.streamContext(tarball, context, dockerfile);
  const target = await ports.acr.uploadTarget();
  try {
    await Promise.all([ports.upload(packed.stream, target.uploadUrl), packed.done]);
  } catch (error) {
    // When the context itself is at fault, that is the answer, not the upload it broke.
    await packed.done;
    throw error;
  } finally {
    tarball.destroy();
  }
  const id = `${run.id}.${attempt.number}.prepared`;
  await leaveWord(ports, ports.registry, {
    kind: "context-prepared",
    id,
    run: run.id,
    attempt: attempt.number,
    sourceLocation: target.relativePath,
  });
}

const logChunk = 256 * 1024;
/** A log that never ends is cut; its head and the run's own error remain. */
const logBytesMost = 64 * 1024 * 1024;

/** ACR keeps logs 30 days, or one with customer-managed keys; ours stay as long as the history does. */
async function collect(run: Run, attempt: Attempt, ports: RunWorkPorts): Promise<void> {
  const blob = `${ports.registry.partition}/${run.id}/${attempt.number}.log`;
  const tail: string[] = [];
  const bytes = attempt.acrRunId ? await ports.logs.save(blob, maskLines(readLog(ports, attempt.acrRunId, tail))) : 0;
  await pointStableTags(run, ports);
  const failure = run.status === "Failed" ? lastWords(tail.join("")) : undefined;
  const id = `${run.id}.${attempt.number}.collected`;
  await leaveWord(ports, ports.registry, {
    kind: "log-collected",
    id,
    run: run.id,
    attempt: attempt.number,
    blob,
    bytes,
    ...(failure ? { failure } : {}),
  });
}

async function* readLog(ports: RunWorkPorts, acrRunId: string, tail: string[]): AsyncIterable<Uint8Array> {
  const reader = await ports.acr.logReader(acrRunId);
  for (let offset = 0; offset < logBytesMost; ) {
    const piece = await reader.read(offset, logChunk);
    if (piece.bytes.byteLength > 0) {
      tail.push(Buffer.from(piece.bytes).toString("utf8"));
      if (tail.length > 2) tail.shift();
      yield piece.bytes;
    }
    if (piece.complete || piece.bytes.byteLength === 0) return;
    offset = piece.nextOffset;
  }
}

/**
 * R6: a stable tag ends at what the track built last. Looked at after every run, because one that was cancelled or given
 * up may have pushed late. While another run of the track is at ACR its push is still to come, and it will look again.
 */
async function pointStableTags(run: Run, ports: RunWorkPorts): Promise<void> {
  const track = await readRow<Track>(ports, run.track);
  if (!track?.built || track.active) return;
  for (const reference of track.makes) {
    const lookup = await ports.resolveDigest(reference);
    if (lookup.kind === "unknown" || (lookup.kind === "found" && lookup.digest === track.built.digest)) continue;
    const parsed = parseReference(reference);
    if (!parsed.ok) continue;
    ports.log("stable tag put right", {
      reference,
      to: track.built.digest,
      was: lookup.kind === "found" ? lookup.digest : "absent",
    });
    await ports.moveTag(reference, track.built.digest);
  }
}
