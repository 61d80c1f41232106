import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Engine } from "../../engine/engine.ts";
import type { AcrState } from "../acr-state.ts";
import type { BlobStore } from "../blob-store.ts";
import type { FaultAction } from "../faults.ts";
import type { OutputImage, RunRecord, TerminalStatus } from "../run-record.ts";
import { TaskError } from "../task/task-error.ts";
import { type Clock, goDuration } from "./clock.ts";
import type { Dependencies } from "./dependency-list.ts";
import { prepareTask } from "./prepare-task.ts";
import { type LogEnd, RunLog } from "./run-log.ts";
import { runTask } from "./run-task.ts";
import { fetchSource, SourceError } from "./source.ts";
import { StepFailure } from "./step-failure.ts";
import { Workspace } from "./workspace.ts";

export interface Agent {
  readonly state: AcrState;
  readonly blobs: BlobStore;
  readonly engine: Engine;
  readonly clock: Clock;
  readonly loginServer: string;
  /** Workspaces of runs under way; emptied when the twin starts. */
  readonly workDir: string;
}

/** Why a run stops before its end: `shutdown` leaves it as it is, to be run again from the start. */
export type StopReason = "canceled" | "timeout" | "shutdown";

interface Ending {
  readonly status: TerminalStatus;
  readonly mark: LogEnd;
  readonly error?: string;
  readonly outputImages?: readonly OutputImage[];
}

/**
 * Takes one run from the queue to its end. The log is complete and marked before the run's status says so, and everything
 * happens again from the start when the process dies in between: Azure would have gone on.
 */
export async function executeRun(
  run: RunRecord,
  agent: Agent,
  stop: AbortSignal,
  forced?: FaultAction & { kind: "end" },
): Promise<void> {
  const began = performance.now();
  if (run.status === "Queued") agent.state.moveRun(run.runId, "Started");
  const log = await RunLog.create(agent.blobs.logs, run.logBlob);
  agent.state.moveRun(run.runId, "Running");
  const ending = forced ? forcedEnding(forced) : await runToEnd(run, agent, log, stop);
  if (!ending) return await log.close();

  const elapsed = goDuration(performance.now() - began);
  log.line();
  log.line(
    ending.error === undefined
      ? `Run ID: ${run.runId} was successful after ${elapsed}`
      : `Run ID: ${run.runId} failed after ${elapsed}. Error: ${ending.error}`,
  );
  await log.end(ending.mark);
  agent.state.moveRun(run.runId, ending.status, {
    ...(ending.outputImages && { outputImages: ending.outputImages }),
    ...(ending.error !== undefined && ending.status !== "Canceled" && { runErrorMessage: ending.error }),
  });
}

async function runToEnd(run: RunRecord, agent: Agent, log: RunLog, stop: AbortSignal): Promise<Ending | undefined> {
  const timeout = new AbortController();
  const limit = agent.clock.after(run.work!.timeoutSeconds, () => timeout.abort("timeout" satisfies StopReason));
  const signal = AbortSignal.any([stop, timeout.signal]);
  const dir = await mkdtemp(join(agent.workDir, `${run.runId}-`));
  try {
    const dependencies = await work(run, agent, log, dir, signal);
    return { status: "Succeeded", mark: "successful", outputImages: outputImages(dependencies) };
  } catch (error) {
    return endingOf(error, signal, log);
  } finally {
    limit.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

async function work(
  run: RunRecord,
  agent: Agent,
  log: RunLog,
  dir: string,
  signal: AbortSignal,
): Promise<Dependencies[]> {
  const source = run.work?.sourceLocation;
  if (source) {
    log.engine("Downloading source code...");
    await fetchSource(agent.blobs.sources, source, dir, signal);
    log.engine("Finished downloading source code");
  }
  signal.throwIfAborted();
  const sharedVolume = `acb_vol_${randomUUID()}`;
  log.engine(`Using ${sharedVolume} as the home volume`);
  const task = prepareTask(run, { loginServer: agent.loginServer, sharedVolume }, (line) => log.engine(line));
  const { runId } = run;
  return await runTask(
    task,
    {
      engine: agent.engine,
      workspace: await Workspace.at(dir),
      log,
      clock: agent.clock,
      registriesToLogInTo: [...(run.work?.logsInToSourceRegistry ? [agent.loginServer] : []), ...run.customRegistries],
      stepStarted: ({ id, kind }) => agent.state.announce({ kind: "step-started", runId, step: id, does: kind }),
      stepEnded: ({ id, kind }, outcome) =>
        agent.state.announce({ kind: "step-ended", runId, step: id, does: kind, outcome }),
      pushed: (reference, digest) => agent.state.announce({ kind: "image-pushed", runId, reference, digest }),
    },
    signal,
  );
}

/** The exit status in the message is that of the engine's process, not of the step's container: always 1. */
const engineFailed = "failed during run, err: exit status 1";

function endingOf(error: unknown, signal: AbortSignal, log: RunLog): Ending | undefined {
  const stopped = signal.aborted ? (signal.reason as StopReason) : undefined;
  if (stopped === "shutdown") return undefined;
  // Wording of these two tails has not been seen on Azure.
  if (stopped === "canceled") return { status: "Canceled", mark: "canceled", error: "the run was canceled" };
  if (stopped === "timeout") return { status: "Timeout", mark: "timedout", error: "the run exceeded its timeout" };
  if (error instanceof SourceError) return { status: "Failed", mark: "failed", error: error.message };
  if (error instanceof StepFailure || error instanceof TaskError) {
    log.line(error.message);
    return { status: "Failed", mark: "failed", error: engineFailed };
  }
  log.line(`internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  return { status: "Error", mark: "internalerror", error: "internal error" };
}

function forcedEnding({ status, message }: FaultAction & { kind: "end" }): Ending {
  const marks = { Error: "internalerror", Timeout: "timedout", Failed: "failed" } as const;
  return { status, mark: marks[status], error: message };
}

function outputImages(dependencies: readonly Dependencies[]): OutputImage[] {
  return dependencies.flatMap(({ image }) => {
    if (!image?.digest) return [];
    const { registry, repository, tag, digest } = image;
    return [{ registry, repository, ...(tag && { tag }), digest }];
  });
}
