import { cut } from "../image/quote.ts";
import { describeReason, isForPeople } from "../plan/reason.ts";
import type { CommitStatus } from "../source.ts";
import type { Run } from "../state/rows.ts";
import { isTerminal } from "./transition.ts";

/** What the commit shows for a run: true, short, and in the reader's words. GitHub refuses more than 140 characters. */
export function commitStatusOf(run: Run, targetUrl: string | undefined): CommitStatus {
  const { state, description } = words(run);
  return {
    state,
    context: `slipway/${run.image}`,
    description: cut(description, 140),
    ...(targetUrl ? { targetUrl } : {}),
  };
}

/**
 * That a build which only follows its bases is on its way is no news of its commit, and a wave has thousands of them: its
 * end is, and that it waits for people.
 */
export function isQuiet(run: Run): boolean {
  return run.priority === 2 && !isTerminal(run.status) && !isForPeople(run.hold);
}

function words(run: Run): { readonly state: CommitStatus["state"]; readonly description: string } {
  const why = run.reasons.map(describeReason).join("; ");
  switch (run.status) {
    case "Planned":
      return { state: "pending", description: run.hold ? `Waiting ${holdWords(run)} (${why})` : `Planned: ${why}` };
    case "Preparing":
    case "Scheduling":
      return { state: "pending", description: `Preparing: ${why}` };
    case "Queued":
      return { state: "pending", description: `Queued at ACR as ${run.acrRunId}: ${why}` };
    case "Started":
    case "Running":
      return { state: "pending", description: `Building as ${run.acrRunId}: ${why}` };
    case "Succeeded":
      return { state: "success", description: `Built ${run.digest?.slice(0, 19) ?? ""} as ${lastTag(run)}` };
    case "Skipped":
      return run.ended?.code === "nothing-changed"
        ? { state: "success", description: "Nothing changed: the image is current" }
        : { state: "error", description: `Not built: ${run.ended?.message ?? ""}` };
    case "Superseded":
      return { state: "error", description: `Not built: ${run.ended?.message ?? "superseded"}` };
    case "Canceled":
      return { state: "error", description: `Canceled: ${run.ended?.message ?? ""}` };
    case "Failed":
      return { state: "failure", description: run.ended?.message ?? "the build failed" };
    case "Timeout":
    case "Error":
      return { state: "error", description: run.ended?.message ?? run.status };
  }
}

function holdWords(run: Run): string {
  switch (run.hold?.kind) {
    case "canary":
      return `for ${run.hold.image}, which is built first (${run.hold.run})`;
    case "wave-stopped":
      return `because wave ${run.hold.wave} is stopped: ${run.hold.why}`;
    case "paused":
      return `because ${run.hold.scope === "registry" ? "the registry" : "the image"} is paused: ${run.hold.why}`;
    case "frozen":
      return `until ${run.hold.until}: ${run.hold.why}`;
    case "base":
      return `for ${run.hold.runs.join(", ")}`;
    case "track-busy":
      return `for ${run.hold.run}`;
    case "base-unknown":
      return `to learn the digest of ${run.hold.reference}`;
    case undefined:
      return "";
  }
}

function lastTag(run: Run): string {
  const tag = run.tags?.[run.tags.length - 1] ?? "";
  return tag.slice(tag.lastIndexOf(":") + 1);
}
