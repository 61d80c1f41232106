import type { Seen } from "../screen/read-product.ts";
import { describeProblem } from "../screen/wording.ts";

/** The head of main was decided about and nothing is open any more. */
export function isSettled(seen: Seen): boolean {
  return seen.open === 0 && seen.decisions.some((decision) => decision.commit === seen.commit);
}

/** Settled, and GitHub shows it too. */
export function isTold(seen: Seen): boolean {
  return seen.statuses.length > 0 && seen.statuses.every((status) => status.state !== "pending");
}

export interface Verdict {
  /** `image tag status digest`, one per image. */
  readonly lines: readonly string[];
  /** What did not succeed, and why; empty when all did. */
  readonly failures: readonly string[];
}

/** How the images stand at the end. Skipped because nothing changed is as good as built. */
export function verdict(seen: Seen): Verdict {
  const runs = seen.runs.map((run) => ({ ...run, tag: run.tags.at(-1)?.split(":").at(-1) ?? "-" }));
  const width = (of: (run: (typeof runs)[number]) => string) => Math.max(0, ...runs.map((run) => of(run).length));
  const [image, tag, status] = [width((r) => r.image), width((r) => r.tag), width((r) => r.status)];
  const lines = runs.map((run) =>
    [run.image.padEnd(image), run.tag.padEnd(tag), run.status.padEnd(status), run.digest ?? "-"].join(" "),
  );
  const failures = runs
    .filter((run) => run.status !== "Succeeded" && run.ended?.code !== "nothing-changed")
    .map((run) => `${run.image} (${run.id}) ${run.status}: ${run.ended?.message ?? "not ended"}`);
  const decision = seen.decisions.find(({ commit }) => commit === seen.commit);
  const problems = decision?.problems ?? [];
  // A refusal of the whole slipway.yaml only says what its problems say.
  const refused = (decision?.skipped ?? []).filter(
    ({ reason, images }) => reason !== "nothing-changed" && (images.length > 0 || problems.length === 0),
  );
  return {
    lines,
    failures: [
      ...failures,
      ...problems.map(describeProblem),
      ...refused.map(({ reason, images, message }) => `${images.join(", ") || "nothing built"}: ${message ?? reason}`),
      ...(runs.length === 0 && problems.length + refused.length === 0 ? ["nothing was built"] : []),
    ],
  };
}
