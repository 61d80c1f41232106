import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningAzurite, startAzurite } from "../../../local/azurite.ts";
import { Clock } from "../../../local/clock.ts";
import {
  type AcrWorld,
  loginServer,
  readLog,
  registryName,
  runEnded,
  scheduleTask,
  startAcrWorld,
  uploadSource,
} from "../../support/acr-world.ts";
import { buildFails, digestOf, untilStopped } from "../../support/fake-engine.ts";

let azurite: RunningAzurite;
let world: AcrWorld;

beforeAll(async () => {
  azurite = await startAzurite();
  world = await startAcrWorld(azurite.connectionString, { clock: new Clock(300) });
});
afterAll(async () => {
  await world?.close();
  await azurite?.stop();
});

const task = `version: v1.1.0
networks: [{name: slipway-r1-1, driver: bridge, isDefault: true}]
steps:
  - id: build
    build: -t $Registry/web:v1 -f app/Dockerfile --build-arg BASE=node:20 app
  - id: test
    cmd: '{{.Run.Registry}}/web:v1 sh -c "node --version && echo ok"'
  - id: push
    push: ["$Registry/web:v1"]
`;
const dockerfile = `ARG BASE\nFROM ${loginServer}/go:1 AS tools\nFROM \${BASE}\nCOPY . /app\n`;

describe("a run from upload to digest", () => {
  let runId: string;

  beforeAll(async () => {
    world.engine.known.set(`${loginServer}/go:1`, digestOf("go"));
    world.engine.known.set("node:20", digestOf("node"));
    world.engine.onRun = async (_, log) => {
      log("v20.1.0\nok\n");
      return 0;
    };
    const source = await uploadSource(world, { "app/Dockerfile": dockerfile, "app/index.js": "" });
    const scheduled = await scheduleTask(world, task, source);
    expect(scheduled).toMatchObject({ status: "Queued", provisioningState: "Succeeded", isArchiveEnabled: false });
    expect(scheduled.createTime).toBeUndefined();
    runId = scheduled.runId!;
  });

  test("ends with the digest it pushed", async () => {
    const run = await runEnded(world, runId);
    expect(run).toMatchObject({ status: "Succeeded", runType: "QuickRun", platform: { os: "linux" } });
    expect(run.outputImages).toEqual([
      { registry: loginServer, repository: "web", tag: "v1", digest: digestOf(`${loginServer}/web:v1`) },
    ]);
    expect(run.startTime!.getTime()).toBeLessThanOrEqual(run.finishTime!.getTime());
  });

  test("gives the engine what the shell would have given docker", () => {
    expect(world.engine.builds.at(-1)).toMatchObject({
      dockerfile: "Dockerfile",
      tags: [`${loginServer}/web:v1`],
      buildArgs: { BASE: "node:20" },
    });
    expect(world.engine.runs.at(-1)).toMatchObject({
      reference: `${loginServer}/web:v1`,
      args: ["sh", "-c", "node --version && echo ok"],
      env: ["HOME=/acb/home"],
      workingDirectory: "/workspace",
      hostName: "test",
    });
  });

  test("logs as ACR does, marked complete, with the network before any step and the dependencies last", async () => {
    const { text, mark } = await readLog(world, runId);
    expect(mark).toBe("successful");
    expect(text.replaceAll("\r\n", "")).not.toMatch(/[\r\n]/);
    const landmarks = [
      "Downloading source code...",
      "Alias support enabled",
      "Creating Docker network: slipway-r1-1, driver: 'bridge'",
      `Logging in to registry: ${loginServer}`,
      "Executing step ID: build. Timeout(sec): 600, Working directory: '', Network: 'slipway-r1-1'",
      "Successfully scanned dependencies",
      "Launching container with name: build",
      "v20.1.0",
      `Pushing image: ${loginServer}/web:v1, attempt 1`,
      "Step ID: build marked as successful",
      "Populating digests for step ID: build...",
      "The following dependencies were found:",
      "runtime-dependency:",
      digestOf("node"),
      "buildtime-dependency:",
      digestOf("go"),
      `Run ID: ${runId} was successful after `,
    ];
    const places = landmarks.map((landmark) => text.indexOf(landmark));
    expect(places).not.toContain(-1);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });

  test("leaves a trace of everything in the ledger", () => {
    const kinds = world.acr.ledger().flatMap((change) => ("runId" in change && change.runId === runId ? [change] : []));
    expect(kinds[0]).toMatchObject({ kind: "run-scheduled", network: "slipway-r1-1" });
    expect(kinds.map(({ kind }) => kind)).toContain("image-pushed");
    expect(kinds).toContainEqual(expect.objectContaining({ kind: "step-ended", does: "build", outcome: "successful" }));
  });
});

describe("runs that do not succeed", () => {
  test("a failing build fails the run with the engine's words", async () => {
    world.engine.onBuild = buildFails("The command '/bin/sh -c false' returned a non-zero code: 1");
    const source = await uploadSource(world, { Dockerfile: "FROM scratch\n" });
    const { runId } = await scheduleTask(world, `steps: [{id: bad, build: "-t {{.Run.Registry}}/x ."}]`, source);
    const run = await runEnded(world, runId!);
    world.engine.onBuild = async () => {};
    expect(run).toMatchObject({ status: "Failed", runErrorMessage: "failed during run, err: exit status 1" });
    expect(run.outputImages).toBeUndefined();
    const { text, mark } = await readLog(world, runId!);
    expect(mark).toBe("failed");
    expect(text).toContain("returned a non-zero code: 1\r\n");
    expect(text).toContain("Container failed during run: bad. No retries remaining.\r\n");
    expect(text).toContain("failed to run step ID: bad: exit status 1\r\n");
  });

  test("an exit status of a step is told, and the next step does not run", async () => {
    world.engine.onRun = async () => 3;
    const before = world.engine.runs.length;
    const { runId } = await scheduleTask(world, "steps:\n  - cmd: img a\n  - cmd: img b\n");
    expect((await runEnded(world, runId!)).status).toBe("Failed");
    const { text } = await readLog(world, runId!);
    expect(text).toContain("failed to run step ID: acb_step_0: exit status 3");
    expect(text).toMatch(
      new RegExp(`Run ID: ${runId} failed after \\d+s. Error: failed during run, err: exit status 1`),
    );
    expect(world.engine.runs.length).toBe(before + 1);
  });

  test("a missing source fails the run as a bad context", async () => {
    const { runId } = await scheduleTask(world, "steps: [{cmd: img}]", "source/202601010000/none.tar.gz");
    expect((await runEnded(world, runId!)).runErrorMessage).toMatch(/^failed to download context\./);
  });

  test("a run that outlives its timeout ends as Timeout", async () => {
    world.engine.onRun = (_request, _log, signal) => untilStopped(signal);
    const run = await world.client.registries.beginScheduleRunAndWait(world.acr.resourceGroup, registryName, {
      type: "EncodedTaskRunRequest",
      encodedTaskContent: Buffer.from("steps: [{cmd: img, timeout: 20000}]").toString("base64"),
      platform: { os: "Linux" },
      timeout: 300,
    });
    expect((await runEnded(world, run.runId!)).status).toBe("Timeout");
    expect((await readLog(world, run.runId!)).mark).toBe("timedout");
  });

  test("cancelling stops a run under way, and is nothing to a finished one", async () => {
    world.engine.onRun = (_request, _log, signal) => untilStopped(signal);
    const { runId } = await scheduleTask(world, "steps: [{cmd: img, timeout: 20000}]");
    const { resourceGroup } = world.acr;
    await expect.poll(() => world.acr.runs().find((run) => run.runId === runId)?.status).toBe("Running");
    await world.client.runs.beginCancelAndWait(resourceGroup, registryName, runId!);
    expect((await runEnded(world, runId!)).status).toBe("Canceled");
    expect((await readLog(world, runId!)).mark).toBe("canceled");
    await world.client.runs.beginCancelAndWait(resourceGroup, registryName, runId!);
    expect((await runEnded(world, runId!)).status).toBe("Canceled");
  });
});
