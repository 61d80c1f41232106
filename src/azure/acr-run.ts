import { type AcrRun, type AcrStatus, acrStatuses } from "../core/run/acr-run.ts";
import { redact } from "../redact.ts";
import type { Run } from "./schema.ts";

const statusesByLowerCase = new Map<string, AcrStatus>(acrStatuses.map((status) => [status.toLowerCase(), status]));

/** A run off the wire in the core's words; undefined when it does not even say its id. */
export function toAcrRun(wire: Run): AcrRun | undefined {
  const { properties } = wire;
  const acrRunId = properties.runId || wire.name;
  if (!acrRunId) return undefined;
  return {
    acrRunId,
    // A status nobody has heard of must not end a run: it counts as still going, and is looked at again.
    status: statusesByLowerCase.get(properties.status?.toLowerCase() ?? "queued") ?? "Running",
    createTime: toIso(properties.createTime),
    finishTime: toIso(properties.finishTime),
    outputImages: (properties.outputImages ?? []).flatMap(({ registry, repository, tag, digest }) =>
      registry && repository
        ? [{ registry: registry.toLowerCase(), repository, tag: tag || undefined, digest: digest || undefined }]
        : [],
    ),
    // Whether the service ever echoes a source URL here is not known; its query would be a credential.
    errorMessage: properties.runErrorMessage ? redact(properties.runErrorMessage) : undefined,
  };
}

/** Seven-digit fractions and +00:00 become the usual form, so that times compare as text. */
function toIso(time: string | null | undefined): string | undefined {
  const parsed = time ? Date.parse(time) : Number.NaN;
  return Number.isNaN(parsed) ? undefined : new Date(parsed).toISOString();
}
