/** ACR's words for one execution, as far as Slipway uses them. */

export const acrStatuses = [
  "Queued",
  "Started",
  "Running",
  "Succeeded",
  "Failed",
  "Canceled",
  "Error",
  "Timeout",
] as const;
export type AcrStatus = (typeof acrStatuses)[number];

export function isAcrTerminal(status: AcrStatus): boolean {
  return status !== "Queued" && status !== "Started" && status !== "Running";
}

export interface AcrRun {
  readonly acrRunId: string;
  readonly status: AcrStatus;
  /** ISO 8601, the service's clock. */
  readonly createTime?: string;
  readonly finishTime?: string;
  readonly outputImages: readonly {
    readonly registry: string;
    readonly repository: string;
    readonly tag?: string;
    readonly digest?: string;
  }[];
  readonly errorMessage?: string;
}

/** What `scheduleRun` needs; the task is already rendered. */
export interface StartRequest {
  /** The acr-task.yaml text. */
  readonly taskYaml: string;
  /** From the upload call. */
  readonly sourceLocation: string;
  /** Seconds, 300–28800. */
  readonly timeoutSeconds: number;
  /** `os/arch[/variant]`. */
  readonly platform: string;
  readonly agentPool?: string;
}

/** `unknown` means the reply was lost: the run may or may not exist, and must be looked for before another is asked for. */
export type StartOutcome =
  | { readonly kind: "accepted"; readonly run: AcrRun }
  | { readonly kind: "refused"; readonly code: string; readonly message: string }
  | { readonly kind: "throttled"; readonly retryAfterSeconds: number }
  | { readonly kind: "unknown"; readonly message: string };

export interface RegistryFacts {
  /** Host (and port) images are named with, lower case. */
  readonly loginServer: string;
  /** ISO 8601; with the ARM id it identifies a registry, because a re-created one reuses run ids. */
  readonly createdAt: string;
}
