/** What executes the steps of a task. An image is known to an engine by any reference it was tagged with, until `close`. */
export interface Engine {
  /** `docker` or `built-in`. */
  readonly name: string;
  /** Builds and tags; throws EngineError with a plain message when the build fails. Output goes to `log` as it appears. */
  build(request: BuildRequest, log: (text: string) => void, signal: AbortSignal): Promise<void>;
  /** Runs an image to its end; resolves to its exit code. */
  run(request: RunImageRequest, log: (text: string) => void, signal: AbortSignal): Promise<number>;
  /** Pushes one tag and returns the manifest digest the registry now has behind it. */
  push(reference: string, log: (text: string) => void, signal: AbortSignal): Promise<string>;
  /** The digest a reference resolves to in its registry, for the dependency list; undefined when it cannot be had. */
  resolve(reference: string): Promise<string | undefined>;
  close(): Promise<void>;
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
}
export interface RunImageRequest {
  readonly reference: string;
  readonly args: readonly string[];
  readonly entrypoint?: string;
  readonly env: readonly string[];
  readonly workingDirectory?: string;
  readonly user?: string;
}
export class EngineError extends Error {
  override readonly name = "EngineError";
}
