import { keys } from "../core/state/keys.ts";
import type { Inbox } from "../core/state/rows.ts";
import type { Rows, RowWrite } from "../core/state/store.ts";
import { TransientError } from "../errors.ts";
import { type Queues, queueNames } from "../ports.ts";
import type { Wake } from "./lease.ts";

export interface InboxWriter {
  readonly rows: Rows;
  readonly queues: Queues;
  readonly now: () => number;
  readonly newId: () => string;
}

/**
 * Leaves word for the next pass and nudges it. The row and the wake token are one transaction, so a pass that is just
 * letting go of the lease either sees the word or cannot let go. `guard` makes the word conditional on what it rests on.
 */
export async function leaveWord(
  writer: InboxWriter,
  registry: { readonly alias: string; readonly partition: string },
  word: Inbox,
  guard: readonly RowWrite[] = [],
): Promise<"left" | "conflict"> {
  const outcome = await writer.rows.transact(registry.partition, [
    { kind: "put", key: keys.inbox(writer.now(), word.id), value: word },
    { kind: "put", key: keys.wake, value: { token: writer.newId() } satisfies Wake },
    ...guard,
  ]);
  if (outcome.kind !== "done") {
    if (guard.length > 0) return "conflict";
    throw new TransientError(`leave word for ${registry.alias}: the inbox changed under the write`);
  }
  try {
    await writer.queues.send(queueNames.registries, { registry: registry.alias });
  } catch (error) {
    // The word is stored, and that is what counts: the sweep sees the wake token and nudges.
    if (!(error instanceof TransientError)) throw error;
  }
  return "left";
}
