import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { AcrState } from "../../../../local/acr/acr-state.ts";
import { Faults } from "../../../../local/acr/faults.ts";
import { RunQueue } from "../../../../local/acr/run/run-queue.ts";
import type { RunStatus } from "../../../../local/acr/run-record.ts";
import { Clock } from "../../../../local/clock.ts";
import { EngineError } from "../../../../local/engine/engine.ts";
import { FakeEngine, untilStopped } from "../../../support/fake-engine.ts";
import { blobsInMemory, commonWork } from "./execute.ts";
import { temporaryFolder } from "./task-run.ts";

/** A twin whose engine never comes back, on the state that an earlier one left. To kill it is to forget it. */
function start(dir: string) {
  const clock = new Clock(1);
  const state = new AcrState(dir, clock);
  const engine = new FakeEngine();
  engine.onRun = (_request, _log, signal) => untilStopped(signal);
  const { blobs, kept } = blobsInMemory();
  const agent = { state, blobs, engine, clock, loginServer: "acme.azurecr.io", workDir: dir };
  const queue = new RunQueue(agent, new Faults(), 2);
  onTestFinished(() => queue.close());
  const add = () => {
    const content = "steps: [{cmd: img}]";
    const { runId } = state.addRun({
      platform: { os: "linux", architecture: "amd64" },
      cpu: 2,
      isArchiveEnabled: false,
      customRegistries: [],
      work: { ...commonWork, kind: "encoded-task", content, values: {}, valuesContent: "" },
    });
    queue.add(runId);
    return runId;
  };
  const becomes = (runId: string, status: RunStatus) => expect.poll(() => state.run(runId)?.status).toBe(status);
  const isUnderWay = (runs = 1) => expect.poll(() => engine.runs.length).toBe(runs);
  return { state, queue, engine, kept, add, becomes, isUnderWay };
}

test("a run that took the twin down with it at every start is given up, and the others go on", async () => {
  const dir = temporaryFolder();
  const first = start(dir);
  const runId = first.add();
  await first.isUnderWay();
  for (const _ of [2, 3]) await start(dir).isUnderWay();
  const last = start(dir);
  await last.becomes(runId, "Error");
  const { runErrorMessage, executions } = last.state.run(runId)!;
  expect(runErrorMessage).toBe("the twin ended 3 times while this run was under way; it is not run again");
  expect(executions).toBeUndefined();
  expect(last.kept).toEqual({ log: expect.stringContaining(runErrorMessage!), mark: "internalerror" });
  last.add();
  await last.isUnderWay();
});

test("ends in order do not count, nor do those of a twin that did not count yet", async () => {
  const dir = temporaryFolder();
  const first = start(dir);
  const runId = first.add();
  await first.isUnderWay();
  const file = join(dir, "acr.json");
  const earlier = readFileSync(file, "utf8");
  writeFileSync(file, earlier.replace(/"executions":\s*1,?/, ""));
  expect(readFileSync(file, "utf8")).not.toBe(earlier);
  for (let turn = 0; turn < 5; turn += 1) {
    const next = start(dir);
    await next.isUnderWay();
    await next.queue.close();
    expect(next.state.run(runId)).toMatchObject({ status: "Running", executions: 0 });
  }
});

test("a run that could not be written down never was, nor has it a number in the ledger", async () => {
  const dir = temporaryFolder();
  const twin = start(dir);
  const sequences: number[] = [];
  twin.state.onChange(({ sequence }) => sequences.push(sequence));
  const full = join(dir, "acr.json.next");
  mkdirSync(full);
  expect(() => twin.add()).toThrow("EISDIR");
  expect(twin.state.runs).toEqual([]);
  rmdirSync(full);
  expect(twin.add()).toBe("cf1");
  await twin.isUnderWay();
  mkdirSync(full);
  expect(() => twin.state.requestCancel("cf1")).toThrow("EISDIR");
  rmdirSync(full);
  expect(twin.state.run("cf1")!.cancelRequested).toBeUndefined();
  twin.state.requestCancel("cf1");
  expect(sequences).toEqual(sequences.map((_, index) => index + 1));
});

test("a run whose end cannot be written down keeps nobody else from running", async () => {
  const twin = start(temporaryFolder());
  const ends: (() => void)[] = [];
  twin.engine.onRun = () => new Promise((resolve) => ends.push(() => resolve(0)));
  const runId = twin.add();
  await twin.isUnderWay();
  const said = vi.spyOn(console, "error").mockImplementation(() => {});
  vi.spyOn(twin.state, "moveRun").mockImplementation(() => {
    throw new Error("no space left on device");
  });
  ends[0]!();
  await expect.poll(() => said.mock.calls.length).toBe(2);
  vi.restoreAllMocks();
  expect(twin.state.run(runId)!.status).toBe("Running");
  twin.add();
  await twin.isUnderWay(2);
});

test("a run whose cancelling was the last that a killed twin did is ended by the next, behind what its log has", async () => {
  const dir = temporaryFolder();
  const first = start(dir);
  const runId = first.add();
  await first.isUnderWay();
  first.state.requestCancel(runId);
  const next = start(dir);
  next.kept.log = "half a li";
  await next.becomes(runId, "Canceled");
  const last = `Run ID: ${runId} failed after 0s. Error: the run was canceled`;
  expect(next.kept).toEqual({ log: `half a li\r\n${last}\r\n`, mark: "canceled" });
  expect(next.engine.runs).toEqual([]);
});

test("a run that is cancelled says nothing of what its engine said of that", async () => {
  const twin = start(temporaryFolder());
  twin.engine.onRun = (_request, _log, signal) =>
    untilStopped(signal).catch(() => {
      throw new EngineError("the archive cannot be read: The operation was aborted");
    });
  const runId = twin.add();
  await twin.isUnderWay();
  twin.queue.cancel(runId);
  await twin.becomes(runId, "Canceled");
  expect(twin.kept.log).not.toContain("archive");
  expect(twin.kept.log).toContain("Error: the run was canceled");
});
