/** A task ready to run: rendered, defaulted and checked. Times in seconds. */
export interface Task {
  readonly networks: readonly Network[];
  readonly volumes: readonly SecretVolume[];
  readonly steps: readonly Step[];
}

export interface Network {
  readonly name: string;
  readonly driver: string;
  readonly skipCreation: boolean;
}

/** Files that steps may mount, by name, with their content in base64. */
export interface SecretVolume {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
}

export interface VolumeMount {
  readonly volume: string;
  /** Where a container sees it. */
  readonly path: string;
}

interface StepBase {
  readonly id: string;
  /** Ids of the steps it waits for; empty means at once. */
  readonly after: readonly string[];
  readonly env: readonly string[];
  readonly timeout: number;
  readonly startDelay: number;
  readonly ignoreErrors: boolean;
  readonly workingDirectory: string;
  readonly network: string;
}

/** A step that is a container on ACR's machine: docker itself for a build. */
interface ContainerStep extends StepBase {
  readonly retries: number;
  readonly retryDelay: number;
  readonly retryOnErrors: readonly string[];
  readonly repeat: number;
  /** Not waited for, and stopped at the end of the run. */
  readonly detach: boolean;
  /** The container stays when it has ended, so its name cannot be given again. */
  readonly keep: boolean;
  readonly mounts: readonly VolumeMount[];
}

export interface BuildStep extends ContainerStep {
  readonly kind: "build";
  /** The line behind `docker build`, before any shell has seen it. */
  readonly build: string;
  /** Layers kept in the registry; in ACR this also turns BuildKit on. */
  readonly usesCache: boolean;
  readonly usesBuildKit: boolean;
}

export interface CmdStep extends ContainerStep {
  readonly kind: "cmd";
  readonly cmd: string;
  readonly entryPoint: string;
  readonly user: string;
  readonly keepsImageWorkingDirectory: boolean;
  /** Said in the log; an engine here looks for a newer image anyway. */
  readonly pull: boolean;
}

export interface PushStep extends StepBase {
  readonly kind: "push";
  readonly push: readonly string[];
}

export type Step = BuildStep | CmdStep | PushStep;
