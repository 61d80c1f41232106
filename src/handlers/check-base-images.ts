/**
 * Asks registries what is behind the tags that images stand on, because events get lost and most registries send none. It
 * only asks and remembers; a tag that has moved is told like an event from outside. An error changes nothing but when to
 * ask again. Bounded per tick: those not asked for longest go first.
 */

import { createHash } from "node:crypto";
import type { Look, Offered } from "../core/image/digest-lookup.ts";
import { parseReference } from "../core/image/reference.ts";
import type { Edge } from "../core/plan/closure.ts";
import { type KeyRange, keys, rangeOf } from "../core/state/keys.ts";
import type { Followed } from "../core/state/rows.ts";
import type { Rows, RowWrite, StoredRow } from "../core/state/store.ts";
import { messageOf } from "../errors.ts";
import { type Log, type Queues, queueNames } from "../ports.ts";
import { writeOf } from "./followed.ts";
import type { EventMessage } from "./messages.ts";
import { pagesOf, readValue } from "./read-rows.ts";
import { platformPartition, type Registries } from "./registries.ts";

export interface CheckPorts {
  readonly rows: Rows;
  readonly queues: Queues;
  readonly registries: Registries;
  look(reference: string, offered: Offered | undefined): Promise<Look>;
  /** Each followed tag is asked for this often. */
  readonly checkSeconds: number;
  now(): number;
  readonly log: Log;
}

/** A tick is a minute: this many references asked for fit into it, and 14,400 into the default quarter of an hour. */
const checksMost = 960;
const atOnce = 8;
/**
 * Of one host. A HEAD is no pull to Docker Hub, but every request counts against a limit of some thousands a minute for each
 * address, and apps share addresses. A tag takes one to three: refused, for a token, and again.
 */
const perHostMost = 240;
const rowsPerWrite = 90;
const pageSize = 1000;
const longestBackoffSeconds = 6 * 3600;

export async function checkBaseImages(ports: CheckPorts): Promise<void> {
  // Before the references: what somebody begins to follow meanwhile must not look forgotten.
  const known = new Map((await listAll(ports.rows, platformPartition, rangeOf("followed"))).map((r) => [r.key, r]));
  const { references, atHand } = await followedReferences(ports);
  if (!(await doubtForNewcomers(references, atHand, known, ports))) return;
  const due = whatIsDue(references, known, ports);
  const hosts = new Map<string, { asked: number; silentUntil: number }>();
  const seen = new Map<string, Seen>();
  let next = 0;
  const worker = async () => {
    for (let reference = due[next++]; reference !== undefined; reference = due[next++]) {
      const host = hostOf(reference);
      const budget = hosts.get(host) ?? { asked: 0, silentUntil: 0 };
      hosts.set(host, budget);
      if (budget.silentUntil > 0 || budget.asked++ >= perHostMost) continue;
      const row = known.get(keys.followed(reference));
      const checked = await check(reference, row?.value as Followed | undefined, ports);
      if (checked.leaveAlone) budget.silentUntil = Math.max(budget.silentUntil, notBeforeOf(checked.value));
      seen.set(reference, { row, value: checked.value });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  for (const reference of references.keys()) {
    const { silentUntil = 0 } = hosts.get(hostOf(reference)) ?? {};
    if (silentUntil > 0 && !seen.has(reference))
      seen.set(reference, leftAlone(reference, known.get(keys.followed(reference)), silentUntil, ports));
  }
  await rememberAll([...seen.values()], ports);
  // A registry that could not be had would look like one without images.
  if (atHand.length === ports.registries.aliases.length) await forget(references, known, ports);
}

interface Seen {
  readonly row: StoredRow | undefined;
  readonly value: Followed;
}

function hostOf(reference: string): string {
  return reference.slice(0, reference.indexOf("/"));
}

function notBeforeOf(followed: Followed | undefined): number {
  return followed?.notBefore === undefined ? 0 : Date.parse(followed.notBefore);
}

/** A registry that is to be left alone is left alone with everything, not only with what it refused. */
function leftAlone(reference: string, row: StoredRow | undefined, until: number, ports: CheckPorts): Seen {
  const before = (row?.value as Followed | undefined) ?? unseen(reference, ports);
  return {
    row,
    value: { ...before, notBefore: new Date(Math.max(until, notBeforeOf(before))).toISOString() },
  };
}

function unseen(reference: string, ports: CheckPorts): Followed {
  return { reference, checkedAt: new Date(ports.now()).toISOString(), moves: 0, failures: 0 };
}

/** Every tag that something stands on, with the registries where. */
type References = ReadonlyMap<string, ReadonlySet<string>>;

async function followedReferences(
  ports: CheckPorts,
): Promise<{ readonly references: References; readonly atHand: readonly string[] }> {
  const found = new Map<string, Set<string>>();
  const atHand: string[] = [];
  for (const alias of ports.registries.aliases) {
    const registry = await ports.registries.find(alias).catch((error: unknown) => {
      ports.log("registry cannot be had", { registry: alias, why: messageOf(error) });
    });
    if (!registry) continue;
    atHand.push(alias);
    for (const kind of ["base", "pinned"])
      for (const { value } of await listAll(ports.rows, registry.partition, rangeOf(kind))) {
        const { reference } = value as Pick<Edge, "reference">;
        // A digest never moves.
        if (!reference.includes("@")) found.set(reference, (found.get(reference) ?? new Set()).add(alias));
      }
  }
  return { references: found, atHand };
}

/**
 * A registry that is new in the platform file, or back in it, was told of no move meanwhile: whatever is behind its tags is
 * news again. False: something had to be written, so what was read is old, and the next tick goes on.
 */
async function doubtForNewcomers(
  references: References,
  atHand: readonly string[],
  known: ReadonlyMap<string, StoredRow>,
  { rows, registries }: CheckPorts,
): Promise<boolean> {
  const before = await readValue<CheckedRegistries>(rows, platformPartition, keys.checkedRegistries);
  const isNew = (alias: string) => before !== undefined && !before.aliases.includes(alias);
  // One that cannot be had just now has missed nothing: the news are told it too.
  const aliases = registries.aliases.filter((alias) => atHand.includes(alias) || before?.aliases.includes(alias));
  if (before && before.aliases.length === aliases.length && !aliases.some(isNew)) return true;
  const doubted = [...references].flatMap(([reference, of]): Seen[] => {
    const row = known.get(keys.followed(reference));
    if (!row || ![...of].some(isNew)) return [];
    return [{ row, value: { ...(row.value as Followed), unsure: true } }];
  });
  const value: CheckedRegistries = { aliases };
  if (await rememberAll(doubted, { rows }))
    await rows.transact(platformPartition, [{ kind: "put", key: keys.checkedRegistries, value }]);
  return doubted.length === 0;
}

interface CheckedRegistries {
  readonly aliases: readonly string[];
}

async function listAll(rows: Rows, partition: string, range: KeyRange): Promise<readonly StoredRow[]> {
  const all: StoredRow[] = [];
  for await (const page of pagesOf(rows, partition, range, pageSize)) all.push(...page);
  return all;
}

function whatIsDue(
  references: References,
  known: ReadonlyMap<string, StoredRow>,
  ports: CheckPorts,
): readonly string[] {
  const now = ports.now();
  return [...references.keys()]
    .map((reference) => ({ reference, followed: known.get(keys.followed(reference))?.value as Followed | undefined }))
    .filter(({ followed }) => {
      if (!followed) return true;
      if (notBeforeOf(followed) > now) return false;
      return now - Date.parse(followed.checkedAt) >= ports.checkSeconds * 1000;
    })
    .sort((a, b) => ((a.followed?.checkedAt ?? "") < (b.followed?.checkedAt ?? "") ? -1 : 1))
    .slice(0, checksMost)
    .map(({ reference }) => reference);
}

interface Checked {
  /** What is to be remembered; that a tag has moved is remembered by whoever resolves it. */
  readonly value: Followed;
  readonly leaveAlone: boolean;
}

async function check(reference: string, known: Followed | undefined, ports: CheckPorts): Promise<Checked> {
  const checkedAt = new Date(ports.now()).toISOString();
  const before = known ?? unseen(reference, ports);
  const { lookup, offered, leaveAloneSeconds }: Look = parseReference(reference).ok
    ? await ports.look(reference, before.offered)
    : { lookup: { kind: "unknown", why: "not a reference", forbidden: true } };
  const inSeconds = (seconds: number) => new Date(ports.now() + seconds * 1000).toISOString();
  if (lookup.kind === "found") {
    const { problem: _, notBefore: __, offered: ___, ...good } = before;
    if (lookup.digest !== before.digest || before.claimedBy !== undefined || before.unsure)
      await tell(reference, lookup.digest, known, ports);
    const rest = leaveAloneSeconds !== undefined && { notBefore: inSeconds(leaveAloneSeconds) };
    const value = { ...good, checkedAt, failures: 0, ...(offered && { offered }), ...rest };
    return { value, leaveAlone: leaveAloneSeconds !== undefined };
  }
  // That it is gone is news too: that it is back will be, whatever its digest.
  if (lookup.kind === "absent" && before.digest !== undefined && !before.unsure)
    await tell(reference, undefined, known, ports);
  const problem = lookup.kind === "absent" ? "it does not exist at its registry" : lookup.why;
  const failures = before.failures + 1;
  const forbidden = lookup.kind === "unknown" && lookup.forbidden === true;
  const asked = lookup.kind === "unknown" ? lookup.retryAfterSeconds : undefined;
  const backoff = forbidden ? longestBackoffSeconds : Math.min(60 * 2 ** Math.min(failures, 12), longestBackoffSeconds);
  const notBefore = inSeconds(Math.max(backoff, asked ?? 0));
  if (failures === 1) ports.log("a base image cannot be asked for", { reference, why: problem });
  return { value: { ...before, checkedAt, failures, problem, notBefore }, leaveAlone: asked !== undefined };
}

/**
 * The id is the fact and the check before it: a tick that died and is repeated tells the same event, and a tag that comes
 * back to a digest it had only for a moment is told of again, for an event that was worked off is not heard twice.
 */
async function tell(
  reference: string,
  digest: string | undefined,
  known: Followed | undefined,
  ports: CheckPorts,
): Promise<void> {
  const fact = createHash("sha256")
    .update(`${reference} ${digest ?? "absent"} ${known?.checkedAt ?? ""}`)
    .digest("hex")
    .slice(0, 24);
  const event: EventMessage = {
    kind: "tag-moved",
    eventId: `base-check:${fact}`,
    sender: "base-check",
    receivedAt: new Date(ports.now()).toISOString(),
    reference,
    ...(digest ? { hint: digest } : {}),
  };
  await ports.queues.send(queueNames.events, event);
}

/** Many in one transaction. Whoever resolves one of them meanwhile wins: then false, and the next tick has to do it. */
async function rememberAll(seen: readonly Seen[], { rows }: Pick<CheckPorts, "rows">): Promise<boolean> {
  const write = async (...writes: readonly RowWrite[]) =>
    (await rows.transact(platformPartition, writes)).kind === "done";
  const writes = seen.map(({ row, value }) => writeOf(row, value));
  let all = true;
  for (let i = 0; i < writes.length; i += rowsPerWrite) {
    const batch = writes.slice(i, i + rowsPerWrite);
    if (await write(...batch)) continue;
    for (const one of batch) if (!(await write(one))) all = false;
  }
  return all;
}

/** What nothing stands on any more is forgotten, so that the table holds what is followed and not what ever was. */
async function forget(references: References, known: ReadonlyMap<string, StoredRow>, ports: CheckPorts): Promise<void> {
  const left = [...known.values()].filter((row) => !references.has((row.value as Followed).reference));
  for (const row of left.slice(0, rowsPerWrite)) await ports.rows.removeUnchanged(platformPartition, row);
}
