import type { StaleWord } from "../../core/plan/base-ended.ts";
import { expand, forgetPlan } from "../../core/plan/expand.ts";
import { hearLater } from "../../core/plan/later.ts";
import { isoOf } from "../../core/run/desk.ts";
import { recheckTimeOf } from "../../core/run/place.ts";
import { keys } from "../../core/state/keys.ts";
import type { Inbox, Stuck } from "../../core/state/rows.ts";
import { TransientError } from "../../errors.ts";
import type { Pass } from "./pass.ts";

const inboxPage = 32;

/** Returns whether every word was worked off. */
export async function foldInbox(pass: Pass): Promise<boolean> {
  await hearWhatWaited(pass);
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

/** Words whose moment has come join the others. */
async function hearWhatWaited(pass: Pass): Promise<void> {
  for (const row of await pass.list("later", inboxPage)) {
    if (recheckTimeOf(row.key) > pass.ports.now()) return;
    pass.know(row);
    await pass.decide((desk) => hearLater(desk, row.key, row.value as StaleWord));
  }
}

/** A word nobody can work off is our bug; it must not hold up the registry, and must not be lost either. */
async function setAside(pass: Pass, inboxKey: string, word: Inbox, error: unknown): Promise<void> {
  const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
  pass.ports.log("word set aside", { registry: pass.ports.registry.alias, word: word.id, kind: word.kind, why });
  const put = (kept: Stuck["word"]) =>
    pass.decide((desk) => {
      forgetPlan(desk, word.id);
      desk.world.put(keys.stuck(word.id), { word: kept, why, at: isoOf(desk.now) } satisfies Stuck);
      desk.world.remove(inboxKey);
    });
  try {
    await put(word);
  } catch (refused) {
    if (refused instanceof TransientError) throw refused;
    // With why it is stuck it no longer fits its row: that it is stuck is what must be known.
    await put({ kind: word.kind, id: word.id });
  }
}
