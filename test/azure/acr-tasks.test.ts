import { inspect } from "node:util";
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { createAcrTasks } from "../../src/azure/acr-tasks.ts";
import { PermanentError, TransientError } from "../../src/errors.ts";
import { type Answer, type Peer, type SeenRequest, startPeer } from "../support/scripted-peer.ts";
import { armToken, fakeCredential, registry, startArm, wireRun } from "./arm-peer.ts";

let arm: Peer;
beforeAll(() => {
  vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
});
afterEach(async () => {
  await arm.close();
});

async function tasksOver(answer: (request: SeenRequest, index: number) => Answer, asked: string[] = []) {
  arm = await startArm(answer);
  return createAcrTasks({ armEndpoint: arm.url, credential: fakeCredential(asked), registry });
}
const filterOf = (request: SeenRequest) => new URL(request.url, "https://x").searchParams.get("$filter");

describe("facts and upload", () => {
  test("reads the login server in lower case and asks for ARM's scope", async () => {
    const asked: string[] = [];
    const properties = { loginServer: "AcmeProd.azurecr.io", creationDate: "2025-01-02T03:04:05.1234567+00:00" };
    const tasks = await tasksOver(() => ({ body: { properties } }), asked);
    expect(await tasks.registryFacts()).toEqual({
      loginServer: "acmeprod.azurecr.io",
      createdAt: "2025-01-02T03:04:05.123Z",
    });
    expect(new Set(asked)).toEqual(new Set([`${arm.url}/.default`]));
    expect(arm.seen[0]!.url).toBe(`${registry.resourceId}?api-version=2025-11-01`);
  });

  test("keeps the upload URL secret", async () => {
    const body = { uploadUrl: "https://x.blob.core.windows.net/s/a?sig=hunter2", relativePath: "source/a.tar.gz" };
    const target = await (await tasksOver(() => ({ body }))).uploadTarget();
    expect(target.relativePath).toBe("source/a.tar.gz");
    expect(target.uploadUrl.expose()).toContain("hunter2");
    expect(inspect(target) + JSON.stringify(target)).not.toContain("hunter2");
    expect(arm.seen[0]).toMatchObject({ method: "POST", url: expect.stringContaining("/listBuildSourceUploadUrl?") });
  });

  test("an answer that is not as documented is transient, and is not shown", async () => {
    const tasks = await tasksOver(() => ({ body: { uploadUrl: ["https://x/?sig=hunter2"], relativePath: "a" } }));
    const error = await tasks.uploadTarget().catch((reason) => reason);
    expect(error).toBeInstanceOf(TransientError);
    expect(inspect(error)).not.toContain("hunter2");
  });
});

describe("failures", () => {
  test("a 403 is permanent with ARM's code", async () => {
    const tasks = await tasksOver(() => ({
      status: 403,
      body: { error: { code: "AuthorizationFailed", message: "m" } },
    }));
    const error = await tasks.openRuns().catch((reason) => reason);
    expect(error).toBeInstanceOf(PermanentError);
    expect(error).toMatchObject({ code: "AuthorizationFailed", message: expect.stringContaining("acmeprod") });
    expect(arm.seen).toHaveLength(1);
  });

  test("reads get past a passing 500 and a lost connection", async () => {
    const tasks = await tasksOver((_request, index) =>
      index === 0 ? { status: 500 } : index === 1 ? "reset" : { body: { value: [] } },
    );
    expect(await tasks.openRuns()).toEqual([]);
    expect(arm.seen).toHaveLength(3);
  });

  test("a lasting 500 is transient", async () => {
    const tasks = await tasksOver(() => ({ status: 500 }));
    await expect(tasks.openRuns()).rejects.toBeInstanceOf(TransientError);
  });

  test("a 429 is passed on at once with its wait", async () => {
    const tasks = await tasksOver(() => ({ status: 429, headers: { "retry-after": "120" } }));
    await expect(tasks.openRuns()).rejects.toMatchObject({ name: "TransientError", retryAfterSeconds: 120 });
    expect(arm.seen).toHaveLength(1);
  });

  test("neither token nor request travels with an error", async () => {
    const tasks = await tasksOver(() => "reset");
    const error = await tasks.run("cf1").catch((reason) => reason);
    expect(error).toBeInstanceOf(TransientError);
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(armToken);
  });

  test("a registry id that is none is permanent", () => {
    const wrong = { ...registry, resourceId: "/subscriptions/x/registries/acmeprod" };
    expect(() => createAcrTasks({ armEndpoint: "https://a", credential: fakeCredential(), registry: wrong })).toThrow(
      expect.objectContaining({ code: "registry-resource-id" }),
    );
  });
});

describe("runs", () => {
  test("maps a finished run", async () => {
    const tasks = await tasksOver(() => ({
      body: wireRun("cf3", {
        status: "succeeded",
        createTime: "2026-03-01T10:00:00.1234567+00:00",
        finishTime: "2026-03-01T10:00:27.5Z",
        provisioningState: "Succeeded",
        outputImages: [
          { registry: "AcmeProd.azurecr.io", repository: "web", tag: "main", digest: "sha256:ab" },
          { registry: "acmeprod.azurecr.io", repository: "web", tag: "", digest: null },
          { repository: "nowhere" },
        ],
        runErrorMessage: "failed to GET https://x/a.tar.gz?sig=hunter2",
      }),
    }));
    expect(await tasks.run("cf3")).toEqual({
      acrRunId: "cf3",
      status: "Succeeded",
      createTime: "2026-03-01T10:00:00.123Z",
      finishTime: "2026-03-01T10:00:27.500Z",
      outputImages: [
        { registry: "acmeprod.azurecr.io", repository: "web", tag: "main", digest: "sha256:ab" },
        { registry: "acmeprod.azurecr.io", repository: "web", tag: undefined, digest: undefined },
      ],
      errorMessage: "failed to GET https://x/a.tar.gz?***",
    });
  });

  test("a status nobody knows does not end a run", async () => {
    const tasks = await tasksOver(() => ({ body: wireRun("cf3", { status: "Pausing" }) }));
    expect((await tasks.run("cf3"))?.status).toBe("Running");
  });

  test("a run the registry does not know", async () => {
    const tasks = await tasksOver(() => ({ status: 404, body: { error: { code: "RunNotFound", message: "no" } } }));
    expect(await tasks.run("cf9")).toBeUndefined();
  });

  test("open runs over all pages, without $top", async () => {
    const tasks = await tasksOver((request, index) =>
      index === 0
        ? {
            body: { value: [wireRun("cf1"), wireRun("cf2", { status: "Failed" })], nextLink: `${arm.url}/next?page=2` },
          }
        : { body: { value: [wireRun("cf3", { status: "running" })], nextLink: null, sawUrl: request.url } },
    );
    expect((await tasks.openRuns()).map((run) => run.acrRunId)).toEqual(["cf1", "cf3"]);
    expect(filterOf(arm.seen[0]!)).toBe("Status eq 'Queued' or Status eq 'Started' or Status eq 'Running'");
    expect(arm.seen[0]!.url).not.toContain("top");
    expect(arm.seen[1]!.url).toBe("/next?page=2");
  });

  test("a next page on another host is not asked for, and the token stays here", async () => {
    const other = await startArm(() => ({ body: { value: [] } }));
    const tasks = await tasksOver(() => ({ body: { value: [], nextLink: `${other.url}/next` } }));
    await expect(tasks.openRuns()).rejects.toBeInstanceOf(TransientError);
    expect(other.seen).toHaveLength(0);
    await other.close();
  });

  test("a list without end is an error, not a short list", async () => {
    const tasks = await tasksOver(() => ({ body: { value: [wireRun("cf1")], nextLink: `${arm.url}/again` } }));
    await expect(tasks.openRuns()).rejects.toThrow(/pages/);
    expect(arm.seen.length).toBeLessThan(100);
  });

  const old = wireRun("cf1", {
    status: "Succeeded",
    createTime: "2026-03-01T08:00:00Z",
    finishTime: "2026-03-01T09:00:00Z",
  });
  const fresh = wireRun("cf2", {
    status: "Failed",
    createTime: "2026-03-01T09:30:00Z",
    finishTime: "2026-03-01T10:30:00Z",
  });
  const open = wireRun("cf3", { createTime: "2026-03-01T10:40:00Z" });
  const ancient = wireRun("cf0", {
    status: "Failed",
    createTime: "2026-02-01T00:00:00Z",
    finishTime: "2026-02-01T01:00:00Z",
  });

  test("since: filters at the service and again here", async () => {
    const tasks = await tasksOver(() => ({ body: { value: [open, fresh, old] } }));
    expect((await tasks.runsCreatedSince("2026-03-01T09:30:00.000Z")).map((run) => run.acrRunId)).toEqual([
      "cf3",
      "cf2",
    ]);
    expect(arm.seen.map(filterOf)).toEqual(["CreateTime ge 2026-03-01T09:30:00.000Z"]);
  });

  test("since: a service that refuses the time filter is read newest first until old enough", async () => {
    const tasks = await tasksOver((request) => {
      if (filterOf(request) !== null) return { status: 400, body: { error: { code: "BadFilter", message: "no" } } };
      const page = Number(new URL(request.url, "https://x").searchParams.get("page") ?? 1);
      const value = [[open, fresh], [old, ancient], [ancient]][page - 1];
      return { body: { value, nextLink: `${arm.url}/runs?page=${page + 1}` } };
    });
    expect((await tasks.runsCreatedSince("2026-03-01T09:00:00.000Z")).map((run) => run.acrRunId)).toEqual([
      "cf3",
      "cf2",
    ]);
    expect(arm.seen).toHaveLength(3);
  });

  test("since: another refusal is not taken for a refused filter", async () => {
    const tasks = await tasksOver(() => ({ status: 403, body: {} }));
    await expect(tasks.runsCreatedSince("2026-03-01T09:00:00.000Z")).rejects.toBeInstanceOf(PermanentError);
    expect(arm.seen).toHaveLength(1);
  });
});

describe("cancelRun", () => {
  test.each([200, 202, 404, 409])("a %i is fine, after one request", async (status) => {
    const tasks = await tasksOver(() => ({ status, headers: { location: "/poll" } }));
    await tasks.cancelRun("cf1");
    expect(arm.seen.map(({ method, url }) => `${method} ${url.split("?")[0]}`)).toEqual([
      `POST ${registry.resourceId}/runs/cf1/cancel`,
    ]);
  });
  test("a 500 is transient", async () => {
    const tasks = await tasksOver(() => ({ status: 500 }));
    await expect(tasks.cancelRun("cf1")).rejects.toBeInstanceOf(TransientError);
  });
  test("a run id cannot climb out of its path", async () => {
    const tasks = await tasksOver(() => ({ status: 200 }));
    await expect(tasks.cancelRun("../../tasks/x")).rejects.toThrow(/run id/);
    expect(arm.seen).toHaveLength(0);
  });
});

describe("logReader", () => {
  test.each([
    ["the log blob", { logLink: "LOG" }, false],
    ["the archived log before the blob", { logLink: "https://127.0.0.1:1/", logArtifactLink: "LOG" }, true],
  ])("reads %s", async (_what, links, complete) => {
    const storage = await startPeer(() => ({ status: 206, headers: { "content-range": "bytes 0-2/3" }, body: "log" }));
    const log = `${storage.url}/rawtext.log?sig=hunter2`;
    const tasks = await tasksOver(() => ({ body: JSON.parse(JSON.stringify(links).replace("LOG", log)) }));
    const reader = await tasks.logReader("cf1");
    expect(arm.seen).toHaveLength(0);
    expect(await reader.read(0, 100)).toMatchObject({ nextOffset: 3, complete });
    expect(arm.seen[0]).toMatchObject({ method: "POST", url: expect.stringContaining("/runs/cf1/listLogSasUrl?") });
    expect(storage.seen[0]!.headers.authorization).toBeUndefined();
    await storage.close();
  });
});
