import type { Engine } from "../../engine/engine.ts";
import type { Clock } from "./clock.ts";
import type { RunLog } from "./run-log.ts";
import type { Workspace } from "./workspace.ts";

/** What a step of a task is executed with. */
export interface StepSurroundings {
  readonly engine: Engine;
  readonly workspace: Workspace;
  readonly log: Pick<RunLog, "write" | "line" | "engine">;
  readonly clock: Clock;
  readonly pushed: (reference: string, digest: string) => void;
}
