import { randomUUID } from "node:crypto";
import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../clock.ts";
import type { Engine } from "../../engine/engine.ts";
import { removeTree } from "../../engine/remove-tree.ts";
import type { AcrState } from "../acr-state.ts";
import type { BlobStore } from "../blob-store.ts";
import type { FaultAction } from "../faults.ts";
import type { BaseImage, OutputImage, RunRecord, TerminalStatus } from "../run-record.ts";
import { TaskError } from "../task/task-error.ts";
import { baseImages, type Dependencies } from "./dependency-list.ts";
import { goDuration } from "./go-duration.ts";
import { type RunLimits, runLimits } from "./limits.ts";
import { prepareTask } from "./prepare-task.ts";
import { readAliasSource } from "./read-alias-source.ts";
import { withTaskFile } from "./read-task-file.ts";
import { RunFolder } from "./run-folder.ts";
import { type LogEnd, RunLog } from "./run-log.ts";
import { runTask } from "./run-task.ts";
import { sourceFetcher } from "./source.ts";
import { badContext, SourceError } from "./source-error.ts";
import { parseSourceLocation } from "./source-location.ts";
import { StepFailure } from "./step-failure.ts";
import { watchDisk } from "./watch-disk.ts";

export interface Agent {
  readonly state: AcrState;
  readonly blobs: BlobStore;
  readonly engine: Engine;
  readonly clock: Clock;
  readonly loginServer: string;
  /** Workspaces of runs under way; emptied when the twin starts. */
  readonly workDir: string;
  /** `runLimits` unless told. */
  readonly limits?: RunLimits;
}

/** Why a run stops before its end: `shutdown` leaves it as it is, to be run again from the start. */
export type StopReason = "canceled" | "timeout" | "shutdown";

interface Ending {
  readonly status: TerminalStatus;
  readonly mark: LogEnd;
  readonly error?: string;
  /** What the log says of it, before its last line. */
  readonly said?: string;
  readonly outputImages?: readonly OutputImage[];
  readonly baseImages?: readonly BaseImage[];
}

/** A run that was begun so often took the twin down with it, time and again. */
const mostExecutions = 3;

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
  const { executions = 0 } = run;
  // Saved before anything else is done, and taken back by an end in order.
  if (run.status === "Queued") agent.state.moveRun(run.runId, "Started", { executions: executions + 1 });
  else agent.state.countExecutions(run.runId, executions + 1);
  const log = await RunLog.create(agent.blobs.logs, run.logBlob, agent.clock, agent.limits?.logCharacters);
  agent.state.moveRun(run.runId, "Running");
  const ending = await endOf(run, agent, log, stop, forced);
  if (!ending) {
    agent.state.countExecutions(run.runId, executions);
    return await log.close();
  }

  await endLog(log, run, ending, performance.now() - began);
  agent.state.moveRun(run.runId, ending.status, {
    ...(ending.outputImages && { outputImages: ending.outputImages }),
    ...(ending.baseImages && { baseImages: ending.baseImages }),
    ...(ending.error !== undefined && ending.status !== "Canceled" && { runErrorMessage: ending.error }),
  });
}

/** Ends a run that nobody works on: it waited, or the twin was killed before it could stop it. What its log has stays. */
export async function endCanceled(run: RunRecord, agent: Agent): Promise<void> {
  const log = await RunLog.goOn(agent.blobs.logs, run.logBlob, agent.clock);
  await endLog(log, run, canceled, 0);
  agent.state.moveRun(run.runId, canceled.status);
}

async function endLog(log: RunLog, { runId }: RunRecord, { mark, error, said }: Ending, ms: number): Promise<void> {
  const elapsed = goDuration(ms);
  const last =
    error === undefined
      ? `Run ID: ${runId} was successful after ${elapsed}`
      : `Run ID: ${runId} failed after ${elapsed}. Error: ${error}`;
  await log.end(mark, [...(said === undefined ? [] : [said]), "", last]);
}

async function endOf(
  run: RunRecord,
  agent: Agent,
  log: RunLog,
  stop: AbortSignal,
  forced: (FaultAction & { kind: "end" }) | undefined,
): Promise<Ending | undefined> {
  if (forced) return forcedEnding(forced);
  const { executions = 0 } = run;
  if (executions < mostExecutions) return runToEnd(run, agent, log, stop);
  const error = `the twin ended ${executions} times while this run was under way; it is not run again`;
  return { status: "Error", mark: "internalerror", error };
}

async function runToEnd(run: RunRecord, agent: Agent, log: RunLog, stop: AbortSignal): Promise<Ending | undefined> {
  const own = new AbortController();
  const limit = agent.clock.after(run.work!.timeoutSeconds, () => own.abort("timeout" satisfies StopReason));
  const signal = AbortSignal.any([stop, own.signal]);
  const dir = await mkdtemp(join(agent.workDir, `${run.runId}-`));
  const disk = watchDisk(dir, agent.limits ?? runLimits, (failure) => own.abort(failure));
  try {
    const dependencies = await work(run, agent, log, dir, signal);
    return { status: "Succeeded", mark: "successful", ...imagesOf(dependencies, run) };
  } catch (error) {
    return endingOf(error, signal);
  } finally {
    limit.stop();
    disk.stop();
    await removeFolder(dir);
  }
}

/** Containers of a daemon may leave files that we have no right to remove: no reason for a run to fail. */
async function removeFolder(dir: string): Promise<void> {
  await removeTree(dir).catch((error: unknown) => {
    console.error(`acr: ${dir} could not be removed`, error);
  });
}

async function work(
  run: RunRecord,
  agent: Agent,
  log: RunLog,
  dir: string,
  signal: AbortSignal,
): Promise<Dependencies[]> {
  const { blobs, clock, engine, loginServer, limits = runLimits } = agent;
  const folder = await RunFolder.at(dir);
  const { workspace } = folder;
  const fetchSource = sourceFetcher({ sources: blobs.sources, folder, clock, limits });
  const source = parseSourceLocation(run.work?.sourceLocation ?? "");
  const head =
    source.kind === "none" ? undefined : await download(() => fetchSource(source, workspace.dir, signal), log);
  signal.throwIfAborted();
  const sharedVolume = `acb_vol_${randomUUID()}`;
  log.engine(`Using ${sharedVolume} as the home volume`);
  const subfolder = source.kind === "git" ? source.folder : "";
  const prepared = { ...run, work: run.work && (await withTaskFile(run.work, workspace, subfolder)) };
  const task = await prepareTask(prepared, {
    loginServer,
    date: clock.date(),
    sharedVolume,
    commit: head?.commit ?? "",
    branch: head?.branch ?? "",
    folder: subfolder,
    readAliasSource: readAliasSource(workspace, subfolder, signal),
    tell: (line) => log.engine(line),
  });
  const { runId } = run;
  return await runTask(
    task,
    {
      engine,
      folder,
      log,
      clock,
      fetchSource,
      sourceCommit: head?.commit ?? "",
      registriesToLogInTo: [...(run.work?.logsInToSourceRegistry ? [loginServer] : []), ...run.customRegistries],
      stepStarted: ({ id, kind }) => agent.state.announce({ kind: "step-started", runId, step: id, does: kind }),
      stepEnded: ({ id, kind }, outcome) =>
        agent.state.announce({ kind: "step-ended", runId, step: id, does: kind, outcome }),
      pushed: (reference, digest) => agent.state.announce({ kind: "image-pushed", runId, reference, digest }),
    },
    signal,
  );
}

async function download<T>(fetch: () => Promise<T>, log: RunLog): Promise<T> {
  log.engine("Downloading source code...");
  const head = await fetch();
  log.engine("Finished downloading source code");
  return head;
}

// Wording of this tail and of that after a timeout has not been seen on Azure.
const canceled: Ending = { status: "Canceled", mark: "canceled", error: "the run was canceled" };

/** The exit status in the message is that of the engine's process, not of the step's container: always 1. */
const engineFailed = "failed during run, err: exit status 1";

function endingOf(thrown: unknown, signal: AbortSignal): Ending | undefined {
  const error = signal.aborted ? signal.reason : thrown;
  switch (error as StopReason) {
    case "shutdown":
      return undefined;
    case "canceled":
      return canceled;
    case "timeout":
      return { status: "Timeout", mark: "timedout", error: "the run exceeded its timeout" };
  }
  const said = error instanceof Error ? error.message : String(error);
  // The reason in the log is ours: ACR's has not been seen.
  if (error instanceof SourceError) return { status: "Failed", mark: "failed", error: badContext, said };
  if (error instanceof StepFailure || error instanceof TaskError) {
    return { status: "Failed", mark: "failed", error: engineFailed, said };
  }
  const trace = error instanceof Error ? (error.stack ?? said) : said;
  return { status: "Error", mark: "internalerror", error: "internal error", said: `internal error: ${trace}` };
}

function forcedEnding({ status, message }: FaultAction & { kind: "end" }): Ending {
  const marks = { Error: "internalerror", Timeout: "timedout", Failed: "failed" } as const;
  return { status, mark: marks[status], error: message };
}

/** Only a task remembers what it stands on. */
function imagesOf(dependencies: readonly Dependencies[], run: RunRecord): Pick<Ending, "outputImages" | "baseImages"> {
  const images = outputImages(dependencies);
  return run.task === undefined
    ? { outputImages: images }
    : { outputImages: images, baseImages: baseImages(dependencies) };
}

function outputImages(dependencies: readonly Dependencies[]): OutputImage[] {
  return dependencies.flatMap(({ image }) => {
    if (!image?.digest) return [];
    const { registry, repository, tag, digest } = image;
    return [{ registry, repository, ...(tag && { tag }), digest }];
  });
}
