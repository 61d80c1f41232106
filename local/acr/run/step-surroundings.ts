import type { Clock } from "../../clock.ts";
import type { Engine } from "../../engine/engine.ts";
import type { DetachedContainers } from "./detached-containers.ts";
import type { RunFolder } from "./run-folder.ts";
import type { RunLog } from "./run-log.ts";
import type { RunNetworks } from "./run-networks.ts";
import type { FetchSource } from "./source.ts";

/** What a step of a task is executed with. */
export interface StepSurroundings {
  readonly engine: Engine;
  readonly folder: RunFolder;
  readonly log: Pick<RunLog, "write" | "line" | "engine">;
  readonly clock: Clock;
  readonly networks: RunNetworks;
  readonly detached: DetachedContainers;
  /** For `build:` lines whose context is a URL. */
  readonly fetchSource: FetchSource;
  /** What the run's source is a checkout of; empty when it is none. */
  readonly sourceCommit: string;
  readonly pushed: (reference: string, digest: string) => void;
}
