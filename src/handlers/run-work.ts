/**
 * The slow work around one run, done outside the pass: sending its context to ACR, and afterwards keeping its log and
 * putting its stable tags right. Answers go through the inbox; doing the work twice changes nothing.
 */
import type { Readable } from "node:stream";
import type { DigestLookup } from "../core/image/digest-lookup.ts";
import { pinDockerfile } from "../core/image/pin-dockerfile.ts";
import { formatReference } from "../core/image/reference.ts";
import { pastOf } from "../core/image/tag-history.ts";
import { seqOf } from "../core/run/desk.ts";
import { type EndCode, isInputFault } from "../core/run/end-code.ts";
import { dockerfileOptions } from "../core/run/render-run.ts";
import type { SourceRepository } from "../core/source.ts";
import { keys } from "../core/state/keys.ts";
import type { Attempt, Followed, Inbox, Run, Track, TrackPointer } from "../core/state/rows.ts";
import type { Rows } from "../core/state/store.ts";
import { PermanentError, TransientError } from "../errors.ts";
import type { Log, LogStore } from "../ports.ts";
import type { Secret } from "../secret.ts";
import { dependenciesIn } from "./dependencies-in-log.ts";
import { readFollowed, remember } from "./followed.ts";
import { type InboxWriter, leaveWord } from "./inbox.ts";
import { lastWords } from "./last-words.ts";
import { maskLines } from "./mask-lines.ts";
import type { RunWork } from "./messages.ts";
import { readValue } from "./read-rows.ts";
import type { Registry } from "./registries.ts";

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
    /** Gives the Dockerfile that is sent instead; what it throws fails the context. */
    rewrite?: (text: string) => string,
  ): { readonly stream: Readable; readonly done: Promise<unknown> };
  /** Destroys the stream when it fails, so that nobody goes on packing. */
  upload(stream: Readable, uploadUrl: Secret): Promise<void>;
  readonly logs: LogStore;
  resolveDigest(reference: string): Promise<DigestLookup>;
  moveTag(reference: string, digest: string): Promise<void>;
  readonly log: Log;
}

/** A run holds one of the registry's slots while its context is prepared, and the images of other sources wait for slots. */
const preparePatienceMs = 1_800_000;

export async function runWork(message: RunWork, ports: RunWorkPorts): Promise<void> {
  const run = await readRow<Run>(ports, keys.run(seqOf(message.run)));
  const attempt = await readRow<Attempt>(ports, keys.attempt(message.run, message.runAttempt));
  if (!run || !attempt) return;
  if (message.kind === "collect") return collect(run, attempt, ports);
  if (attempt.stage === "preparing") await prepareInTime(run, attempt, ports);
}

/** For work that failed for good: the run ends and says why. */
export async function giveUpRunWork(message: RunWork, error: Error, ports: RunWorkPorts): Promise<void> {
  const code = error instanceof PermanentError && isInputFault(error.code) ? error.code : "gave-up";
  await leaveWord(ports, ports.registry, wordOfFailed(message, code, error.message));
}

/** Without a context the run ends; without a log it has none. */
export function wordOfFailed({ run, runAttempt: attempt, kind }: RunWork, code: EndCode, message: string): Inbox {
  const common = { id: `${run}.${attempt}.${kind}-failed`, run, attempt };
  return kind === "prepare"
    ? { kind: "context-failed", ...common, code, message }
    : { kind: "log-collected", ...common, blob: "", bytes: 0 };
}

function readRow<T>(ports: RunWorkPorts, key: string): Promise<T | undefined> {
  return readValue<T>(ports.rows, ports.registry.partition, key);
}

async function prepareInTime(run: Run, attempt: Attempt, ports: RunWorkPorts): Promise<void> {
  try {
    await prepare(run, attempt, ports);
  } catch (error) {
    const waited = ports.now() - Date.parse(attempt.startedAt);
    if (!(error instanceof TransientError) || waited < preparePatienceMs) throw error;
    throw new PermanentError("gave-up", `its context could not be sent to ACR for half an hour: ${error.message}`);
  }
}

/** Only a tarball of the build's own folder goes to ACR, streamed through us: no credential reaches ACR and no `.git` an image (R8). */
async function prepare(run: Run, attempt: Attempt, ports: RunWorkPorts): Promise<void> {
  // The place first: a download that nobody takes would stay open.
  const target = await ports.acr.uploadTarget();
  const tarball = await ports.github.tarball(run.source, attempt.wanted.commit);
  const { context, dockerfile } = attempt.definition;
  const packed = ports.streamContext(tarball, context, dockerfile, pinning(attempt));
  const [sent, made] = await Promise.allSettled([ports.upload(packed.stream, target.uploadUrl), packed.done]);
  tarball.destroy();
  // When the context itself is at fault, that is the answer; otherwise a broken upload is, and what it did to the stream is its echo.
  if (made.status === "rejected" && (made.reason instanceof PermanentError || sent.status === "fulfilled"))
    throw made.reason;
  if (sent.status === "rejected") throw sent.reason;
  const id = `${run.id}.${attempt.number}.prepared`;
  await leaveWord(ports, ports.registry, {
    kind: "context-prepared",
    id,
    run: run.id,
    attempt: attempt.number,
    sourceLocation: target.relativePath,
  });
}

/** `compat`: the digests frozen with the attempt, so that what the image stands on is proved. */
function pinning({ definition, buildArgs, bases }: Attempt): ((text: string) => string) | undefined {
  if (!definition.compat) return undefined;
  return (text) => {
    const pinned = pinDockerfile(text, dockerfileOptions(definition, buildArgs), bases);
    if (pinned.ok) return pinned.text;
    const { line, message, fix } = pinned;
    throw new PermanentError("dockerfile-invalid", `${definition.dockerfile} line ${line}: ${message}; ${fix}`);
  };
}

const logChunk = 256 * 1024;
/** A log that never ends is cut; its head and the run's own error remain. */
const logBytesMost = 64 * 1024 * 1024;

/** The last of a log is written after its run has ended; what is not complete after this long stays as it is. */
const logPatienceMs = 600_000;

/** ACR keeps logs 30 days, or one with customer-managed keys; ours stay as long as the history does. */
async function collect(run: Run, attempt: Attempt, ports: RunWorkPorts): Promise<void> {
  const kept = await keepLog(attempt, run, ports);
  await doubtUnseen(attempt, ports);
  // The tags first: the word below is what says that nothing is owed any more.
  await pointStableTags(run, ports);
  await pointTagsOfOthers(run, attempt, ports);
  const id = `${run.id}.${attempt.number}.collected`;
  await leaveWord(ports, ports.registry, { kind: "log-collected", id, run: run.id, attempt: attempt.number, ...kept });
}

/**
 * A build that met a digest which nobody had seen behind the tag: should the tag go back to the one that is known, nobody
 * would call it news, and the image would stay on the other. Tags made here are left out: their runs' ends tell.
 */
async function doubtUnseen({ bases, startedAt }: Attempt, ports: RunWorkPorts): Promise<void> {
  for (const [reference, met] of Object.entries(bases)) {
    const row = met === null ? undefined : await readFollowed(reference, ports);
    const known = row?.value as Followed | undefined;
    const wasSeen = pastOf(known).some(({ digest, until }) => digest === met && until >= startedAt);
    if (!known?.digest || known.digest === met || known.unsure || wasSeen) continue;
    if (await readRow(ports, keys.makes(reference))) continue;
    if (!(await remember(ports, row, { ...known, unsure: true })))
      throw new TransientError(`what is known of ${reference} changed meanwhile`);
  }
}

async function keepLog(
  attempt: Attempt,
  run: Run,
  ports: RunWorkPorts,
): Promise<Pick<Inbox & { kind: "log-collected" }, "blob" | "bytes" | "failure" | "foundBases">> {
  const blob = `${ports.registry.partition}/${run.id}/${attempt.number}.log`;
  if (!attempt.acrRunId) return { blob, bytes: 0 };
  const reading: Reading = { tail: [], complete: false };
  let bytes = 0;
  try {
    bytes = await ports.logs.save(blob, maskLines(readLog(ports, attempt.acrRunId, reading)));
  } catch (error) {
    if (!(error instanceof PermanentError)) throw error;
    ports.log("log cannot be kept", { run: run.id, why: error.message });
    return { blob, bytes: 0 };
  }
  const age = ports.now() - Date.parse(attempt.endedAt ?? attempt.startedAt);
  if (!reading.complete && age < logPatienceMs)
    throw new TransientError(`keep the log of ${run.id}: it is not complete yet`, { retryAfterSeconds: 5 });
  const tail = reading.tail.join("");
  if (run.status === "Succeeded") return { blob, bytes, foundBases: dependenciesIn(tail, Object.keys(attempt.bases)) };
  const failure = run.status === "Failed" ? lastWords(tail) : undefined;
  return { blob, bytes, ...(failure ? { failure } : {}) };
}

interface Reading {
  /** The last pieces, for the last words of a failure and the bases of a success. */
  readonly tail: string[];
  complete: boolean;
}

async function* readLog(ports: RunWorkPorts, acrRunId: string, reading: Reading): AsyncIterable<Uint8Array> {
  const reader = await ports.acr.logReader(acrRunId);
  for (let offset = 0; offset < logBytesMost; ) {
    const piece = await reader.read(offset, logChunk);
    if (piece.bytes.byteLength > 0) {
      reading.tail.push(Buffer.from(piece.bytes).toString("utf8"));
      if (reading.tail.length > 2) reading.tail.shift();
      yield piece.bytes;
    }
    reading.complete = piece.complete;
    if (piece.complete || piece.bytes.byteLength === 0) return;
    offset = piece.nextOffset;
  }
  reading.complete = true;
}

/**
 * R6: a stable tag ends at what the track built last. Looked at after every run, because one that was cancelled or given
 * up may have pushed late. While another run of the track is at ACR its push is still to come, and it will look again.
 */
async function pointStableTags(run: Run, ports: RunWorkPorts): Promise<void> {
  for (let again = true, looks = 0; again && looks < 3; looks++) {
    const track = await readRow<Track>(ports, run.track);
    if (!track?.built || track.active) return;
    let moved = false;
    for (const reference of track.makes) moved = (await pointTag(reference, track.built.digest, ports)) || moved;
    // A run that ended while a tag was being moved has pushed a newer image: look again.
    again = moved;
  }
}

/** Tags this attempt pushed that another track makes by now: its image was renamed, or tags were exchanged, while it ran. */
async function pointTagsOfOthers(run: Run, attempt: Attempt, ports: RunWorkPorts): Promise<void> {
  for (const tag of attempt.stableTags) {
    const reference = formatReference({ registry: run.loginServer, repository: run.repository, tag });
    const maker = await readRow<TrackPointer>(ports, keys.makes(reference));
    if (!maker || maker.track === run.track) continue;
    const track = await readRow<Track>(ports, maker.track);
    if (track?.built && !track.active) await pointTag(reference, track.built.digest, ports);
  }
}

async function pointTag(reference: string, digest: string, ports: RunWorkPorts): Promise<boolean> {
  const lookup = await ports.resolveDigest(reference);
  if (lookup.kind === "unknown") throw new TransientError(`look at ${reference}: ${lookup.why}`);
  if (lookup.kind === "found" && lookup.digest === digest) return false;
  const was = lookup.kind === "found" ? lookup.digest : "absent";
  try {
    await ports.moveTag(reference, digest);
    ports.log("stable tag put right", { reference, to: digest, was });
    return true;
  } catch (error) {
    if (!(error instanceof PermanentError)) throw error;
    ports.log("stable tag cannot be put right", { reference, to: digest, was, why: error.message });
    return false;
  }
}
