/** A task ready to run: rendered, defaulted and checked. Times in seconds. */
export interface Task {
  readonly networks: readonly Network[];
  readonly steps: readonly Step[];
}

export interface Network {
  readonly name: string;
  readonly driver: string;
  readonly skipCreation: boolean;
}

interface StepBase {
  readonly id: string;
  /** Ids of the steps it waits for; empty means at once. */
  readonly after: readonly string[];
  readonly env: readonly string[];
  readonly timeout: number;
  readonly startDelay: number;
  readonly retries: number;
  readonly retryDelay: number;
  readonly retryOnErrors: readonly string[];
  readonly repeat: number;
  readonly ignoreErrors: boolean;
  readonly workingDirectory: string;
  readonly network: string;
}

export interface BuildStep extends StepBase {
  readonly kind: "build";
  /** The line behind `docker build`, before any shell has seen it. */
  readonly build: string;
  /** Layers kept in the registry; in ACR this also turns BuildKit on. */
  readonly usesCache: boolean;
  readonly usesBuildKit: boolean;
}

export interface CmdStep extends StepBase {
  readonly kind: "cmd";
  readonly cmd: string;
  readonly entryPoint: string;
  readonly user: string;
  readonly keepsImageWorkingDirectory: boolean;
}

export interface PushStep extends StepBase {
  readonly kind: "push";
  readonly push: readonly string[];
}

export type Step = BuildStep | CmdStep | PushStep;
