/** A ref may have moved: read it, and leave what was read to the registries concerned. Running it twice leaves the same state. */

import { type ConfigProblem, slipwayYamlPath } from "../core/config/definition.ts";
import { problemText } from "../core/config/problem-text.ts";
import { mayPublishAnywhere } from "../core/config/publish.ts";
import type { Cause, SkipReason } from "../core/plan/reason.ts";
import type { CommitStatus, SourceRepository } from "../core/source.ts";
import { keys } from "../core/state/keys.ts";
import type { Decision, Inbox, RefGeneration, RefSnapshot } from "../core/state/rows.ts";
import type { RowWrite } from "../core/state/store.ts";
import { type Log, queueNames } from "../ports.ts";
import { type InboxWriter, leaveWord } from "./inbox.ts";
import type { RefMoved } from "./messages.ts";
import { type HeadReader, type ReadRef, type ReadRefPorts, readRef, tellOf } from "./read-ref.ts";
import { recordNothing } from "./record-nothing.ts";
import { findOrSay, platformPartition, type Registry } from "./registries.ts";
import { rememberSource } from "./sources.ts";

export interface ResolveRefPorts extends ReadRefPorts, InboxWriter {
  readonly github: HeadReader;
  readonly log: Log;
}

/** How often a push that GitHub does not show yet is looked for again before what GitHub says is believed. */
const lagTriesMost = 5;

/** One message being worked off: the repository as it is known so far. */
interface Reading {
  readonly message: RefMoved;
  readonly source: SourceRepository;
  readonly ports: ResolveRefPorts;
}

/** For what cannot be resolved however often it is tried: recorded, so that it can be seen and replayed. */
export async function giveUpRef(message: RefMoved, error: Error, ports: ResolveRefPorts): Promise<void> {
  const reading = { message, source: named(message), ports };
  await decideNothing(reading, "delivery-failed", error.message);
  await rememberTold(reading);
}

function named({ sourceId, fullName }: RefMoved): SourceRepository {
  return { provider: "github", id: sourceId, fullName };
}

async function refuseSource(reading: Reading): Promise<string> {
  await rememberTold(reading);
  return decideNothing(reading, "source-not-allowed", `no publish rule allows ${reading.source.fullName}`);
}

/** The sweep need not find again, every few minutes, what cannot be read or may not be; a move of the ref is news. */
async function rememberTold(reading: Reading): Promise<void> {
  const { origin, deleted, after } = reading.message;
  if (origin === "sweep") await rememberHead(reading, deleted ? undefined : after);
}

/**
 * The ref's head as GitHub has it now, and what that commit says, as a word for each registry concerned. Returns what
 * became of it; `later` when GitHub does not show the push yet and the message was sent again.
 */
export async function resolveRef(message: RefMoved, ports: ResolveRefPorts): Promise<string | "later"> {
  const told: Reading = { message, source: named(message), ports };
  // Policy first: a repository nobody allowed to publish costs no call and cannot make us read anything.
  if (!mayPublishAnywhere(ports.platform, told.source)) return refuseSource(told);
  const shown = await ports.github.repository(message.sourceId, message.fullName);
  if (!shown) {
    const { fullName, id } = told.source;
    const why = `GitHub does not show us repository ${fullName} (${id}): is the App installed there?`;
    return decideNothing(told, "source-not-readable", why);
  }
  const source: SourceRepository = { provider: "github", id: shown.id, fullName: shown.fullName };
  const reading: Reading = { message, source, ports };
  if (!mayPublishAnywhere(ports.platform, source)) return refuseSource(reading);
  await rememberSource(ports, source);

  for (;;) {
    const generations = await readGenerations(message, ports);
    const found = await ports.github.refHead(source, message.ref);
    const head = found.kind === "found" ? found.sha : undefined;
    if (isLag(message, head)) return lookLater(message, ports);
    if (message.origin === "sweep" && (await seenHead(reading)) === head) {
      await rememberHead(reading, head);
      return decideNothing(reading, "nothing-changed", "a delivery told of it meanwhile", { commit: head });
    }
    const outcome = await leaveWords(reading, head, generations);
    // Somebody read this ref and left word while we were reading: what we hold may be older. Read again.
    if (outcome !== "conflict") return outcome;
  }
}

/** The API may lag behind the webhook. After a few looks, what it shows is taken for what is. */
function isLag(message: RefMoved, head: string | undefined): boolean {
  if ((message.lagged ?? 0) >= lagTriesMost || message.origin === "sweep") return false;
  if (head === undefined) return !message.deleted;
  return message.after !== undefined && head !== message.after && head === message.before;
}

async function lookLater(message: RefMoved, ports: ResolveRefPorts): Promise<"later"> {
  const lagged = (message.lagged ?? 0) + 1;
  ports.log("GitHub does not show the push yet", { eventId: message.eventId, lagged });
  await ports.queues.send(queueNames.events, { ...message, lagged }, { delaySeconds: 2 ** lagged });
  return "later";
}

interface Generation {
  readonly registry: Registry;
  readonly generation: number;
  readonly etag: string | undefined;
}

/** Read before the ref is: whoever writes a later generation has read the ref later. */
async function readGenerations(message: RefMoved, ports: ResolveRefPorts): Promise<readonly Generation[]> {
  const found = await Promise.all(ports.registries.aliases.map((alias) => findOrSay(alias, ports)));
  return Promise.all(
    found
      .filter((registry) => registry !== undefined)
      .map(async (registry) => {
        const { row } = await ports.rows.read(registry.partition, keys.refGeneration(message.sourceId, message.ref));
        return {
          registry,
          generation: (row?.value as RefGeneration | undefined)?.generation ?? 0,
          etag: row?.etag,
        };
      }),
  );
}

async function leaveWords(
  reading: Reading,
  sha: string | undefined,
  generations: readonly Generation[],
): Promise<string | "conflict"> {
  const { message, source, ports } = reading;
  const read = sha === undefined ? undefined : await readRef(source, message.ref, sha, ports);
  if (read?.kind === "invalid") return refuseConfig(reading, sha!, read.problems);
  let left = 0;
  for (const { registry, generation, etag } of generations) {
    const concerned = read?.kind === "read" && read.parts.some((p) => p.registry.alias === registry.alias);
    // Never heard of this ref, and nothing in it is for this registry: no word needed.
    if (!concerned && etag === undefined) continue;
    const snapshot: RefSnapshot = {
      source,
      ref: message.ref,
      generation: generation + 1,
      ...(sha ? { commit: sha } : {}),
      ...tellOf(read, registry.alias),
      changedPaths: message.changedPaths ?? [],
    };
    const value: RefGeneration = { generation: generation + 1, sha: sha ?? null };
    const refKey = keys.refGeneration(source.id, message.ref);
    const guard: RowWrite =
      etag === undefined ? { kind: "insert", key: refKey, value } : { kind: "replace", key: refKey, value, etag };
    const word: Inbox = { kind: "ref-moved", id: message.eventId, cause: causeOf(message), snapshot };
    if ((await leaveWord(ports, registry, word, [guard])) === "conflict") return "conflict";
    left++;
  }
  const homeless = read?.kind === "read" ? read.homeless : [];
  if (read?.kind === "read" && read.watched > 0) await oweRefusals(reading, sha!, read);
  // A registry that cannot be had was never known, so only these images are to be told to it: the sweep will find them again.
  const hasMissed = homeless.length > 0 && generations.length < ports.registries.aliases.length;
  if (!hasMissed) await rememberHead(reading, sha);
  if (left > 0) return `left word for ${left === 1 ? "1 registry" : `${left} registries`}`;
  if (sha === undefined) return decideNothing(reading, "ref-deleted", `${message.ref} is gone`);
  const about = { commit: sha };
  if (read?.kind === "no-config")
    return decideNothing(reading, "no-slipway-yaml", "there is no slipway.yaml at this commit", about);
  const { reason = "ref-not-watched", message: why = `no image is built from ${message.ref}` } = homeless[0] ?? {};
  return decideNothing(reading, reason, why, about);
}

async function refuseConfig(reading: Reading, commit: string, problems: readonly ConfigProblem[]): Promise<string> {
  const [first] = problems;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : "";
  const description = `${problemText(slipwayYamlPath, first!)}${more}`;
  await owe(reading, commit, { state: "failure", context: "slipway/config", description });
  await rememberHead(reading, commit);
  return decideNothing(reading, "invalid-config", description, { commit, problems });
}

function causeOf(message: RefMoved): Cause {
  return message.origin === "delivery"
    ? {
        kind: "delivery",
        id: message.eventId,
        event: "push",
        at: message.receivedAt,
        ...(message.by ? { by: message.by } : {}),
      }
    : { kind: "sweep", id: message.eventId, at: message.receivedAt };
}

function decideNothing(
  { message, source, ports }: Reading,
  reason: SkipReason,
  why: string,
  { commit, problems }: { readonly commit?: string | undefined; readonly problems?: Decision["problems"] } = {},
): Promise<string> {
  const about = { source, ref: message.ref, ...(commit ? { commit } : {}), ...(problems ? { problems } : {}) };
  const { eventId: id, receivedAt: at } = message;
  return recordNothing(ports, { id, at, cause: causeOf(message), ...about }, reason, why);
}

export interface Note {
  readonly id: string;
  readonly source: SourceRepository;
  readonly sha: string;
  readonly statuses: readonly CommitStatus[];
  readonly at: string;
  /** How often the sweep has sent it again. */
  readonly resent?: number;
}

/** Told one by one, so that a file of a thousand images in the wrong place would use up what GitHub allows in an hour. */
const refusalsTold = 50;

async function oweRefusals(
  reading: Reading,
  sha: string,
  { parts, homeless, watched }: ReadRef & { kind: "read" },
): Promise<void> {
  const refused = [...homeless, ...parts.flatMap((p) => [...p.refused, ...p.taken])];
  const refusals = refused
    .slice(0, refusalsTold)
    .map((r): CommitStatus => ({ state: "failure", context: `slipway/${r.image}`, description: r.message }));
  const built = watched - refused.length;
  const config: CommitStatus = {
    state: "success",
    context: "slipway/config",
    description: `slipway.yaml is valid: ${built === 1 ? "1 image is" : `${built} images are`} built from this ref`,
  };
  await owe(reading, sha, config, ...refusals);
}

/** What GitHub has to be told that is no run's business; stored first, so that a lost message is sent again. */
async function owe(
  { message, source, ports }: Reading,
  sha: string,
  ...statuses: readonly CommitStatus[]
): Promise<void> {
  const note: Note = { id: message.eventId, source, sha, statuses, at: message.receivedAt };
  const noteKey = keys.due("note", message.eventId);
  await ports.rows.transact(platformPartition, [{ kind: "put", key: noteKey, value: note }]);
  await ports.queues.send(queueNames.reports, { kind: "note", note: message.eventId });
}

/** The last head we read, and how GitHub lists it: for an annotated tag that is the tag object. */
export interface SeenRef {
  readonly ref: string;
  readonly sha: string;
  readonly listed: string | null;
}

const seenKey = ({ source, message }: Reading) => keys.seen(source.id, message.ref);

async function seenHead(reading: Reading): Promise<string | undefined> {
  const { row } = await reading.ports.rows.read(platformPartition, seenKey(reading));
  return (row?.value as SeenRef | undefined)?.sha;
}

async function rememberHead(reading: Reading, sha: string | undefined): Promise<void> {
  const { message, ports } = reading;
  if (sha === undefined) {
    // What is gone is forgotten, so that the sweep reads as many rows as there are refs, not as there ever were.
    await ports.rows.transact(platformPartition, [{ kind: "remove", key: seenKey(reading) }]);
    return;
  }
  const seen: SeenRef = { ref: message.ref, sha, listed: message.annotatedTag ? (message.after ?? null) : null };
  await ports.rows.transact(platformPartition, [{ kind: "put", key: seenKey(reading), value: seen }]);
}
