import type { DecisionAnswer, RunAnswer } from "../../../local/screen/answers.ts";
import type { Seen } from "../../../local/screen/read-product.ts";
import type { View } from "../../../local/screen/view.ts";

export const commit = "1a2b3c4d".padEnd(40, "0");
export const registry = "127.0.0.1:5000";
const start = Date.parse("2026-01-01T00:00:00.000Z");

/** ISO time so many seconds after the planning. */
export function at(seconds: number): string {
  return new Date(start + seconds * 1000).toISOString();
}

export function digest(digit: string): string {
  return `sha256:${digit.repeat(64)}`;
}

export function runOf(image: string, id: number, more: Partial<RunAnswer> = {}): RunAnswer {
  return {
    id: `local-${id}`,
    image,
    status: "Planned",
    commit,
    why: ["first build of this image from this ref"],
    times: { Planned: at(0) },
    tags: [],
    bases: {},
    ...more,
  };
}

export function succeeded(image: string, id: number, more: Partial<RunAnswer> = {}): RunAnswer {
  return runOf(image, id, {
    status: "Succeeded",
    times: { Planned: at(0), Preparing: at(1), Queued: at(2), Running: at(2), Succeeded: at(4.5) },
    ended: { code: "succeeded", message: `built ${digest("a")}` },
    digest: digest("a"),
    tags: [`${registry}/platform/${image}:main-1a2b3c4-${id}`, `${registry}/platform/${image}:main`],
    bases: { [`${registry}/local/shell:1`]: digest("b") },
    ...more,
  });
}

export const push: DecisionAnswer = {
  id: "d1",
  at: at(0),
  cause: { kind: "delivery", id: "d1", event: "push", by: "ada" },
  source: { fullName: "demo/platform" },
  ref: "refs/heads/main",
  commit,
  planned: [
    { image: "base", run: "local-1" },
    { image: "app", run: "local-2" },
  ],
  plannedCount: 2,
  skipped: [],
};

export function seenOf(runs: readonly RunAnswer[], more: Partial<Seen> = {}): Seen {
  const open = runs.filter((run) => run.ended === undefined).length;
  return { decisions: [push], runs, open, statuses: [], commit, ...more };
}

export function viewOf(more: Partial<View> = {}): View {
  return { now: start + 5_000, startedAt: start - 3_000, registry, notices: [], once: false, ...more };
}
