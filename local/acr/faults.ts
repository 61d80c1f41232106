/** The operations of the ARM side, by the names Azure's reference gives them, and `execute` for a run leaving the queue. */
export const operations = [
  "getRegistry",
  "scheduleRun",
  "listBuildSourceUploadUrl",
  "listRuns",
  "getRun",
  "updateRun",
  "cancelRun",
  "listLogSasUrl",
  "createRegistry",
  "updateRegistry",
  "deleteRegistry",
  "listRegistries",
  "checkNameAvailability",
  "listUsages",
  "listCredentials",
  "regenerateCredential",
  "importImage",
  "listTasks",
  "getTask",
  "createTask",
  "updateTask",
  "deleteTask",
  "getTaskDetails",
  "listTaskRuns",
  "getTaskRun",
  "createTaskRun",
  "updateTaskRun",
  "deleteTaskRun",
  "getTaskRunDetails",
  "getOperation",
  "listWebhooks",
  "getWebhook",
  "createWebhook",
  "updateWebhook",
  "deleteWebhook",
  "pingWebhook",
  "listWebhookEvents",
  "getCallbackConfig",
  "listEventSubscriptions",
  "getEventSubscription",
  "createEventSubscription",
  "deleteEventSubscription",
  /** ARM's own resources: subscriptions, resource groups, tenants, providers. */
  "resourceManager",
  "execute",
] as const;

export type Operation = (typeof operations)[number];

interface FaultMatch {
  readonly operation: Operation | Operation[] | "any request";
  /** How often the fault strikes before it is used up; 1 unless told. */
  readonly times?: number;
  /** Runs concerned, for operations about one run. */
  readonly runId?: string;
}

export interface Answer {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** What of the request is wrong. */
  readonly target?: string;
}

export type FaultAction =
  /** Answer instead of doing it. */
  | { readonly kind: "refuse"; readonly answer: Answer }
  /** Do it, then answer this: the caller cannot tell that it was done. */
  | { readonly kind: "do-then-answer"; readonly answer: Answer }
  /** Cut the connection, before or after doing it. */
  | { readonly kind: "cut"; readonly when: "before" | "after" }
  | { readonly kind: "delay"; readonly ms: number }
  /** `execute` only: keep the run in Queued until the fault is lifted. */
  | { readonly kind: "hold" }
  /** `execute` only: end the run like this without running any step. */
  | { readonly kind: "end"; readonly status: "Error" | "Timeout" | "Failed"; readonly message: string };

export interface Fault {
  /** How often it has struck. */
  readonly struck: number;
  /** Ends the fault; a held run goes on. */
  lift(): void;
}

interface Pending extends Fault {
  struck: number;
  readonly match: FaultMatch;
  readonly action: FaultAction;
}

/** How the twin is told to misbehave. Nothing here outlives the process: a restart behaves well. */
export class Faults {
  #pending: Pending[] = [];
  readonly #onLift: (() => void)[] = [];

  add(match: FaultMatch, action: FaultAction): Fault {
    const lift = () => {
      this.#remove(pending);
      this.#tellLifted();
    };
    const pending: Pending = { match, action, struck: 0, lift };
    this.#pending.push(pending);
    return pending;
  }

  /** What is still to strike, oldest first. */
  get pending(): readonly (Fault & { readonly match: FaultMatch; readonly action: FaultAction })[] {
    return this.#pending;
  }

  /** The action that strikes now: the most particular fault, of those the oldest. Holding does not use a fault up; everything else counts. */
  strike(operation: Operation, runId?: string): FaultAction | undefined {
    const concerned = this.#pending.filter(({ match }) => concerns(match, operation, runId));
    const [pending] = concerned.sort((a, b) => particularity(b.match) - particularity(a.match));
    if (!pending) return undefined;
    pending.struck += 1;
    if (pending.action.kind !== "hold" && pending.struck >= (pending.match.times ?? 1)) this.#remove(pending);
    return pending.action;
  }

  onLift(listener: () => void): void {
    this.#onLift.push(listener);
  }

  clear(): void {
    this.#pending = [];
    this.#tellLifted();
  }

  #tellLifted(): void {
    for (const listener of this.#onLift) listener();
  }

  #remove(pending: Pending): void {
    this.#pending = this.#pending.filter((other) => other !== pending);
  }
}

function concerns(match: FaultMatch, operation: Operation, runId: string | undefined): boolean {
  if (match.runId !== undefined && match.runId !== runId) return false;
  if (match.operation === "any request") return operation !== "execute";
  return Array.isArray(match.operation) ? match.operation.includes(operation) : match.operation === operation;
}

function particularity({ runId, operation }: FaultMatch): number {
  return (runId === undefined ? 0 : 2) + (operation === "any request" ? 0 : 1);
}
