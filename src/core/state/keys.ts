/**
 * Row keys of a registry's partition. One injective encoder for all of them: two different things never share a key, and
 * a prefix is a range. Table keys may not hold `/ \ # ?` or control characters, and at most 1,024 characters
 * (https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model).
 */
import { sha256Hex } from "../image/sha256.ts";

const separator = "|";
const longestSegment = 300;

/** Keeps `[A-Za-z0-9._:@+=,-]`; everything else becomes `!` and two hex digits per UTF-8 byte. */
export function segment(text: string): string {
  if (text.length <= longestSegment && /^[A-Za-z0-9._:@+=,-]*$/.test(text)) return text;
  const out = text.replace(/[^A-Za-z0-9._:@+=,-]/gu, escaped);
  // `!~` cannot come from the escape above, so a shortened segment never equals an unshortened one.
  return out.length <= longestSegment ? out : `${out.slice(0, 200)}!~${sha256Hex(new TextEncoder().encode(text))}`;
}

function escaped(character: string): string {
  // Nearly always: the slashes of references.
  if (character < "\u0080") return `!${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  let out = "";
  for (const byte of new TextEncoder().encode(character)) out += `!${byte.toString(16).padStart(2, "0")}`;
  return out;
}

export function key(...segments: readonly string[]): string {
  return segments.map(segment).join(separator);
}

/** Every key that begins with these whole segments. */
export interface KeyRange {
  readonly from: string;
  /** Exclusive. */
  readonly to: string;
}

export function rangeOf(...segments: readonly string[]): KeyRange {
  const prefix = key(...segments);
  return { from: `${prefix}${separator}`, to: `${prefix}}` };
}

/** The smallest key greater than this one: `!` sorts before everything else that keys are made of. */
export function keyAfter(rowKey: string): string {
  return `${rowKey}!`;
}

const digits = 12;
const ceiling = 10 ** digits - 1;

/** Sorts as the number does; for counters below 10^12. */
export function ascending(n: number): string {
  return String(n).padStart(digits, "0");
}

/** Sorts newest (largest) first. */
export function descending(n: number): string {
  return ascending(ceiling - n);
}

const timeDigits = 15;

/** Milliseconds since the epoch, oldest first. */
export function oldestFirst(epochMs: number): string {
  return String(epochMs).padStart(timeDigits, "0");
}

/** The moment in a key of `wait`, `in` or `later` rows: milliseconds since the epoch. */
export function timeOf(rowKey: string): number {
  return Number(rowKey.split(separator)[1]);
}

/** As it was given only if it needs no escape and is at most 300 characters long, as names of images are. */
export function lastSegment(rowKey: string): string {
  return rowKey.slice(rowKey.lastIndexOf(separator) + 1);
}

/** Milliseconds since the epoch, newest first. */
export function newestFirst(epochMs: number): string {
  return String(10 ** timeDigits - 1 - epochMs).padStart(timeDigits, "0");
}

export const keys = {
  lease: key("ctl", "lease"),
  wake: key("ctl", "wake"),
  sequence: key("ctl", "sequence"),
  throttle: key("ctl", "throttle"),
  inbox: (atMs: number, id: string) => key("in", oldestFirst(atMs), id),
  refGeneration: (sourceId: number, ref: string) => key("ref", String(sourceId), ref),
  acceptedRef: (sourceId: number, ref: string) => key("head", String(sourceId), ref),
  /** A word that waits for its moment. */
  later: (atMs: number, id: string) => key("later", oldestFirst(atMs), id),
  track: (sourceId: number, ref: string, image: string) => key("track", String(sourceId), ref, image),
  /** By image name, for people: which tracks does `node-base` have? */
  imageTrack: (image: string, sourceId: number, ref: string) => key("image", image, String(sourceId), ref),
  makes: (reference: string) => key("makes", reference),
  base: (reference: string, trackKey: string) => key("base", reference, trackKey),
  /** Who stands on a digest of a tag that may have moved on since. */
  pinned: (tagReference: string, trackKey: string) => key("pinned", tagReference, trackKey),
  run: (seq: number) => key("run", descending(seq)),
  /** Summaries of runs, newest first, by what people ask for. */
  runOfImage: (image: string, seq: number) => key("img", image, descending(seq)),
  runOfSource: (sourceId: number, seq: number) => key("src", String(sourceId), descending(seq)),
  runOfCommit: (commit: string, seq: number) => key("commit", commit, descending(seq)),
  runOfBranch: (branch: string, seq: number) => key("branch", branch, descending(seq)),
  runOfStatus: (status: string, seq: number) => key("status", status, descending(seq)),
  attempt: (runId: string, attempt: number) => key("attempt", runId, String(attempt)),
  live: (seq: number) => key("live", ascending(seq)),
  ready: (priority: number, order: number, seq: number) =>
    key("ready", String(priority), ascending(order), ascending(seq)),
  wait: (recheckAtMs: number, seq: number) => key("wait", oldestFirst(recheckAtMs), ascending(seq)),
  expansion: (inboxId: string, part: number) => key("expansion", inboxId, ascending(part)),
  expansionCursor: (inboxId: string) => key("expansion-cursor", inboxId),
  due: (kind: string, id: string) => key("due", kind, id),
  /** What a commit was last told in a status context. */
  said: (sourceId: number, commit: string, context: string) => key("said", String(sourceId), commit, context),
  acrRun: (acrRunId: string) => key("acr", acrRunId),
  stuck: (inboxId: string) => key("stuck", inboxId),
  watch: (runId: string, attempt: number) => key("watch", runId, String(attempt)),
  wave: (id: string) => key("wave", id),
  /** Newest first, for lists. */
  waveIndex: (atMs: number, id: string) => key("waves", newestFirst(atMs), id),
  inWave: (id: string, runSeq: number) => key("inwave", id, ascending(runSeq)),
  pausedRegistry: key("pause", "registry"),
  pausedImage: (image: string) => key("pause", "image", image),
  decision: (atMs: number, id: string) => key("decision", newestFirst(atMs), id),
  /** What a decision was made from. */
  facts: (decisionId: string) => key("facts", decisionId),
  decided: (id: string) => key("decided", id),
  digest: (digest: string, runSeq: number) => key("digest", digest, descending(runSeq)),
  tag: (reference: string) => key("tag", reference),

  // In the platform partition.
  registry: (alias: string) => key("registry", alias),
  source: (sourceId: number) => key("source", String(sourceId)),
  /** By `owner/name`, in any case. */
  sourceName: (fullName: string) => key("source-name", fullName.toLowerCase()),
  /** The last head of a ref that was read. */
  seen: (sourceId: number, ref: string) => key("seen", String(sourceId), ref),
  /** The source's refs were listed once, so that another one is news. */
  met: (sourceId: number) => key("met", String(sourceId)),
  /** What we know of a tag that images stand on, whoever makes it. */
  followed: (reference: string) => key("followed", reference),
  /** The registries whose images' bases were asked for when last all of them could be had. */
  checkedRegistries: key("checked-registries"),
  poison: (atMs: number, id: string) => key("poison", oldestFirst(atMs), id),
  sweep: key("sweep"),
} as const;
