/** What an image stands on now, what it was built on, and since when there is something newer. */
import { z } from "zod";
import { behindSince, type PastDigest, pastOf, type TagHistory } from "../core/image/tag-history.ts";
import { seqOf } from "../core/run/desk.ts";
import { movingBases } from "../core/run/place.ts";
import { keys, rangeOf } from "../core/state/keys.ts";
import type { Followed, Run, RunSummary, Track } from "../core/state/rows.ts";
import { seenOfTag } from "../handlers/followed.ts";
import { readValue } from "../handlers/read-rows.ts";
import { homeOf, type Registry } from "../handlers/registries.ts";
import { pinnedDigest } from "./dependents.ts";
import type { HistoryPorts } from "./history.ts";
import { readMade } from "./named.ts";
import { BaseOf, Digest, Moment } from "./schemas.ts";

export const BaseView = BaseOf.extend({
  digest: Digest.optional().describe("what the last build stands on"),
  now: Digest.optional().describe("what is behind the tag now, as far as anybody has looked"),
  newerSince: Moment.optional().describe("since when, at least, it is something else than the build stands on"),
  hoursBehind: z.number().optional(),
  problem: z.string().optional().describe("why nobody knows"),
});
export type BaseView = z.infer<typeof BaseView>;

export async function basesOf(
  { track, registry }: { readonly track: Track; readonly registry: Registry },
  now: number,
  ports: HistoryPorts,
): Promise<BaseView[]> {
  const moving = new Set(movingBases(track));
  return Promise.all(
    track.bases.map(async (base): Promise<BaseView> => {
      const digest = track.built?.bases[base.reference] ?? pinnedDigest(base);
      const view: BaseView = { ...base, ...(digest ? { digest } : {}) };
      const tag = base.pinned ? base.tag : moving.has(base.reference) ? base.reference : undefined;
      if (tag === undefined) return view;
      const { history, problem } = await historyOf(tag, digest, ports);
      const known = { ...view, ...(problem ? { problem } : {}) };
      if (!history) return known;
      if (digest === undefined || digest === history.digest) return { ...known, now: history.digest };
      const newerSince = behindSince(history, digest, base.pinned ? undefined : await takenAt(track, registry, ports));
      // The build found it there later than anybody else has looked.
      if (newerSince === undefined) return { ...known, now: digest };
      const hoursBehind = Math.round((now - Date.parse(newerSince)) / 360_000) / 10;
      return { ...known, now: history.digest, newerSince, hoursBehind };
    }),
  );
}

/** When the build that counts asked what is behind its bases. */
async function takenAt(track: Track, registry: Registry, ports: HistoryPorts): Promise<string | undefined> {
  return track.built && (await readRun(track.built.run, registry, ports))?.times.Preparing;
}

async function readRun(id: string, registry: Registry, ports: HistoryPorts): Promise<Run | undefined> {
  return await readValue<Run>(ports.rows, registry.partition, keys.run(seqOf(id)));
}

/** Our own tags by what we built, unless somebody pushed over it; all others by what was seen at their registry. */
async function historyOf(
  tag: string,
  on: string | undefined,
  ports: HistoryPorts,
): Promise<{ readonly history?: TagHistory; readonly problem?: string }> {
  const followed = await seenOfTag(tag, ports);
  const home = await homeOf(tag, ports.registries);
  const made = await readMade(tag, ports);
  const run = home && made && (await readRun(made.run, home, ports));
  const since = run?.times.Succeeded;
  const seen = seenOf(followed);
  if (!run || !since || isPushedOver(followed, made.digest, since))
    return { ...(seen ? { history: seen } : {}), ...(followed?.problem ? { problem: followed.problem } : {}) };
  const past = made.digest === on ? [] : await pastOfRun(run, home, ports);
  return { history: { digest: made.digest, since, past } };
}

/** Whether another digest was seen behind a tag after a run of ours had pushed this one there. */
export function isPushedOver(followed: Followed | undefined, digest: string, since: string): boolean {
  const seen = seenOf(followed);
  return seen !== undefined && seen.digest !== digest && seen.since > since;
}

function seenOf(followed: Followed | undefined): TagHistory | undefined {
  const { digest, since } = followed ?? {};
  return digest && since ? { digest, since, past: pastOf(followed) } : undefined;
}

/** Runs of an image looked through for what it was before. */
const runsMost = 200;

/** What the run's track built before it. */
async function pastOfRun(run: Run, registry: Registry, ports: HistoryPorts): Promise<readonly PastDigest[]> {
  const rows = await ports.rows.list(registry.partition, rangeOf("img", run.image), runsMost);
  const built = rows
    .map((row) => row.value as RunSummary)
    .filter((r) => r.status === "Succeeded" && r.ref === run.ref && r.source === run.source.fullName);
  const past = built.slice(1).map((r, i) => ({ digest: r.digest!, until: built[i]!.endedAt! }));
  return past.reverse();
}
