import { failRun } from "../../core/run/attempt.ts";
import { getRun } from "../../core/run/desk.ts";
import { placeRun, releaseFromCycle, waitsForItself } from "../../core/run/place.ts";
import { release } from "../../core/run/release.ts";
import { timeOf } from "../../core/state/keys.ts";
import type { RunPointer, Waiting } from "../../core/state/rows.ts";
import type { StoredRow } from "../../core/state/store.ts";
import { messageOf, TransientError } from "../../errors.ts";
import type { Pass } from "./pass.ts";

const readyPage = 50;
const waitPage = 100;

/** Fills the registry's free slots from the head of the queue. Only the head is read, however long the queue is. */
export async function releaseReady(pass: Pass): Promise<void> {
  await recheckWaiting(pass);
  while (pass.hasTime()) {
    const ready = await nextReady(pass);
    if (ready.length === 0) break;
    for (const row of ready) {
      await pass.lease.renewIfOld();
      await releaseOne(pass, row.key, (row.value as RunPointer).run);
    }
    // What a skipped run leaves behind must be worked off before the next release sees the world.
    if (await pass.hasWords()) return;
  }
}

/**
 * What a person asked for first, then what has changed itself, then what only follows its bases; by age within each. One
 * slot of several is for the last: commits without end must not keep a patched base from reaching what stands on it.
 */
async function nextReady(pass: Pass): Promise<readonly StoredRow[]> {
  const { maxRuns } = pass.ports.registry;
  const live = await pass.live();
  const slots = Math.min(maxRuns - live.length, readyPage);
  if (slots <= 0) return [];
  const first = await pass.list("ready", slots);
  const isServed = maxRuns === 1 || first.length < slots || live.some(({ priority }) => priority === 2);
  const [following] = isServed ? [] : await pass.list(["ready", "2"], 1);
  return following === undefined || first.some(({ key }) => key === following.key)
    ? first
    : [following, ...first.slice(0, slots - 1)];
}

/** A run that cannot be released is our bug; it ends and says so, and the queue goes on. */
async function releaseOne(pass: Pass, place: string, runId: string): Promise<void> {
  try {
    await pass.decide((desk) => {
      const run = getRun(desk.world, runId);
      if (run && run.place === place) release(desk, run);
      else desk.world.remove(place);
    });
  } catch (error) {
    if (error instanceof TransientError) throw error;
    const why = messageOf(error);
    pass.ports.log("run could not be released", { run: runId, why });
    await pass.decide((desk) =>
      failRun(desk, getRun(desk.world, runId)!, "Error", "internal", `a bug of Slipway's: ${why}`),
    );
  }
}

async function recheckWaiting(pass: Pass): Promise<void> {
  const waiting = await pass.list("wait", waitPage);
  if (waiting.length === 0) return;
  const stuck = await isStuck(pass);
  const held = waiting.map((row) => ({ at: timeOf(row.key), ...(row.value as Waiting) }));
  // With nothing else going on, every hold but one that counts seconds is looked at again.
  const due = held.filter((w) => w.at <= pass.ports.now() || (stuck && w.hold !== "base-unknown"));
  for (const { run } of due) await placeAgain(pass, run);
  if (!stuck || !(await isStuck(pass))) return;
  const byAge = held.filter((w) => w.hold === "base").sort((x, y) => x.order - y.order);
  for (const { run: id } of byAge) {
    const released = await pass.decide((desk) => {
      const run = getRun(desk.world, id);
      if (run?.status !== "Planned" || !waitsForItself(desk, run)) return false;
      releaseFromCycle(desk, run);
      return true;
    });
    if (released) return;
  }
}

async function placeAgain(pass: Pass, runId: string): Promise<void> {
  await pass.decide((desk) => {
    const run = getRun(desk.world, runId);
    if (run?.status === "Planned") placeRun(desk, run);
  });
}

/** Nothing is at ACR, nothing is ready, nothing is to be folded. */
async function isStuck(pass: Pass): Promise<boolean> {
  if ((await pass.live()).length > 0 || (await pass.hasWords())) return false;
  return (await pass.list("ready", 1)).length === 0;
}
