/** The operations of the ARM side, by the names Azure's reference gives them, and `execute` for a run leaving the queue. */
export type Operation =
  | "getRegistry"
  | "scheduleRun"
  | "listBuildSourceUploadUrl"
  | "listRuns"
  | "getRun"
  | "updateRun"
  | "cancelRun"
  | "listLogSasUrl"
  | "execute";

export interface FaultMatch {
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
  #onLift: () => void = () => {};

  add(match: FaultMatch, action: FaultAction): Fault {
    const lift = () => {
      this.#remove(pending);
      this.#onLift();
    };
    const pending: Pending = { match, action, struck: 0, lift };
    this.#pending.push(pending);
    return pending;
  }

  /** The action that strikes now, oldest fault first. Holding does not use a fault up; everything else counts. */
  strike(operation: Operation, runId?: string): FaultAction | undefined {
    const pending = this.#pending.find(({ match }) => concerns(match, operation, runId));
    if (!pending) return undefined;
    pending.struck += 1;
    if (pending.action.kind !== "hold" && pending.struck >= (pending.match.times ?? 1)) this.#remove(pending);
    return pending.action;
  }

  onLift(listener: () => void): void {
    this.#onLift = listener;
  }

  clear(): void {
    this.#pending = [];
    this.#onLift();
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
