import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { createAcrTasks } from "../../src/azure/acr-tasks.ts";
import type { StartRequest } from "../../src/core/run/acr-run.ts";
import type { Answer, Peer, SeenRequest } from "../support/scripted-peer.ts";
import { armToken, fakeCredential, registry, startArm, wireRun } from "./arm-peer.ts";

const request: StartRequest = {
  taskYaml: "version: v1.1.0\nsteps: []\n",
  sourceLocation: "source/202603240000/a.tar.gz",
  timeoutSeconds: 1800,
  platform: "linux/arm64/v8",
};

let arm: Peer | undefined;
beforeAll(() => {
  vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
});
afterEach(async () => {
  await arm?.close();
  arm = undefined;
});

async function start(
  answer: (request: SeenRequest, index: number) => Answer,
  change: Partial<StartRequest> = {},
  timeoutMs = 10_000,
) {
  arm = await startArm(answer);
  const tasks = createAcrTasks({ armEndpoint: arm.url, credential: fakeCredential(), registry });
  return await tasks.startRun({ ...request, ...change }, { timeoutMs });
}

describe("startRun", () => {
  test("sends one EncodedTaskRunRequest and reads the queued run", async () => {
    const outcome = await start(() => ({ body: wireRun("cf1") }), { agentPool: "pool1" });
    expect(outcome).toMatchObject({ kind: "accepted", run: { acrRunId: "cf1", status: "Queued", outputImages: [] } });
    expect(arm!.seen).toHaveLength(1);
    const [sent] = arm!.seen;
    expect(sent!.method).toBe("POST");
    expect(sent!.url).toBe(`${registry.resourceId}/scheduleRun?api-version=2019-06-01-preview`);
    expect(sent!.headers.authorization).toBe(`Bearer ${armToken}`);
    const { encodedTaskContent, ...rest } = JSON.parse(sent!.body.toString());
    expect(Buffer.from(encodedTaskContent, "base64").toString()).toBe(request.taskYaml);
    expect(rest).toMatchObject({
      type: "EncodedTaskRunRequest",
      sourceLocation: request.sourceLocation,
      timeout: 1800,
      platform: { os: "Linux", architecture: "arm64", variant: "v8" },
      agentPoolName: "pool1",
    });
  });

  test.each([
    ["202 with a Location", 202, { location: "/somewhere" }],
    ["201 with Azure-AsyncOperation", 201, { "azure-asyncoperation": "https://127.0.0.1:1/operations/1" }],
  ])("does not poll after %s", async (_what, status, headers) => {
    const outcome = await start(() => ({ status, headers, body: wireRun("cf2", { status: "Running" }) }));
    expect(outcome).toMatchObject({ kind: "accepted", run: { acrRunId: "cf2", status: "Running" } });
    expect(arm!.seen).toHaveLength(1);
  });

  test.each<[string, Answer]>([
    ["an empty 202", { status: 202 }],
    ["a 200 that names no run", { body: { properties: {} } }],
    ["a 200 that is no JSON", { headers: { "content-type": "application/json" }, body: "<html>" }],
    ["a 500", { status: 500, body: { error: { code: "InternalServerError", message: "oops" } } }],
    ["a 503 with Retry-After", { status: 503, headers: { "retry-after": "1" } }],
    ["a 504", { status: 504, body: "<html>gateway</html>" }],
    ["a 408", { status: 408 }],
    ["a lost reply", "reset"],
    ["no reply", "silence"],
    ["a redirect", { status: 307, headers: { location: "/elsewhere" } }],
  ])("%s is unknown, after one request", async (_what, answer) => {
    const timeoutMs = answer === "silence" ? 400 : undefined;
    expect(await start(() => answer, {}, timeoutMs)).toMatchObject({ kind: "unknown" });
    expect(arm!.seen).toHaveLength(1);
  });

  test("429 is throttled for as long as it says, at once, without another request", async () => {
    expect(await start(() => ({ status: 429, headers: { "retry-after": "37" } }))).toEqual({
      kind: "throttled",
      retryAfterSeconds: 37,
    });
    expect(arm!.seen).toHaveLength(1);
  });

  test("429 without Retry-After waits 15 s", async () => {
    const body = { error: { code: "TooManyRequests", message: "throttled" } };
    expect(await start(() => ({ status: 429, body }))).toEqual({ kind: "throttled", retryAfterSeconds: 15 });
  });

  test.each([
    [
      "ARM's dialect",
      { error: { code: "AuthorizationFailed", message: "no role", target: null, details: null, additionalInfo: [] } },
      { code: "AuthorizationFailed", message: "no role" },
    ],
    [
      "Tasks' dialect",
      {
        error: {
          code: "TasksOperationsNotAllowed",
          message: "not permitted",
          details: [{ code: "X", message: "why" }],
        },
      },
      { code: "TasksOperationsNotAllowed", message: "not permitted; why" },
    ],
    ["no envelope", { code: "Bad", message: "bad" }, { code: "Bad", message: "bad" }],
    ["no known shape", { nonsense: true }, { code: "Http403", message: "answered 403" }],
  ])("a refusal in %s", async (_what, body, expected) => {
    expect(await start(() => ({ status: 403, body }))).toEqual({ kind: "refused", ...expected });
    expect(arm!.seen).toHaveLength(1);
  });

  test("a refusal that echoes a SAS does not repeat it", async () => {
    const message = "cannot read https://x.blob.core.windows.net/a.tar.gz?sig=hunter2";
    const outcome = await start(() => ({ status: 400, body: { error: { code: "Bad", message } } }));
    expect(JSON.stringify(outcome)).not.toContain("hunter2");
  });

  test.each<[string, Partial<StartRequest>]>([
    ["platform", { platform: "plan9/amd64" }],
    ["architecture", { platform: "linux/riscv64" }],
    ["platform without architecture", { platform: "linux" }],
    ["short timeout", { timeoutSeconds: 299 }],
    ["long timeout", { timeoutSeconds: 28_801 }],
  ])("refuses an impossible %s without asking", async (_what, change) => {
    expect(await start(() => ({ body: wireRun("cf1") }), change)).toMatchObject({ kind: "refused" });
    expect(arm!.seen).toHaveLength(0);
  });

  test("nobody listening: nothing was sent, so try again later", async () => {
    arm = await startArm(() => ({}));
    const { url } = arm;
    await arm.close();
    arm = undefined;
    const tasks = createAcrTasks({ armEndpoint: url, credential: fakeCredential(), registry });
    expect(await tasks.startRun(request, { timeoutMs: 2000 })).toEqual({ kind: "throttled", retryAfterSeconds: 15 });
  });

  test("no token: nothing was sent, so try again later", async () => {
    arm = await startArm(() => ({ body: wireRun("cf1") }));
    const credential = { getToken: async () => Promise.reject(new Error("identity is not ready")) };
    const tasks = createAcrTasks({ armEndpoint: arm.url, credential, registry });
    expect(await tasks.startRun(request, { timeoutMs: 2000 })).toEqual({ kind: "throttled", retryAfterSeconds: 15 });
    expect(arm.seen).toHaveLength(0);
  });
});
