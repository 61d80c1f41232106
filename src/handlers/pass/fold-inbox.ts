import { expand } from "../../core/plan/expand.ts";
import { isoOf } from "../../core/run/desk.ts";
import { keys } from "../../core/state/keys.ts";
import type { Inbox } from "../../core/state/rows.ts";
import { TransientError } from "../../errors.ts";
import type { Pass } from "./pass.ts";

const inboxPage = 32;

/** Returns whether every word was worked off. */
export async function foldInbox(pass: Pass): Promise<boolean> {
  const words = await pass.list("in", inboxPage);
  for (const row of words) {
    const { key, value } = row;
    const word = value as Inbox;
    pass.know(row);
    try {
      while (!(await pass.decide((desk) => expand(desk, key, word)))) await pass.lease.renewIfOld();
    } catch (error) {
      if (error instanceof TransientError) throw error;
      await setAside(pass, key, word, error);
    }
  }
  if (words.length === inboxPage) pass.progressed = true;
  return words.length < inboxPage && !(await pass.hasWords());
}

/** A word nobody can work off is our bug; it must not hold up the registry, and must not be lost either. */
async function setAside(pass: Pass, inboxKey: string, word: Inbox, error: unknown): Promise<void> {
  const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
  pass.ports.log("word set aside", { registry: pass.ports.registry.alias, word: word.id, kind: word.kind, why });
  await pass.decide((desk) => {
    for (const rest of [keys.expansion(word.id), keys.expansionCursor(word.id)])
      if (desk.world.get(rest) !== undefined) desk.world.remove(rest);
    desk.world.put(keys.stuck(word.id), { word, why, at: isoOf(desk.now) });
    desk.world.remove(inboxKey);
  });
}
