import type { Run, RunRequestUnion, Task, TaskRunRequest } from "@azure/arm-containerregistry";
import type { RestError } from "@azure/core-rest-pipeline";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { endsAs, stuckInQueue } from "../../../local/acr/fault-actions.ts";
import { type RunningAzurite, startAzurite } from "../../../local/azurite.ts";
import { Clock } from "../../../local/clock.ts";
import {
  type AcrWorld,
  loginServer,
  readLog,
  registryName,
  runEnded,
  startAcrWorld,
  uploadSource,
} from "../../support/acr-world.ts";
import { digestOf } from "../../support/fake-engine.ts";
import { rawArm } from "./arm/raw-arm.ts";

let azurite: RunningAzurite;
let world: AcrWorld;
let group: string;

beforeAll(async () => {
  azurite = await startAzurite();
  world = await startAcrWorld(azurite.connectionString, { clock: new Clock(100) });
  group = world.acr.resourceGroup;
});
afterEach(() => world.acr.faults.clear());
afterAll(async () => {
  await world?.close();
  await azurite?.stop();
});

const location = "West Europe";
const platform = { os: "Linux", architecture: "amd64" } as const;
const oneStep = Buffer.from("steps: [{cmd: img}]").toString("base64");
const encoded: Task = { location, platform, step: { type: "EncodedTask", encodedTaskContent: oneStep } };
const quick: RunRequestUnion = { type: "EncodedTaskRunRequest", encodedTaskContent: oneStep, platform };

function put(name: string, task: Task): Promise<Task> {
  return world.client.tasks.beginCreateAndWait(group, registryName, name, task);
}

function schedule(request: RunRequestUnion): Promise<Run> {
  return world.client.registries.beginScheduleRunAndWait(group, registryName, request);
}

function taskId(name: string): string {
  return `${world.acr.resourceId}/tasks/${name}`;
}

function runTask(name: string, overrides: TaskRunRequest["overrideTaskStepProperties"] = {}): Promise<Run> {
  return schedule({ type: "TaskRunRequest", taskId: taskId(name), overrideTaskStepProperties: overrides });
}

async function failure(work: Promise<unknown>): Promise<RestError> {
  return await work.then(
    () => Promise.reject(new Error("it was expected to fail")),
    (error: RestError) => error,
  );
}

describe("a run of a task file in the source", () => {
  test("reads the file and its values there, and values of the request win", async () => {
    const sourceLocation = await uploadSource(world, {
      "ci/acr-task.yaml": "steps: [{cmd: 'img {{.Values.who}} {{.Values.what}}'}]",
      "ci/values.yaml": "who: file\nwhat: file\n",
    });
    const { runId } = await schedule({
      type: "FileTaskRunRequest",
      taskFilePath: "ci/acr-task.yaml",
      valuesFilePath: "ci/values.yaml",
      values: [{ name: "what", value: "request" }],
      platform,
      sourceLocation,
    });
    expect((await runEnded(world, runId!)).status).toBe("Succeeded");
    expect(world.engine.runs.at(-1)?.args).toEqual(["file", "request"]);
  });

  test.each(["none.yaml", "../../etc/passwd"])("fails when the source has no %s", async (taskFilePath) => {
    const sourceLocation = await uploadSource(world, { "other.yaml": "" });
    const { runId } = await schedule({ type: "FileTaskRunRequest", taskFilePath, platform, sourceLocation });
    expect((await runEnded(world, runId!)).status).toBe("Failed");
    expect((await readLog(world, runId!)).text).toContain(`open ${taskFilePath}: no such file or directory`);
  });
});

describe("what is asked for is checked at the door", () => {
  test.each([
    ["a timeout below 300 s", { timeout: 299 }],
    ["a timeout above 8 h", { timeout: 28_801 }],
    ["no platform", { platform: null }],
    ["no type", { type: null }],
    ["an unknown type", { type: "BuildTaskRequest" }],
    ["text where a number belongs", { timeout: "600" }],
  ])("%s", async (_, change) => {
    const runs = world.acr.runs().length;
    const body = { type: "EncodedTaskRunRequest", encodedTaskContent: oneStep, platform, ...change };
    const path = `${world.acr.resourceId}/scheduleRun?api-version=2025-03-01-preview`;
    const { status, body: answer } = await rawArm(world, "POST", path, body);
    expect([status, answer.error.code, answer.error.details]).toEqual([400, "InvalidRequestContent", null]);
    expect(world.acr.runs().length).toBe(runs);
  });

  test.each(["null", "[]", "1", '"x"', "{", '{"before":"1"}', '{"before":0}', '{"before":2,"left":-1}'])(
    "no page of runs follows a token that says %s",
    async (token) => {
      const query = `api-version=2025-03-01-preview&$skiptoken=${Buffer.from(token).toString("base64url")}`;
      const { status, body } = await rawArm(world, "GET", `${world.acr.resourceId}/runs?${query}`);
      expect([status, body.error?.code]).toEqual([400, "InvalidRequestContent"]);
    },
  );

  test.each(["a b c d 99", "* * * * 7", "60 * * * *", "@daily", "* * * *", "0 0 30 2 *", "* * * * L"])(
    "a timer cannot fire at %s",
    async (schedule) => {
      const properties = { ...encoded, trigger: { timerTriggers: [{ name: "t", schedule }] } };
      const path = `${world.acr.resourceId}/tasks/untimely?api-version=2025-03-01-preview`;
      const { status, body } = await rawArm(world, "PUT", path, { location, properties });
      expect([status, body.error?.code]).toEqual([400, "InvalidRequestContent"]);
    },
  );

  test("a name that is not encoded well is none", async () => {
    const path = `${world.acr.resourceId}/tasks/%E0%A4%A?api-version=2025-03-01-preview`;
    const { status, body } = await rawArm(world, "PUT", path, { location, properties: encoded });
    expect([status, body.error.code]).toEqual([400, "InvalidRequestContent"]);
  });

  test.each(["[caller]", "[system]", "11111111-2222-4333-8444-555555555555", "somebody"])(
    "the source registry's identity may be %s only where it is one, and only 2025's version looks",
    async (identity) => {
      const body = { ...quick, credentials: { sourceRegistry: { loginMode: "Default", identity } } };
      const post = (version: string) =>
        rawArm(world, "POST", `${world.acr.resourceId}/scheduleRun?api-version=${version}`, body);
      expect((await post("2025-03-01-preview")).status).toBe(identity === "somebody" ? 400 : 200);
      expect((await post("2019-06-01-preview")).status).toBe(200);
    },
  );
});

describe("a task", () => {
  test("is created, read back with the service's defaults and habits, listed and deleted", async () => {
    const customRegistries = { "other.example": { userName: { value: "u", type: "Opaque" } } };
    const task: Task = {
      location,
      platform: { os: "Linux", architecture: "AMD64" },
      step: { type: "Docker", dockerFilePath: "Dockerfile", contextPath: "https://github.com/o/r.git" },
      credentials: { customRegistries },
      trigger: {
        timerTriggers: [{ name: "nightly", schedule: "0 3 * * *" }],
        baseImageTrigger: { name: "base", baseImageTriggerType: "Runtime", updateTriggerEndpoint: "https://x/y" },
      },
    };
    const created = await put("echo-task", task);
    expect(created.creationDate).toBeInstanceOf(Date);
    const { body } = await rawArm(world, "GET", `${taskId("ECHO-task")}?api-version=2019-06-01-preview`);
    expect([body.name, body.location]).toEqual(["echo-task", "westeurope"]);
    expect(body.properties).toMatchObject({
      provisioningState: "Succeeded",
      status: "Enabled",
      timeout: 3600,
      agentConfiguration: { cpu: 2 },
      platform: { os: "linux", architecture: "amd64" },
      credentials: { customRegistries: { "other.example": null } },
      trigger: { timerTriggers: [{ status: "Enabled" }], baseImageTrigger: { updateTriggerEndpoint: null } },
    });
    expect(body.properties.step).toEqual({
      type: "Docker",
      contextPath: "https://github.com/o/r.git",
      imageNames: [],
      isPushEnabled: true,
      noCache: false,
      dockerFilePath: "Dockerfile",
      arguments: [],
    });
    const names: string[] = [];
    for await (const { name } of world.client.tasks.list(group, registryName)) names.push(name!);
    expect(names).toContain("echo-task");

    const remove = () => rawArm(world, "DELETE", `${taskId("echo-task")}?api-version=2025-03-01-preview`);
    expect([(await remove()).status, (await remove()).status]).toEqual([200, 204]);
    expect(await failure(world.client.tasks.get(group, registryName, "echo-task"))).toMatchObject({
      statusCode: 404,
      code: "ResourceNotFound",
    });
  });

  test("tells its secrets to listDetails only", async () => {
    const secret = { name: "TOKEN", value: "hush", isSecret: true };
    const step = { type: "Docker", dockerFilePath: "D", contextAccessToken: "pat", arguments: [secret] } as const;
    await put("secrets", { location, platform, step });
    const shown = JSON.stringify(await world.client.tasks.get(group, registryName, "secrets"));
    expect(shown).toContain("TOKEN");
    expect(shown).not.toMatch(/hush|pat"/);
    const details = await world.client.tasks.getDetails(group, registryName, "secrets");
    expect(details.step).toMatchObject({ contextAccessToken: "pat", arguments: [secret] });
  });

  test("is merged by PATCH, which takes no trigger away but a custom registry's entry", async () => {
    await put("merged", {
      ...encoded,
      trigger: { timerTriggers: [{ name: "one", schedule: "0 1 * * *" }] },
      credentials: { customRegistries: { "a.example": {}, "b.example": {} } },
    });
    const patch = {
      properties: {
        status: "Disabled",
        step: { type: "EncodedTask", contextPath: "https://github.com/o/r.git" },
        trigger: { timerTriggers: [{ name: "two", schedule: "0 2 * * *" }] },
        credentials: { customRegistries: { "a.example": null } },
      },
    };
    const path = `${taskId("merged")}?api-version=2019-06-01-preview`;
    const { status, body } = await rawArm(world, "PATCH", path, patch);
    expect(status).toBe(200);
    expect(body.properties).toMatchObject({
      status: "Disabled",
      timeout: 3600,
      step: { encodedTaskContent: oneStep, contextPath: "https://github.com/o/r.git" },
      credentials: { customRegistries: { "b.example": null } },
    });
    expect(Object.keys(body.properties.credentials.customRegistries)).toEqual(["b.example"]);
    expect(body.properties.trigger.timerTriggers.map(({ name }) => name)).toEqual(["one", "two"]);
  });

  test.each<[string, string, object, string, string | null]>([
    ["a name that is too short", "abc", encoded, "InvalidRequestContent", null],
    ["no location", "no-location", { ...encoded, location: undefined }, "LocationRequired", null],
    ["a step of no known kind", "bad-step", { step: { type: "Shell" } }, "InvalidRequestContent", null],
    ["a timeout no run may have", "bad-timeout", { timeout: 10 }, "InvalidRequestContent", null],
    [
      "a schedule that is none",
      "bad-timer",
      { trigger: { timerTriggers: [{ name: "t", schedule: "daily" }] } },
      "InvalidRequestContent",
      null,
    ],
    [
      "a repository that is none",
      "bad-git",
      {
        trigger: {
          sourceTriggers: [
            {
              name: "s",
              sourceTriggerEvents: ["commit"],
              sourceRepository: { sourceControlType: "Github", repositoryUrl: "github" },
            },
          ],
        },
      },
      "InvalidRepositoryUrl",
      "Github",
    ],
  ])("is refused with %s", async (_, name, change, code, target) => {
    const { location: place, ...properties } = { ...encoded, ...change } as Task;
    const body = { location: place, properties };
    const { status, body: answer } = await rawArm(world, "PUT", `${taskId(name)}?api-version=2019-06-01-preview`, body);
    expect(status).toBe(400);
    expect(answer.error).toMatchObject({ code, target, details: null });
  });

  test("is answered with 200 when it is new and when it is replaced, as az expects", async () => {
    const { location: place, ...properties } = encoded as Task;
    const path = `${taskId("answered")}?api-version=2019-06-01-preview`;
    const put = () => rawArm(world, "PUT", path, { location: place, properties });
    expect([(await put()).status, (await put()).status]).toEqual([200, 200]);
  });

  test("shows the bases it stands on from its first successful run on", async () => {
    world.engine.known.set("node:20", digestOf("node"));
    world.engine.known.set(`${loginServer}/go:1`, digestOf("go"));
    const dockerfile = `FROM ${loginServer}/go:1 AS tools\nFROM node:20\n`;
    const contextPath = await uploadSource(world, { Dockerfile: dockerfile });
    const step = { type: "Docker", dockerFilePath: "Dockerfile", contextPath, imageNames: ["web:v1"] } as const;
    await put("based", { location, platform, step });
    const bases = async () => (await world.client.tasks.get(group, registryName, "based")).step?.baseImageDependencies;

    // Runs of earlier tests may still wait in the queue, and the fault strikes whoever comes first.
    await expect.poll(() => world.acr.runs().every(({ finishTime }) => finishTime)).toBe(true);
    world.acr.faults.add({ operation: "execute" }, endsAs("Failed"));
    await runEnded(world, (await runTask("based")).runId!);
    expect(await bases()).toBeUndefined();
    const run = await runEnded(world, (await runTask("based")).runId!);
    expect(run).toMatchObject({ status: "Succeeded", task: "based", runType: "QuickRun" });
    expect(await bases()).toEqual([
      {
        type: "Runtime",
        registry: "registry.hub.docker.com",
        repository: "library/node",
        tag: "20",
        digest: digestOf("node"),
      },
      { type: "BuildTime", registry: loginServer, repository: "go", tag: "1", digest: digestOf("go") },
    ]);
    const found: string[] = [];
    const filter = "TaskName eq 'based' and Status eq 'Succeeded'";
    for await (const { runId } of world.client.runs.list(group, registryName, { filter })) found.push(runId!);
    expect(found).toEqual([run.runId]);
  });
});

describe("a run of a task", () => {
  test("takes context, file, target and arguments from the request, and everything else, its platform too, from the task", async () => {
    const contextPath = await uploadSource(world, { "other/Dockerfile": "FROM scratch AS last\n" });
    await put("overridden", {
      location,
      platform: { os: "Linux", architecture: "arm64" },
      timeout: 600,
      step: {
        type: "Docker",
        dockerFilePath: "Dockerfile",
        contextPath: "source/none.tar.gz",
        imageNames: ["app:v1"],
        arguments: [
          { name: "KEPT", value: "task" },
          { name: "CHANGED", value: "task" },
        ],
      },
    });
    const token = Buffer.from("mine").toString("base64");
    const { runId } = await runTask("Overridden", {
      contextPath,
      file: "other/Dockerfile",
      target: "last",
      arguments: [{ name: "CHANGED", value: "run" }],
      updateTriggerToken: token,
    });
    const run = await runEnded(world, runId!);
    expect(run).toMatchObject({ status: "Succeeded", updateTriggerToken: token, platform: { architecture: "arm64" } });
    expect(run.outputImages?.map(({ repository, tag }) => `${repository}:${tag}`)).toEqual(["app:v1"]);
    expect(world.engine.builds.at(-1)).toMatchObject({
      dockerfile: "other/Dockerfile",
      platform: "linux/arm64",
      target: "last",
      buildArgs: { KEPT: "task", CHANGED: "run" },
    });
  });

  test("takes its values from both, the request's first", async () => {
    const content = Buffer.from("steps: [{cmd: 'img {{.Values.a}} {{.Values.b}}'}]").toString("base64");
    const values = [
      { name: "a", value: "task" },
      { name: "b", value: "task" },
    ];
    await put("valued", { location, platform, step: { type: "EncodedTask", encodedTaskContent: content, values } });
    const { runId } = await runTask("valued", { values: [{ name: "b", value: "run" }] });
    expect((await runEnded(world, runId!)).status).toBe("Succeeded");
    expect(world.engine.runs.at(-1)?.args).toEqual(["task", "run"]);
  });

  test("is of a file in the task's source", async () => {
    const contextPath = await uploadSource(world, { "task.yaml": "steps: [{cmd: img from-file}]" });
    await put("filed", { location, platform, step: { type: "FileTask", taskFilePath: "task.yaml", contextPath } });
    expect((await runEnded(world, (await runTask("filed")).runId!)).status).toBe("Succeeded");
    expect(world.engine.runs.at(-1)?.args).toEqual(["from-file"]);
  });

  test("needs a task that is there", async () => {
    expect(await failure(runTask("nobody"))).toMatchObject({ statusCode: 404, code: "ResourceNotFound" });
    const elsewhere = { type: "TaskRunRequest", taskId: taskId("valued").replace(registryName, "otherone") } as const;
    expect(await failure(schedule(elsewhere))).toMatchObject({ statusCode: 404 });
  });
});

describe("a task run as a resource", () => {
  const start = (name: string, runRequest: RunRequestUnion, forceUpdateTag?: string) =>
    world.client.taskRuns.beginCreateAndWait(group, registryName, name, { runRequest, forceUpdateTag });

  /** As `start`, without the waiting of an SDK's poller: the id of the run. */
  const put = async (name: string, runRequest: RunRequestUnion, forceUpdateTag?: string): Promise<string> => {
    const path = `${world.acr.resourceId}/taskRuns/${name}?api-version=2019-06-01-preview`;
    const { status, body } = await rawArm(world, "PUT", path, { properties: { runRequest, forceUpdateTag } });
    expect(status).toBe(201);
    const { runId } = body.properties.runResult.properties;
    await runEnded(world, runId);
    return runId;
  };

  test("is an operation that ends with its run", async () => {
    const taskRun = await start("first-run", quick);
    expect(taskRun).toMatchObject({ provisioningState: "Succeeded", runResult: { status: "Succeeded" } });
    const names: string[] = [];
    for await (const { name } of world.client.taskRuns.list(group, registryName)) names.push(name!);
    expect(names).toEqual(["first-run"]);
  });

  test("starts one run however often the same is asked for, another when the tag or the request is another", async () => {
    const first = await put("keyed", quick, "a");
    expect(await put("KEYED", quick, "a")).toBe(first);
    const forced = await put("keyed", quick, "b");
    const changed = await put("keyed", { ...quick, timeout: 600 }, "b");
    expect(new Set([first, forced, changed]).size).toBe(3);
    const ofThis = world.acr.ledger().filter((line) => line.kind === "run-scheduled" && line.taskRun === "keyed");
    expect(ofThis).toHaveLength(3);
  });

  test("tells the operation of the run under way to who asks again, and reports how it goes", async () => {
    const stuck = world.acr.faults.add({ operation: "execute" }, stuckInQueue);
    const path = `${world.acr.resourceId}/taskRuns/waiting?api-version=2019-06-01-preview`;
    const body = { properties: { runRequest: quick } };
    const [one, two] = [await rawArm(world, "PUT", path, body), await rawArm(world, "PUT", path, body)];
    const operation = one.headers["azure-asyncoperation"] as string;
    expect([one.status, two.status, two.headers["azure-asyncoperation"]]).toEqual([201, 201, operation]);
    expect((await rawArm(world, "GET", operation)).body.status).toBe("Creating");
    stuck.lift();
    await runEnded(world, one.body.properties.runResult.properties.runId);
    expect((await rawArm(world, "GET", operation)).body.status).toBe("Succeeded");
  });

  test("fails with its run, and a repeated PUT does not try again", async () => {
    world.acr.faults.add({ operation: "execute" }, endsAs("Error", "agent lost"));
    expect((await failure(start("failing", quick))).message).toContain("agent lost");
    const { runResult, provisioningState } = await world.client.taskRuns.get(group, registryName, "failing");
    expect([provisioningState, runResult?.status]).toEqual(["Failed", "Error"]);
    const runs = world.acr.runs().length;
    await failure(start("failing", quick));
    expect(world.acr.runs().length).toBe(runs);
  });

  test("is started by a PATCH that forces it, from what the PUT said, and hides secrets", async () => {
    const values = [{ name: "k", value: "hush", isSecret: true }];
    const runRequest: RunRequestUnion = { ...quick, values };
    const first = await put("patched", runRequest, "a");
    const { taskRuns } = world.client;
    const second = await taskRuns.beginUpdateAndWait(group, registryName, "patched", { forceUpdateTag: "b" });
    expect(second.runResult?.runId).not.toBe(first);
    expect(JSON.stringify(await taskRuns.get(group, registryName, "patched"))).not.toContain("hush");
    expect((await taskRuns.getDetails(group, registryName, "patched")).runRequest).toMatchObject({ values });
    await taskRuns.beginDeleteAndWait(group, registryName, "patched");
    await taskRuns.beginDeleteAndWait(group, registryName, "patched");
    expect(await failure(taskRuns.get(group, registryName, "patched"))).toMatchObject({ statusCode: 404 });
  });
});
