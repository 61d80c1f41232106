/** In the order in which they are tried. */
export const engineNames = ["docker", "buildah", "built-in"] as const;
export type EngineName = (typeof engineNames)[number];

/** What executes the steps of a task. An image is known to an engine by any reference it was tagged with, until `close`. */
export interface Engine {
  /** One of `engineNames`. */
  readonly name: string;
  /** Builds and tags; throws EngineError with a plain message when the build fails. Output goes to `log` as it appears. */
  build(request: BuildRequest, log: (text: string) => void, signal: AbortSignal): Promise<void>;
  /** Runs an image to its end; resolves to its exit code. */
  run(request: RunImageRequest, log: (text: string) => void, signal: AbortSignal): Promise<number>;
  /** Pushes one tag and returns the manifest digest the registry now has behind it. */
  push(reference: string, log: (text: string) => void, signal: AbortSignal): Promise<string>;
  /** The digest a reference resolves to in its registry, for the dependency list; undefined when it cannot be had. */
  resolve(reference: string): Promise<string | undefined>;
  /** A network of its own for the containers of one run: they reach each other by host name, and nobody else. */
  createNetwork(): Promise<ContainerNetwork>;
  close(): Promise<void>;
}
/** Gone, with whatever still runs on it, after `remove`. */
export interface ContainerNetwork {
  readonly id: string;
  remove(): Promise<void>;
}
export interface BuildRequest {
  readonly contextDir: string;
  /** Path relative to contextDir. */
  readonly dockerfile: string;
  readonly tags: readonly string[];
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly target?: string;
  readonly noCache: boolean;
  readonly platform?: string;
  /** Files behind `RUN --mount=type=secret`, by secret id; never in the image or the log. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** `none` cuts RUN off from everything but loopback. */
  readonly network?: "none";
}
export interface RunImageRequest {
  readonly reference: string;
  readonly args: readonly string[];
  readonly entrypoint?: string;
  readonly env: readonly string[];
  readonly workingDirectory?: string;
  readonly user?: string;
  /** Folders of this machine the container sees; an engine that runs somewhere else copies them there and back. */
  readonly mounts?: readonly Mount[];
  /** Absent: a network of its own. */
  readonly network?: ContainerNetwork;
  /** What others on the network call it. */
  readonly hostName?: string;
}
export interface Mount {
  readonly hostPath: string;
  readonly containerPath: string;
  readonly readOnly?: boolean;
}
export class EngineError extends Error {
  override readonly name = "EngineError";
}
