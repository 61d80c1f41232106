import { readdirSync } from "node:fs";
import { Readable } from "node:stream";
import { expect } from "vitest";
import type { AcrState } from "../../../../local/acr/acr-state.ts";
import type { BlobStore } from "../../../../local/acr/blob-store.ts";
import { executeRun } from "../../../../local/acr/run/execute-run.ts";
import { type RunLimits, runLimits } from "../../../../local/acr/run/limits.ts";
import type { RunRecord, Work } from "../../../../local/acr/run-record.ts";
import { Clock } from "../../../../local/clock.ts";
import type { Engine } from "../../../../local/engine/engine.ts";
import { FakeEngine } from "../../../support/fake-engine.ts";
import { temporaryFolder } from "./task-run.ts";

interface Given {
  readonly engine?: Engine;
  readonly loginServer?: string;
  readonly limits?: Partial<RunLimits>;
  /** The upload that `sourceLocation` names, whatever its name. */
  readonly source?: Buffer;
  readonly task?: string;
}

export const commonWork = { timeoutSeconds: 300, customRegistries: [], logsInToSourceRegistry: true };

/** One run from its queue to its end, with blobs in memory. */
export async function execute(work: Partial<Work> & { kind: Work["kind"] }, given: Given = {}) {
  const { source, loginServer = "acme.azurecr.io" } = given;
  const engine = (given.engine ?? new FakeEngine()) as FakeEngine;
  const { blobs, kept } = blobsInMemory(source);
  let run = {
    runId: "cf1",
    status: "Queued",
    platform: { os: "linux", architecture: "amd64" },
    customRegistries: [],
    logBlob: "cf1/rawtext.log",
    work: { ...commonWork, values: {}, valuesContent: "", ...work },
    ...(given.task && { task: given.task }),
  } as unknown as RunRecord;
  const workDir = temporaryFolder();
  const state = {
    announce: () => {},
    moveRun: (_: string, status: RunRecord["status"], fields = {}) => {
      run = { ...run, status, ...fields };
    },
  };
  const agent = {
    state: state as unknown as AcrState,
    blobs,
    engine,
    clock: new Clock(1),
    loginServer,
    workDir,
    limits: { ...runLimits, ...given.limits },
  };
  await executeRun(run, agent, new AbortController().signal);
  expect(readdirSync(workDir)).toEqual([]);
  const { log, mark } = kept;
  return { run, log, mark, engine, lines: log.split("\r\n") };
}

/** One log, with the mark of its end, and one source. */
export function blobsInMemory(source?: Buffer) {
  const kept = { log: "", mark: "" };
  const blob = {
    create: async () => {
      kept.log = "";
    },
    createIfNotExists: async () => {},
    appendBlock: async (block: Buffer) => {
      kept.log += block.toString();
    },
    setMetadata: async (metadata: { Complete: string }) => {
      kept.mark = metadata.Complete;
    },
  };
  const download = async () => ({ readableStreamBody: Readable.from([source!]) });
  const blobs = { logs: { getAppendBlobClient: () => blob }, sources: { getBlobClient: () => ({ download }) } };
  return { kept, blobs: blobs as unknown as BlobStore };
}
