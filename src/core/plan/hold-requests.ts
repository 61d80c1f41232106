/** What people say about waves and pauses, and who looks again because of it. */
import { type Desk, isoOf, seqOf } from "../run/desk.ts";
import { openIn, tellWave } from "../run/wave.ts";
import { keys, rangeOf } from "../state/keys.ts";
import type { Inbox, Pause, PlanItem, Progress, Run, Waiting, Wave, WaveMember } from "../state/rows.ts";
import type { Plan } from "./plan-ref.ts";
import { countSkipped, noProgress } from "./progress.ts";

const manyRuns = 100_000;

/** Everyone of the wave, or of its level, who may be waiting looks again. */
export function planOfWave(desk: Desk, { wave, level }: Inbox & { kind: "wave-changed" }): Plan {
  const members = desk.world
    .range<WaveMember>(rangeOf("inwave", wave), manyRuns)
    .filter((m) => level === undefined || m.value.level === level);
  const tracks = new Map(members.map((m) => [m.value.track, m.value.image]));
  return { plan: [...tracks].map(([track, image]) => ({ kind: "place", track, image })), progress: noProgress };
}

export function requestWave(desk: Desk, word: Inbox & { kind: "wave-requested" }): Progress {
  const wave = desk.world.get<Wave>(keys.wave(word.wave));
  if (!wave) return countSkipped(noProgress, "wave-not-found", undefined, `there is no wave ${word.wave}`);
  const next: Wave =
    word.action === "stop"
      ? { ...wave, state: "stopped", stoppedBy: "person", why: "a person stopped it" }
      : { ...wave, state: "continued" };
  desk.world.put(keys.wave(wave.id), next);
  tellWave(desk, wave.id, 0, "all");
  const verb = word.action === "stop" ? "stopped" : "continued";
  return { ...noProgress, done: `${verb} wave ${wave.id}: ${openIn(wave)} of its ${wave.planned} runs are open` };
}

/** A pause holds what is released from now on; what is at ACR goes on. A resume lets everyone who waits look again. */
export function planPause(desk: Desk, word: Inbox & { kind: "pause-requested" }): Plan {
  const pauseKey = word.image === undefined ? keys.pausedRegistry : keys.pausedImage(word.image);
  const scope = word.image ?? "every image of the registry";
  const before = desk.world.get<Pause>(pauseKey);
  if (word.action === "pause") desk.world.put(pauseKey, { why: word.why, at: isoOf(desk.now) } satisfies Pause);
  else if (before) desk.world.remove(pauseKey);
  const done = word.action === "pause" ? `paused ${scope}: ${word.why}` : `resumed ${scope}`;
  const waiting = word.action === "pause" ? [] : desk.world.range<Waiting>(rangeOf("wait"), manyRuns);
  const runs = desk.world.getAll<Run>(waiting.map((row) => keys.run(seqOf(row.value.run))));
  const plan = runs.flatMap((run): PlanItem[] =>
    run?.hold?.kind === "paused" ? [{ kind: "place", track: run.track, image: run.image }] : [],
  );
  return { plan, progress: { ...noProgress, done } };
}
