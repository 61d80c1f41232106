import type { SkipReason } from "../core/plan/reason.ts";
import { keys } from "../core/state/keys.ts";
import type { Decision } from "../core/state/rows.ts";
import type { Rows } from "../core/state/store.ts";
import { platformPartition } from "./registries.ts";

/** One decision record per event, even for an event that concerns no registry (R9). Returns it in one line. */
export async function recordNothing(
  ports: { readonly rows: Rows },
  about: Omit<Decision, "planned" | "plannedCount" | "skipped">,
  reason: SkipReason,
  why: string,
  partition = platformPartition,
): Promise<string> {
  const decisionKey = keys.decision(Date.parse(about.at), about.id);
  const skipped = [{ reason, count: 0, images: [], message: why }];
  const decision: Decision = { ...about, planned: [], plannedCount: 0, skipped };
  await ports.rows.transact(partition, [
    { kind: "put", key: decisionKey, value: decision },
    { kind: "put", key: keys.decided(about.id), value: { key: decisionKey } },
  ]);
  return `${reason}: ${why}`;
}
