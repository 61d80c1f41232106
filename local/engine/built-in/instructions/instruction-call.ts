import type { CacheFolders } from "../cache-folders.ts";
import type { CopySource } from "../copy-source.ts";
import type { Instruction } from "../dockerfile.ts";
import type { Sandbox } from "../sandbox.ts";
import type { StageBuild } from "../stage-build.ts";

export interface InstructionCall {
  readonly stage: StageBuild;
  readonly instruction: Instruction;
  readonly log: (text: string) => void;
  readonly signal: AbortSignal;
  context(): Promise<CopySource>;
  /** Files of this machine, by secret id. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly caches: CacheFolders;
  /** A folder that is removed after the build. */
  readonly scratchDir: string;
  /** A stage by name or number, or else an image. */
  copySource(name: string): Promise<CopySource>;
  /** Build arguments, and what the builder sets itself (`TARGETARCH`, …), for ARG to pick up. */
  buildArg(name: string): string | undefined;
  /** The proxy arguments, which RUN sees without an ARG. */
  readonly proxies: Readonly<Record<string, string>>;
  /** Global ARGs' values, for an ARG without a default. */
  globalArg(name: string): string | undefined;
  /** Throws EngineError when this machine has none. */
  sandbox(): Promise<Sandbox>;
}
export type InstructionHandler = (call: InstructionCall) => Promise<void> | void;
