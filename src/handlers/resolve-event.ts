/**
 * Turns a hint ("this ref may have moved") into facts: the ref's head as GitHub has it now, and what that commit says. It
 * writes one inbox row per registry concerned and decides nothing about builds. Running it twice leaves the same state.
 */

import { mayPublishAnywhere } from "../core/config/publish.ts";
import type { Cause, SkipReason } from "../core/plan/reason.ts";
import type { CommitStatus, SourceRepository } from "../core/source.ts";
import { key, keys } from "../core/state/keys.ts";
import type { Decision, Inbox, RefSnapshot, Refusal } from "../core/state/rows.ts";
import type { Rows, RowWrite } from "../core/state/store.ts";
import { PermanentError } from "../errors.ts";
import { queueNames } from "../ports.ts";
import { type InboxWriter, leaveWord } from "./inbox.ts";
import type { EventMessage } from "./messages.ts";
import { type ReadRefPorts, type RegistryPart, readRef } from "./read-ref.ts";
import { platformPartition, type Registry } from "./registries.ts";

export interface ResolvePorts extends ReadRefPorts, InboxWriter {
  readonly github: ReadRefPorts["github"] & {
    repository(id: number, lastKnownName?: string): Promise<SourceRepository | undefined>;
    refHead(
      source: SourceRepository,
      ref: string,
    ): Promise<{ readonly kind: "found"; readonly sha: string } | { readonly kind: "absent" }>;
  };
  /** The table of deliveries: what has come in, and what became of it. */
  readonly deliveries: Rows;
  log(message: string, fields: Record<string, unknown>): void;
}

export interface Delivery {
  readonly state: "received" | "done" | "failed";
  readonly event: EventMessage;
  readonly seen: number;
  readonly at: string;
  readonly outcome?: string;
}

export const deliveriesPartition = "github";

/** How often a push that GitHub does not show yet is looked for again before what GitHub says is believed. */
const lagTriesMost = 5;

export async function resolveEvent(message: EventMessage, ports: ResolvePorts): Promise<void> {
  if (await isFinished(message, ports)) {
    ports.log("delivery was already worked off", { eventId: message.eventId });
    return;
  }
  const outcome = await resolve(message, ports);
  // GitHub does not show the push yet: the delivery is not finished, and this message's successor will finish it.
  if (outcome === "lags") return lookLater(message, ports);
  await recordDelivery(message, ports, "done", outcome);
}

/** For what cannot be resolved however often it is tried: recorded, so that it can be seen and replayed. */
export async function giveUpEvent(message: EventMessage, error: Error, ports: ResolvePorts): Promise<void> {
  const source: SourceRepository = { provider: "github", id: message.sourceId, fullName: message.fullName };
  await decideNothing(ports, message, source, "delivery-failed", error.message);
  // The sweep need not find again what cannot be read; a move of the ref is news.
  if (message.origin === "sweep")
    await rememberHead(ports, source, message, message.deleted ? undefined : message.after);
  await recordDelivery(message, ports, "failed", error.message);
}

/** Claims the delivery. Seen is not finished: a redelivery after our own failure must get through. */
async function isFinished(message: EventMessage, ports: ResolvePorts): Promise<boolean> {
  const { row } = await ports.deliveries.read(deliveriesPartition, key(message.eventId));
  const before = row?.value as Delivery | undefined;
  const delivery: Delivery = {
    state: "received",
    event: message,
    seen: (before?.seen ?? 0) + 1,
    at: message.receivedAt,
  };
  await putDelivery(ports, message, before?.state === "done" ? { ...before, seen: delivery.seen } : delivery);
  return before?.state === "done";
}

async function recordDelivery(
  message: EventMessage,
  ports: ResolvePorts,
  state: "done" | "failed",
  outcome: string,
): Promise<void> {
  const { row } = await ports.deliveries.read(deliveriesPartition, key(message.eventId));
  const seen = (row?.value as Delivery | undefined)?.seen ?? 1;
  await putDelivery(ports, message, { state, event: message, seen, at: message.receivedAt, outcome });
}

async function putDelivery(ports: ResolvePorts, message: EventMessage, delivery: Delivery): Promise<void> {
  await ports.deliveries.transact(deliveriesPartition, [{ kind: "put", key: key(message.eventId), value: delivery }]);
}

async function resolve(message: EventMessage, ports: ResolvePorts): Promise<string> {
  const named: SourceRepository = { provider: "github", id: message.sourceId, fullName: message.fullName };
  // Policy first: a repository nobody allowed to publish costs no call and cannot make us read anything.
  if (!mayPublishAnywhere(ports.platform, named))
    return decideNothing(ports, message, named, "source-not-allowed", `no publish rule allows ${named.fullName}`);
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
  if (!mayPublishAnywhere(ports.platform, source))
    return decideNothing(ports, message, source, "source-not-allowed", `no publish rule allows ${source.fullName}`);
  await rememberSource(ports, source);

  for (;;) {
    const generations = await readGenerations(message, ports);
    const head = await ports.github.refHead(source, message.ref);
    if (isLag(message, head.kind === "found" ? head.sha : undefined)) return "lags";
    const outcome = await leaveSnapshot(
      message,
      ports,
      source,
      head.kind === "found" ? head.sha : undefined,
      generations,
    );
    // Somebody read this ref and left word while we were reading: what we hold may be older. Read again.
    if (outcome !== "conflict") return outcome;
  }
}

/** The API may lag behind the webhook. After a few looks, what it shows is taken for what is. */
function isLag(message: EventMessage, head: string | undefined): boolean {
  if ((message.lagged ?? 0) >= lagTriesMost || message.origin === "sweep") return false;
  if (head === undefined) return !message.deleted;
  return message.after !== undefined && head !== message.after && head === message.before;
}

/** A registry that ARM does not show us must not keep the others from hearing of a push. */
async function findOrSay(alias: string, ports: ResolvePorts): Promise<Registry | undefined> {
  try {
    return await ports.registries.find(alias);
  } catch (error) {
    if (!(error instanceof PermanentError)) throw error;
    ports.log("registry cannot be had", { registry: alias, why: error.message });
    return undefined;
  }
}

async function lookLater(message: EventMessage, ports: ResolvePorts): Promise<void> {
  const lagged = (message.lagged ?? 0) + 1;
  ports.log("GitHub does not show the push yet", { eventId: message.eventId, lagged });
  await ports.queues.send(queueNames.events, { ...message, lagged }, { delaySeconds: 2 ** lagged });
}

interface Generation {
  readonly registry: Registry;
  readonly generation: number;
  readonly etag: string | undefined;
}

/** Read before the ref is: whoever writes a later generation has read the ref later. */
async function readGenerations(message: EventMessage, ports: ResolvePorts): Promise<readonly Generation[]> {
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
  message: EventMessage,
  ports: ResolvePorts,
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
  // A registry that could not be had heard nothing: the sweep will find this head again.
  if (generations.length === ports.registries.aliases.length) await rememberHead(ports, source, message, sha);
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
  message: EventMessage,
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
    images: part?.images ?? [],
    // An image whose registry nobody knows is not one that was removed: what it has stays.
    refused: [...(part?.refused ?? []), ...homeless],
    changedPaths: message.changedPaths ?? [],
  };
  return { kind: "ref-moved", id: message.eventId, cause: causeOf(message), snapshot };
}

function causeOf(message: EventMessage): Cause {
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

/** One decision record per event, even for an event that concerns no registry (R9). */
async function decideNothing(
  ports: ResolvePorts,
  message: EventMessage,
  source: SourceRepository,
  reason: SkipReason,
  why: string,
  commit?: string,
  problems?: Decision["problems"],
): Promise<string> {
  const decisionKey = keys.decision(Date.parse(message.receivedAt), message.eventId);
  const decision: Decision = {
    id: message.eventId,
    at: message.receivedAt,
    cause: causeOf(message),
    source,
    ref: message.ref,
    ...(commit ? { commit } : {}),
    planned: [],
    plannedCount: 0,
    skipped: [{ reason, count: 1, images: [], message: why }],
    ...(problems ? { problems } : {}),
  };
  await ports.rows.transact(platformPartition, [
    { kind: "put", key: decisionKey, value: decision },
    { kind: "put", key: keys.decided(message.eventId), value: { key: decisionKey } },
  ]);
  return `${reason}: ${why}`;
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

async function oweRefusals(
  ports: ResolvePorts,
  message: EventMessage,
  source: SourceRepository,
  sha: string,
  refused: readonly Refusal[],
  watched: number,
): Promise<void> {
  if (watched === 0) return;
  const refusals = refused.map(
    (r): CommitStatus => ({ state: "failure", context: `slipway/${r.image}`, description: r.message }),
  );
  const built = watched - refusals.length;
  const config: CommitStatus = {
    state: "success",
    context: "slipway/config",
    description: `slipway.yaml is valid: ${built === 1 ? "1 image is" : `${built} images are`} built from this ref`,
  };
  await owe(ports, message, source, sha, config, ...refusals);
}

/** What GitHub has to be told that is no run's business; stored first, so that a lost message is sent again. */
async function owe(
  ports: ResolvePorts,
  message: EventMessage,
  source: SourceRepository,
  sha: string,
  ...statuses: readonly CommitStatus[]
): Promise<void> {
  const note: Note = { id: message.eventId, source, sha, statuses, at: message.receivedAt };
  const noteKey = keys.due("note", message.eventId);
  await ports.rows.transact(platformPartition, [{ kind: "put", key: noteKey, value: note }]);
  await ports.queues.send(queueNames.reports, { kind: "note", note: message.eventId });
}

/** Lets people ask by owner/name, and lets the sweep know which repositories to look at. */
async function rememberSource(ports: ResolvePorts, source: SourceRepository): Promise<void> {
  await ports.rows.transact(platformPartition, [
    { kind: "put", key: key("source", String(source.id)), value: source },
    { kind: "put", key: key("source-name", source.fullName.toLowerCase()), value: { id: source.id } },
  ]);
}

/** The last head we read, and how GitHub lists it: for an annotated tag that is the tag object. */
export interface SeenRef {
  readonly ref: string;
  readonly sha: string;
  readonly listed: string | null;
}

async function rememberHead(
  ports: ResolvePorts,
  source: SourceRepository,
  message: EventMessage,
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
