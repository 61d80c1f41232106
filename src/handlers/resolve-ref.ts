/** A ref may have moved: read it, and leave what was read to the registries concerned. Running it twice leaves the same state. */

import { mayPublishAnywhere } from "../core/config/publish.ts";
import type { Cause, SkipReason } from "../core/plan/reason.ts";
import type { CommitStatus, SourceRepository } from "../core/source.ts";
import { key, keys } from "../core/state/keys.ts";
import type { Decision, Inbox, RefSnapshot, Refusal } from "../core/state/rows.ts";
import type { RowWrite } from "../core/state/store.ts";
import { queueNames } from "../ports.ts";
import { recordNothing } from "./decide-nothing.ts";
import { type InboxWriter, leaveWord } from "./inbox.ts";
import type { RefMoved } from "./messages.ts";
import { type HeadReader, type ReadRefPorts, type RegistryPart, readRef, tellOf } from "./read-ref.ts";
import { findOrSay, platformPartition, type Registry } from "./registries.ts";
import { rememberSource } from "./sources.ts";

export interface ResolveRefPorts extends ReadRefPorts, InboxWriter {
  readonly github: HeadReader;
  log(message: string, fields: Record<string, unknown>): void;
}

/** How often a push that GitHub does not show yet is looked for again before what GitHub says is believed. */
const lagTriesMost = 5;

/** For what cannot be resolved however often it is tried: recorded, so that it can be seen and replayed. */
export async function giveUpRef(message: RefMoved, error: Error, ports: ResolveRefPorts): Promise<void> {
  const source: SourceRepository = { provider: "github", id: message.sourceId, fullName: message.fullName };
  await decideNothing(ports, message, source, "delivery-failed", error.message);
  await rememberTold(ports, source, message);
}

async function refuseSource(ports: ResolveRefPorts, message: RefMoved, source: SourceRepository): Promise<string> {
  await rememberTold(ports, source, message);
  return decideNothing(ports, message, source, "source-not-allowed", `no publish rule allows ${source.fullName}`);
}

/** The sweep need not find again, every few minutes, what cannot be read or may not be; a move of the ref is news. */
async function rememberTold(ports: ResolveRefPorts, source: SourceRepository, message: RefMoved): Promise<void> {
  if (message.origin === "sweep")
    await rememberHead(ports, source, message, message.deleted ? undefined : message.after);
}

/**
 * The ref's head as GitHub has it now, and what that commit says, as a word for each registry concerned. Returns what
 * became of it; `later` when GitHub does not show the push yet and the message was sent again.
 */
export async function resolveRef(message: RefMoved, ports: ResolveRefPorts): Promise<string | "later"> {
  const named: SourceRepository = { provider: "github", id: message.sourceId, fullName: message.fullName };
  // Policy first: a repository nobody allowed to publish costs no call and cannot make us read anything.
  if (!mayPublishAnywhere(ports.platform, named)) return refuseSource(ports, message, named);
  const shown = await ports.github.repository(message.sourceId, message.fullName);
  if (!shown)
    return decideNothing(
      ports,
      message,
      named,
      "source-not-readable",
      `GitHub does not show us repository ${named.fullName} (${named.id}): is the App installed there?`,
    );
  const source: SourceRepository = { provider: "github", id: shown.id, fullName: shown.fullName };
  if (!mayPublishAnywhere(ports.platform, source)) return refuseSource(ports, message, source);
  await rememberSource(ports, source);

  for (;;) {
    const generations = await readGenerations(message, ports);
    const found = await ports.github.refHead(source, message.ref);
    const head = found.kind === "found" ? found.sha : undefined;
    if (isLag(message, head)) return lookLater(message, ports);
    if (message.origin === "sweep" && (await seenHead(ports, source, message.ref)) === head) {
      await rememberHead(ports, source, message, head);
      return decideNothing(ports, message, source, "nothing-changed", "a delivery told of it meanwhile", head);
    }
    const outcome = await leaveSnapshot(message, ports, source, head, generations);
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
          generation: (row?.value as { generation: number } | undefined)?.generation ?? 0,
          etag: row?.etag,
        };
      }),
  );
}

async function leaveSnapshot(
  message: RefMoved,
  ports: ResolveRefPorts,
  source: SourceRepository,
  sha: string | undefined,
  generations: readonly Generation[],
): Promise<string | "conflict"> {
  const read = sha === undefined ? undefined : await readRef(source, message.ref, sha, ports);
  if (read?.kind === "invalid") {
    const [first] = read.problems;
    const more = read.problems.length > 1 ? ` (and ${read.problems.length - 1} more)` : "";
    const description = `slipway.yaml line ${first?.line}, ${first?.key}: ${first?.message}; ${first?.fix}${more}`;
    await owe(ports, message, source, sha!, { state: "failure", context: "slipway/config", description });
    await rememberHead(ports, source, message, sha);
    return decideNothing(ports, message, source, "invalid-config", description, sha, read.problems);
  }
  const parts = read?.kind === "read" ? read.parts : [];
  let left = 0;
  const homelessHere = read?.kind === "read" ? read.homeless : [];
  for (const { registry, generation, etag } of generations) {
    const part = parts.find((p) => p.registry.alias === registry.alias);
    // Never heard of this ref, and nothing in it is for this registry: no word needed.
    if (!part && etag === undefined) continue;
    const word = wordFor(message, source, sha, generation + 1, part, homelessHere);
    const value = { generation: generation + 1, sha: sha ?? null };
    const refKey = keys.refGeneration(source.id, message.ref);
    const guard: RowWrite =
      etag === undefined ? { kind: "insert", key: refKey, value } : { kind: "replace", key: refKey, value, etag };
    if ((await leaveWord(ports, registry, word, [guard])) === "conflict") return "conflict";
    left++;
  }
  if (read?.kind === "read")
    await oweRefusals(
      ports,
      message,
      source,
      sha!,
      [...read.homeless, ...parts.flatMap((p) => p.refused)],
      read.watched,
    );
  // A registry that cannot be had was never known, so only these images are to be told to it: the sweep will find them again.
  const hasMissed = homelessHere.length > 0 && generations.length < ports.registries.aliases.length;
  if (!hasMissed) await rememberHead(ports, source, message, sha);
  if (left > 0) return `left word for ${left === 1 ? "1 registry" : `${left} registries`}`;
  if (sha === undefined) return decideNothing(ports, message, source, "ref-deleted", `${message.ref} is gone`);
  if (read?.kind === "no-config")
    return decideNothing(ports, message, source, "no-slipway-yaml", "there is no slipway.yaml at this commit", sha);
  const [homeless] = read?.kind === "read" ? read.homeless : [];
  return decideNothing(
    ports,
    message,
    source,
    homeless?.reason ?? "ref-not-watched",
    homeless?.message ?? `no image is built from ${message.ref}`,
    sha,
  );
}

function wordFor(
  message: RefMoved,
  source: SourceRepository,
  sha: string | undefined,
  generation: number,
  part: RegistryPart | undefined,
  homeless: readonly Refusal[],
): Inbox {
  const snapshot: RefSnapshot = {
    source,
    ref: message.ref,
    generation,
    ...(sha ? { commit: sha } : {}),
    ...tellOf(part, homeless),
    changedPaths: message.changedPaths ?? [],
  };
  return { kind: "ref-moved", id: message.eventId, cause: causeOf(message), snapshot };
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
  ports: ResolveRefPorts,
  message: RefMoved,
  source: SourceRepository,
  reason: SkipReason,
  why: string,
  commit?: string,
  problems?: Decision["problems"],
): Promise<string> {
  const about = { source, ref: message.ref, ...(commit ? { commit } : {}), ...(problems ? { problems } : {}) };
  return recordNothing(
    ports,
    { id: message.eventId, at: message.receivedAt, cause: causeOf(message), ...about },
    reason,
    why,
  );
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
  ports: ResolveRefPorts,
  message: RefMoved,
  source: SourceRepository,
  sha: string,
  refused: readonly Refusal[],
  watched: number,
): Promise<void> {
  if (watched === 0) return;
  const refusals = refused
    .slice(0, refusalsTold)
    .map((r): CommitStatus => ({ state: "failure", context: `slipway/${r.image}`, description: r.message }));
  const built = watched - refused.length;
  const config: CommitStatus = {
    state: "success",
    context: "slipway/config",
    description: `slipway.yaml is valid: ${built === 1 ? "1 image is" : `${built} images are`} built from this ref`,
  };
  await owe(ports, message, source, sha, config, ...refusals);
}

/** What GitHub has to be told that is no run's business; stored first, so that a lost message is sent again. */
async function owe(
  ports: ResolveRefPorts,
  message: RefMoved,
  source: SourceRepository,
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

async function seenHead(ports: ResolveRefPorts, source: SourceRepository, ref: string): Promise<string | undefined> {
  const { row } = await ports.rows.read(platformPartition, key("seen", String(source.id), ref));
  return (row?.value as SeenRef | undefined)?.sha;
}

async function rememberHead(
  ports: ResolveRefPorts,
  source: SourceRepository,
  message: RefMoved,
  sha: string | undefined,
): Promise<void> {
  const seenKey = key("seen", String(source.id), message.ref);
  if (sha === undefined) {
    // What is gone is forgotten, so that the sweep reads as many rows as there are refs, not as there ever were.
    await ports.rows.transact(platformPartition, [{ kind: "remove", key: seenKey }]);
    return;
  }
  const seen: SeenRef = { ref: message.ref, sha, listed: message.annotatedTag ? (message.after ?? null) : null };
  await ports.rows.transact(platformPartition, [{ kind: "put", key: seenKey, value: seen }]);
}
