import { type DecisionAnswer, isEnded, type ProblemAnswer, type RunAnswer, type StatusAnswer } from "./answers.ts";
import type { Seen } from "./read-product.ts";

/** Twelve hex digits tell digests apart; the whole one is in the API. */
export function shortDigest(digest: string): string {
  return digest.slice(0, "sha256:".length + 12);
}

/** Every reference here begins with the one local registry, so that it need not be repeated. */
export function withoutRegistry(text: string, registry: string): string {
  return text.replaceAll(`${registry}/`, "");
}

/** The timer looks again and again, and the registry tells of our own pushes too; only what they lead to is worth telling. */
export function isTelling({ cause, plannedCount, problems }: DecisionAnswer): boolean {
  const isRoutine = cause.kind === "sweep" || cause.kind === "registry-event";
  return !isRoutine || plannedCount > 0 || (problems ?? []).length > 0;
}

/** "push to demo/platform main at 1a2b3c4 by developer", or who else asked for what. */
export function describeCause(decision: DecisionAnswer): string {
  const { cause, source, ref, commit } = decision;
  if (cause.kind === "delivery") {
    const where = source ? ` to ${source.fullName}${ref ? ` ${ref.replace(/^refs\/(heads|tags)\//, "")}` : ""}` : "";
    return `${cause.event ?? "delivery"}${where}${commit ? ` at ${commit.slice(0, 7)}` : ""}${cause.by ? ` by ${cause.by}` : ""}`;
  }
  if (cause.kind === "request") return `request to ${cause.action ?? "build"}`;
  if (cause.kind === "registry-event") return `news of ${cause.reference}`;
  if (cause.kind === "run") return `end of run ${cause.id}`;
  return "the timer's own look";
}

/** What came of it, skips with their reasons. */
export function describeOutcome(decision: DecisionAnswer): readonly string[] {
  const { planned, plannedCount, skipped, problems = [], done } = decision;
  const names = planned.map((p) => p.image);
  const told = [
    ...(done === undefined ? [] : [done]),
    ...(plannedCount > 0 ? [`${counted(plannedCount, "run")} planned: ${listed(names, plannedCount)}`] : []),
    ...skipped.map(({ reason, count, images, message }) => {
      const what = images.length > 0 ? `not built, ${reason}: ${listed(images, count)}` : `nothing built, ${reason}`;
      // It would be the first of the problems once more, in one line.
      const isBelow = images.length === 0 && problems.length > 0;
      return `${what}${message && !isBelow ? ` (${message})` : ""}`;
    }),
    ...problems.map(describeProblem),
  ];
  return told.length > 0 ? told : ["nothing to build"];
}

/** As the commit status says it. */
export function describeProblem({ line, key, message, fix }: ProblemAnswer): string {
  const where = [line ? ` line ${line}` : "", key ? `, ${key}` : ""].join("");
  return `slipway.yaml${where}: ${message}${fix ? `; ${fix}` : ""}`;
}

/** The first few of so many. */
function listed(names: readonly string[], count: number): string {
  const more = count - names.length;
  return `${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

const held: Readonly<Record<string, string>> = {
  "wave-stopped": "a word, its wave was stopped",
  paused: "a word, it is paused",
  frozen: "the end of a freeze",
};

/** What a planned run waits for; undefined when it does not. */
export function describeWait(run: RunAnswer, seen: Seen): string | undefined {
  if (isEnded(run) || run.status !== "Planned") return undefined;
  const { hold } = run;
  if (!hold) return "its turn";
  if (hold.kind === "base") {
    const imageOf = (id: string) => seen.runs.find((r) => r.id === id)?.image;
    return (hold.runs ?? []).map((id) => (imageOf(id) ? `${imageOf(id)} (${id})` : id)).join(" and ");
  }
  if (hold.kind === "track-busy") return `${hold.run}, which is building the same image`;
  if (hold.kind === "canary") return `${hold.image} (${hold.run}), which is tried first`;
  return hold.reference === undefined
    ? `${held[hold.kind] ?? hold.kind}: ${hold.why}`
    : `base ${hold.reference}: ${hold.why}`;
}

/** "platform/base:main sha256:…" for each image below. */
export function describeBases(run: RunAnswer, registry: string): readonly string[] {
  return Object.entries(run.bases).map(
    ([reference, digest]) => `${withoutRegistry(reference, registry)} ${digest ? shortDigest(digest) : "not found"}`,
  );
}

/** The context, and all that GitHub's page shows of it. */
export function describeStatus({ context, state, description }: StatusAnswer): string {
  return `${context} ${state}${description ? `, ${description}` : ""}`;
}

/** How the run came to its end, when that was not simply a build. */
export function describeEnd(run: RunAnswer, registry: string): string | undefined {
  if (!run.ended || run.status === "Succeeded") return undefined;
  return withoutRegistry(run.ended.message, registry);
}

/**
 * Milliseconds: of a run that was at ACR from there to its end; of one that waits, since it was planned. Nothing for runs
 * that ended without being built.
 */
export function runDuration({ status, times }: RunAnswer, now: number): number | undefined {
  const at = (name: string) => (times[name] === undefined ? undefined : Date.parse(times[name]));
  const began = at("Queued") ?? at("Started") ?? at("Running");
  const ended = isEnded({ status }) ? at(status) : undefined;
  if (isEnded({ status }) && (began === undefined || ended === undefined)) return undefined;
  const from = began ?? at("Preparing") ?? at("Planned");
  return from === undefined ? undefined : Math.max(0, (ended ?? now) - from);
}

export function describeDuration(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
}

export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
