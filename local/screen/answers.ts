/** What the screen uses of the product's answers. Optional is what only some runs have; the product may send more. */

export interface Cause {
  readonly kind: string;
  readonly id: string;
  readonly event?: string;
  readonly action?: string;
  readonly by?: string;
  readonly reference?: string;
}

export interface DecisionAnswer {
  readonly id: string;
  readonly at: string;
  readonly cause: Cause;
  readonly source?: { readonly fullName: string };
  readonly ref?: string;
  readonly commit?: string;
  readonly planned: readonly { readonly image: string; readonly run: string }[];
  readonly plannedCount: number;
  readonly skipped: readonly {
    readonly reason: string;
    readonly count: number;
    /** The first few; none where the word itself was refused, such as a slipway.yaml with mistakes. */
    readonly images: readonly string[];
    readonly message?: string;
  }[];
  readonly problems?: readonly ProblemAnswer[];
  /** Of a request that is about no build, such as a pause: what came of it. */
  readonly done?: string;
}

/** What is wrong in slipway.yaml. */
export interface ProblemAnswer {
  readonly message: string;
  readonly line?: number;
  readonly key?: string;
  readonly fix?: string;
}

export interface SummaryAnswer {
  readonly id: string;
  readonly image: string;
  readonly status: string;
  readonly outcome?: string;
}

export interface RunAnswer {
  readonly id: string;
  readonly image: string;
  readonly status: string;
  readonly commit: string;
  readonly why: readonly string[];
  readonly hold?: {
    readonly kind: string;
    readonly runs?: readonly string[];
    readonly run?: string;
    readonly image?: string;
    readonly reference?: string;
    readonly why?: string;
  };
  readonly times: Readonly<Record<string, string>>;
  readonly ended?: { readonly code: string; readonly message: string };
  readonly notes?: readonly string[];
  readonly digest?: string;
  readonly tags: readonly string[];
  /** Reference → digest; null where none could be found. */
  readonly bases: Readonly<Record<string, string | null>>;
}

/** A commit status as the local GitHub shows it. */
export interface StatusAnswer {
  readonly context: string;
  readonly state: string;
  readonly description: string | null;
}

/** The product's last words for a run; everything else is open. */
const endStatuses = new Set(["Succeeded", "Failed", "Canceled", "Error", "Timeout", "Skipped", "Superseded"]);

export function isEnded(run: { readonly status: string }): boolean {
  return endStatuses.has(run.status);
}
