/**
 * A tag may have moved: ask the registry what is behind it now, wait until it settles, and tell the registries whose
 * images stand on it. What the sender said is only a hint. Running it twice, or for two senders, leaves one word.
 */

import { createHash } from "node:crypto";
import type { DigestLookup } from "../core/image/digest-lookup.ts";
import { addPast, pastOf } from "../core/image/tag-history.ts";
import type { Cause, SkipReason } from "../core/plan/reason.ts";
import { rangeOf } from "../core/state/keys.ts";
import type { Followed } from "../core/state/rows.ts";
import type { StoredRow } from "../core/state/store.ts";
import { TransientError } from "../errors.ts";
import { type Log, queueNames } from "../ports.ts";
import { readFollowed, remember } from "./followed.ts";
import { type InboxWriter, leaveWord } from "./inbox.ts";
import type { TagMoved } from "./messages.ts";
import { recordNothing } from "./record-nothing.ts";
import { findOrSay, pushesPartition, type Registries } from "./registries.ts";
import { type Follower, lineageOf, type Whose, whoseDigest } from "./whose-digest.ts";

export interface ResolveTagPorts extends InboxWriter {
  readonly registries: Registries;
  resolveDigest(reference: string): Promise<DigestLookup>;
  /** A tag that moves again within this many seconds is waited for: multi-arch images are pushed in parts. */
  readonly settleSeconds: number;
  readonly log: Log;
}

/** A tag that never rests is taken as it is after this many settle times. */
const settlesMost = 10;
/** Others may write what is known of a tag meanwhile; beyond this many times in a row we come back later. */
const conflictsMost = 20;

export async function resolveTag(message: TagMoved, ports: ResolveTagPorts): Promise<string | "later"> {
  const followers = await followersOf(message.reference, ports);
  if (followers.length === 0)
    return decideAside(ports, message, "base-not-followed", `no image stands on ${message.reference}`);
  for (let conflicts = 0; conflicts < conflictsMost; conflicts++) {
    const row = await readFollowed(message.reference, ports);
    const known = row?.value as Followed | undefined;
    const lookup = await ports.resolveDigest(message.reference);
    if (lookup.kind === "unknown" && lookup.forbidden)
      return decideNothing(ports, message, "base-not-followed", lookup.why);
    if (lookup.kind === "unknown")
      throw new TransientError(`resolve ${message.reference}: ${lookup.why}`, {
        ...(lookup.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: lookup.retryAfterSeconds }),
      });
    if (lookup.kind === "absent") {
      // That it is back will be news: meanwhile builds may have failed for want of it.
      const gone = known?.digest && !known.unsure && { ...known, unsure: true as const, pending: undefined };
      if (gone && !(await remember(ports, row, gone))) continue;
      return decideNothing(ports, message, "base-absent", `${message.reference} does not exist at its registry`);
    }
    const at = new Date(ports.now()).toISOString();
    const outcome = await follow({ message, digest: lookup.digest, at, row, known, followers, ports });
    // Somebody else wrote what is known of the tag meanwhile: what we read may be older.
    if (outcome !== "conflict") return outcome;
  }
  throw new TransientError(`resolve ${message.reference}: what is known of it changed under each write`);
}

export async function giveUpTag(message: TagMoved, error: Error, ports: ResolveTagPorts): Promise<void> {
  await decideNothing(ports, message, "delivery-failed", error.message);
}

/** What one look at the tag brought, and what was known before it. */
interface Reading {
  readonly message: TagMoved;
  readonly digest: string;
  /** ISO 8601. */
  readonly at: string;
  readonly row: StoredRow | undefined;
  readonly known: Followed | undefined;
  readonly followers: readonly Follower[];
  readonly ports: ResolveTagPorts;
}

async function follow(reading: Reading): Promise<string | "later" | "conflict"> {
  const { message, digest, at, row, known, ports } = reading;
  const whose = await whoseDigest(message.reference, reading);
  switch (whose.kind) {
    case "known":
      if (known?.pending && !(await remember(ports, row, { ...known, checkedAt: at, pending: undefined })))
        return "conflict";
      return decideNothing(ports, message, "nothing-changed", `${message.reference} is ${digest} as before`);
    case "proved": {
      const { claimedBy: _, pending: __, ...proved } = whose.known;
      if (!(await remember(ports, row, { ...proved, checkedAt: at }))) return "conflict";
      return decideAside(ports, message, "own-push", `pushed by our own run ${whose.run}`);
    }
    case "building":
    case "own-push":
      // What we push moves once: there is nothing to wait for.
      return recordMove(reading, whose);
    case "foreign": {
      const settling = whose.hasSettled ? "settled" : await settle(reading);
      return settling === "settled" ? recordMove(reading, whose) : settling;
    }
  }
}

/** Leaves the words, then remembers the digest: whoever dies in between leaves the same words again, with the same id. */
async function recordMove(
  { message, digest, at, row, known, ports }: Reading,
  whose: Whose & { readonly kind: "building" | "own-push" | "foreign" },
): Promise<string | "conflict"> {
  const { reference } = message;
  const moves = (known?.moves ?? 0) + 1;
  const id = wordId(reference, digest, moves, known);
  const left = known?.digest === digest ? undefined : known?.digest;
  const past = left ? addPast(pastOf(known), { digest: left, until: at }) : pastOf(known);
  const from = left ?? past.at(-1)?.digest;
  const lineage = whose.tell.length > 0 ? await lineageOf(reference, digest, ports) : [];
  const word = {
    kind: "tag-moved",
    id,
    cause: causeOf(message),
    reference,
    digest,
    ...(from ? { from } : {}),
    ...(lineage.length > 0 ? { lineage } : {}),
  } as const;
  for (const registry of whose.tell) await leaveWord(ports, registry, word);
  const claim = whose.kind === "building" ? { claimedBy: whose.run } : {};
  const next: Followed = { reference, digest, since: at, checkedAt: at, moves, failures: 0, past, ...claim };
  if (!(await remember(ports, row, next))) return "conflict";
  if (whose.tell.length > 0) return `left word ${id} for ${whose.tell.map((r) => r.alias).join(", ")}`;
  if (whose.kind === "foreign")
    return decideNothing(ports, message, "base-not-followed", `only images that pin ${reference} stand on it`);
  const why = `pushed by our own run ${whose.run}, whose end tells those that stand on it`;
  return decideAside(ports, message, "own-push", why);
}

/** One look after the settle time decides for all events meanwhile; each new digest begins the time anew, within bounds. */
async function settle({
  message,
  digest,
  row,
  known,
  ports,
}: Reading): Promise<"settled" | "later" | "conflict" | string> {
  const settleMs = ports.settleSeconds * 1000;
  if (settleMs === 0) return "settled";
  const now = ports.now();
  const { pending } = known ?? {};
  const isSame = pending?.digest === digest;
  if (isSame && now - Date.parse(pending.since) >= settleMs) return "settled";
  if (pending && now - Date.parse(pending.first) >= settlesMost * settleMs) return "settled";
  if (isSame && pending.by !== message.eventId)
    return decideNothing(
      ports,
      message,
      "settling",
      `event ${pending.by} looks at ${message.reference} when it has settled`,
    );
  const at = new Date(now).toISOString();
  if (!isSame) {
    const next: Followed = {
      ...(known ?? { reference: message.reference, moves: 0, failures: 0 }),
      checkedAt: at,
      pending: { digest, since: at, first: pending?.first ?? at, by: message.eventId },
    };
    if (!(await remember(ports, row, next))) return "conflict";
  }
  ports.log("a tag has moved and may move again", { reference: message.reference, digest });
  await ports.queues.send(queueNames.events, message, { delaySeconds: ports.settleSeconds });
  return "later";
}

/**
 * The same for whoever does this over again after a crash, and another for whatever else may happen to the tag: a word with
 * an id that was decided before is not heard.
 */
function wordId(reference: string, digest: string, moves: number, known: Followed | undefined): string {
  const short = (text: string, digits: number) => createHash("sha256").update(text).digest("hex").slice(0, digits);
  const began = known?.pending?.since ?? known?.since ?? "";
  return `tag-${short(reference, 12)}-${moves}-${short(`${digest} ${began}`, 8)}`;
}

/** The registries with images that stand on it. One that cannot be had for the moment must not miss the news. */
async function followersOf(reference: string, ports: ResolveTagPorts): Promise<readonly Follower[]> {
  const found = await Promise.all(
    ports.registries.aliases.map(async (alias) => {
      const registry = await findOrSay(alias, ports);
      const edges = registry ? await ports.rows.list(registry.partition, rangeOf("base", reference), 1) : [];
      const pins = registry ? await ports.rows.list(registry.partition, rangeOf("pinned", reference), 1) : [];
      return registry && edges.length + pins.length > 0 ? [{ registry, moves: edges.length > 0 }] : [];
    }),
  );
  return found.flat();
}

function causeOf(message: TagMoved): Cause {
  const { eventId, sender, reference, receivedAt } = message;
  return { kind: "registry-event", id: eventId, sender, reference, at: receivedAt };
}

function decideNothing(ports: ResolveTagPorts, message: TagMoved, reason: SkipReason, why: string): Promise<string> {
  return recordNothing(ports, aboutOf(message), reason, why);
}

/** What nobody waits for, such as the pushes of our own builds. */
function decideAside(ports: ResolveTagPorts, message: TagMoved, reason: SkipReason, why: string): Promise<string> {
  return recordNothing(ports, aboutOf(message), reason, why, pushesPartition);
}

function aboutOf(message: TagMoved) {
  return { id: message.eventId, at: message.receivedAt, cause: causeOf(message) };
}
