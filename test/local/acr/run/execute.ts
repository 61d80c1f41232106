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

const common = { timeoutSeconds: 300, customRegistries: [], logsInToSourceRegistry: true };

/** One run from its queue to its end, with blobs in memory. */
export async function execute(work: Partial<Work> & { kind: Work["kind"] }, given: Given = {}) {
  const { source, loginServer = "acme.azurecr.io" } = given;
  const engine = (given.engine ?? new FakeEngine()) as FakeEngine;
  let [log, mark] = ["", ""];
  const blob = {
    create: async () => {},
    appendBlock: async (block: Buffer) => {
      log += block.toString();
    },
    setMetadata: async (metadata: { Complete: string }) => {
      mark = metadata.Complete;
    },
  };
  const download = async () => ({ readableStreamBody: Readable.from([source!]) });
  let run = {
    runId: "cf1",
    status: "Queued",
    platform: { os: "linux", architecture: "amd64" },
    customRegistries: [],
    logBlob: "cf1/rawtext.log",
    work: { ...common, values: {}, valuesContent: "", ...work },
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
    blobs: {
      logs: { getAppendBlobClient: () => blob },
      sources: { getBlobClient: () => ({ download }) },
    } as unknown as BlobStore,
    engine,
    clock: new Clock(1),
    loginServer,
    workDir,
    limits: { ...runLimits, ...given.limits },
  };
  await executeRun(run, agent, new AbortController().signal);
  expect(readdirSync(workDir)).toEqual([]);
  return { run, log, mark, engine, lines: log.split("\r\n") };
}
