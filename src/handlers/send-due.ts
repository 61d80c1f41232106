import type { Due } from "../core/state/rows.ts";
import { type Queues, queueNames } from "../ports.ts";

/** The message for something owed to the world outside a registry's rows. */
export function sendDue(queues: Queues, alias: string, { kind, run, attempt: runAttempt }: Due): Promise<void> {
  return kind === "report"
    ? queues.send(queueNames.reports, { kind: "run", registry: alias, run })
    : queues.send(queueNames.runWork, { kind, registry: alias, run, runAttempt });
}
