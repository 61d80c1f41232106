/** ACR's words for where a run is; the last five are final. */
export type RunStatus = "Queued" | "Started" | "Running" | TerminalStatus;
export type TerminalStatus = "Succeeded" | "Failed" | "Canceled" | "Error" | "Timeout";

export function isTerminal(status: RunStatus): status is TerminalStatus {
  return status !== "Queued" && status !== "Started" && status !== "Running";
}

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

export interface OutputImage {
  readonly registry: string;
  readonly repository: string;
  readonly tag?: string;
  readonly digest: string;
}

interface StoredRequest {
  readonly sourceLocation?: string;
  readonly timeoutSeconds: number;
  /** Login servers only: user names and passwords are not kept. */
  readonly customRegistries: readonly string[];
  readonly logsInToSourceRegistry: boolean;
}

export interface DockerBuildWork extends StoredRequest {
  readonly kind: "docker-build";
  readonly dockerFilePath: string;
  readonly target?: string;
  readonly imageNames: readonly string[];
  readonly push: boolean;
  readonly noCache: boolean;
  readonly arguments: readonly { readonly name: string; readonly value: string }[];
}

export interface EncodedTaskWork extends StoredRequest {
  readonly kind: "encoded-task";
  /** Decoded from base64, not yet rendered. */
  readonly content: string;
  readonly valuesContent: string;
  readonly values: Readonly<Record<string, string>>;
}

/** A task file, and perhaps a values file, that lie in the source. */
interface FileTaskWork extends StoredRequest {
  readonly kind: "file-task";
  readonly taskFilePath: string;
  readonly valuesFilePath?: string;
  readonly values: Readonly<Record<string, string>>;
}

/** What a run has to do. Kept only until the run ends, which also bounds the size of the state. */
export type Work = DockerBuildWork | EncodedTaskWork | FileTaskWork;

/** An image that a run's builds stood on; the wire says `Runtime`, where the SDK's typings say RunTime. */
export interface BaseImage {
  readonly type: "BuildTime" | "Runtime";
  readonly registry: string;
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: string;
}

/** A run as the twin keeps it. Times are ISO 8601 in UTC with milliseconds. */
export interface RunRecord {
  readonly runId: string;
  readonly sequence: number;
  readonly status: RunStatus;
  readonly createTime: string;
  readonly startTime?: string;
  readonly finishTime?: string;
  readonly lastUpdatedTime: string;
  readonly platform: Platform;
  readonly cpu: number;
  readonly agentPoolName?: string;
  /** Name of the task it is a run of; quick runs have none. */
  readonly task?: string;
  /** Base64, as a caller of a task's run gave it. */
  readonly updateTriggerToken?: string;
  readonly isArchiveEnabled: boolean;
  readonly customRegistries: readonly string[];
  readonly outputImages?: readonly OutputImage[];
  /** What its task shows as `baseImageDependencies` from then on; a successful run of a task has it. */
  readonly baseImages?: readonly BaseImage[];
  readonly runErrorMessage?: string;
  readonly cancelRequested?: true;
  /** How often it was begun and neither ended nor was left in order: the twin was killed, or killed by it. */
  readonly executions?: number;
  /** Name of the task's default network, as written in the request: how a client finds its run again. */
  readonly network?: string;
  readonly logBlob: string;
  readonly work?: Work;
}
