import { request } from "node:https";
import type { RestError } from "@azure/core-rest-pipeline";
import { ManagedIdentityCredential } from "@azure/identity";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  authorizationFailed,
  endsAs,
  lostReply,
  serverErrorAfterEffect,
  stuckInQueue,
  tasksNotAllowed,
  throttled,
} from "../../../local/acr/fault-actions.ts";
import { type RunningAzurite, startAzurite } from "../../../local/azurite.ts";
import { Clock } from "../../../local/clock.ts";
import {
  type AcrWorld,
  clientFor,
  loginServer,
  readLog,
  registryName,
  runEnded,
  scheduleTask,
  startAcrWorld,
  uploadSource,
} from "../../support/acr-world.ts";

let azurite: RunningAzurite;
let world: AcrWorld;

beforeAll(async () => {
  azurite = await startAzurite();
  world = await startAcrWorld(azurite.connectionString, { clock: new Clock(100), listPageSize: 2, concurrency: 1 });
});
afterEach(() => world.acr.faults.clear());
afterAll(async () => {
  await world?.close();
  await azurite?.stop();
});

const trivial = "steps: [{cmd: img}]";

async function failure(work: Promise<unknown>): Promise<RestError> {
  return await work.then(
    () => Promise.reject(new Error("it was expected to fail")),
    (error: RestError) => error,
  );
}

interface Raw {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: { readonly error?: { readonly code: string }; readonly name?: string };
}

/** What no SDK would send. */
function raw(path: string, token: string | undefined, method = "GET"): Promise<Raw> {
  return new Promise((resolve, reject) => {
    const headers = { ...(token && { authorization: `Bearer ${token}` }), "content-length": "0" };
    const call = request(`${world.acr.url}${path}`, { method, headers, ca: world.certificate.cert }, async (answer) => {
      const chunks: Buffer[] = [];
      for await (const chunk of answer) chunks.push(chunk as Buffer);
      const text = Buffer.concat(chunks).toString("utf8");
      resolve({ status: answer.statusCode!, headers: answer.headers, body: text ? JSON.parse(text) : {} });
    });
    call.once("error", reject).end();
  });
}

function token(resource = "https://management.azure.com"): string {
  return world.identity.issue(resource);
}

describe("with the real credential and SDK", () => {
  test("a managed identity reads the registry", async () => {
    Object.assign(process.env, world.identity.env);
    const client = clientFor(world.acr, world.certificate, new ManagedIdentityCredential());
    const registry = await client.registries.get(world.acr.resourceGroup, registryName);
    expect(registry).toMatchObject({ loginServer, provisioningState: "Succeeded", sku: { name: "Standard" } });
    expect(registry.creationDate).toBeInstanceOf(Date);
    expect(registry.id).toBe(world.acr.resourceId);
  });

  test("lists runs newest first, in pages, up to $top", async () => {
    for (let count = 0; count < 5; count += 1) await runEnded(world, (await scheduleTask(world, trivial)).runId!);
    const ids: string[] = [];
    for await (const run of world.client.runs.list(world.acr.resourceGroup, registryName, { top: 5 }))
      ids.push(run.runId!);
    const newest = world.acr.runs().map(({ runId }) => runId);
    expect(ids).toEqual(newest.slice(-5).reverse());
    const pages: number[] = [];
    for await (const page of world.client.runs.list(world.acr.resourceGroup, registryName, { top: 3 }).byPage()) {
      pages.push(page.length);
    }
    expect(pages).toEqual([2, 1]);
  });

  test("filters runs on the server", async () => {
    const chosen = world.acr.runs()[2]!;
    const filter = `(RunId eq '${chosen.runId}' or RunId eq 'none') and Status eq 'Succeeded'`;
    const found: string[] = [];
    for await (const run of world.client.runs.list(world.acr.resourceGroup, registryName, { filter }))
      found.push(run.runId!);
    expect(found).toEqual([chosen.runId]);
  });

  test("archives a run", async () => {
    const runId = world.acr.runs()[0]!.runId;
    const { resourceGroup } = world.acr;
    await world.client.runs.beginUpdateAndWait(resourceGroup, registryName, runId, { isArchiveEnabled: true });
    expect((await world.client.runs.get(resourceGroup, registryName, runId)).isArchiveEnabled).toBe(true);
  });

  test("a docker build request builds, names and pushes as az acr build does", async () => {
    const source = await uploadSource(world, { Dockerfile: "FROM scratch\n" });
    const scheduled = await world.client.registries.beginScheduleRunAndWait(world.acr.resourceGroup, registryName, {
      type: "DockerBuildRequest",
      dockerFilePath: "Dockerfile",
      imageNames: ["team/app:{{.Run.ID}}", "team/app"],
      arguments: [{ name: "MESSAGE", value: "two words", isSecret: false }],
      platform: { os: "Linux" },
      sourceLocation: source,
    });
    const run = await runEnded(world, scheduled.runId!);
    expect(run.outputImages?.map(({ repository, tag }) => `${repository}:${tag}`)).toEqual([
      `team/app:${run.runId}`,
      "team/app:latest",
    ]);
    expect(world.engine.builds.at(-1)?.buildArgs).toEqual({ MESSAGE: "two words" });
    expect((await readLog(world, run.runId!)).text).toContain("Executing step ID: push. Timeout(sec): 3600");
  });

  test.each([
    { type: "FileTaskRunRequest", taskFilePath: "", platform: { os: "Linux" } } as const,
    { type: "EncodedTaskRunRequest", encodedTaskContent: "!!", platform: { os: "Linux" } } as const,
    { type: "EncodedTaskRunRequest", encodedTaskContent: "c3RlcHM6", platform: { os: "Windows" } } as const,
  ])("refuses what it cannot do: $type $encodedTaskContent", async (runRequest) => {
    const before = world.acr.runs().length;
    const call = world.client.registries.beginScheduleRun(world.acr.resourceGroup, registryName, runRequest);
    expect(await failure(call)).toMatchObject({ statusCode: 400, code: "InvalidRequestContent" });
    expect(world.acr.runs().length).toBe(before);
  });

  test("a run nobody knows is not found", async () => {
    const call = world.client.runs.get(world.acr.resourceGroup, registryName, "cfzz");
    expect(await failure(call)).toMatchObject({ statusCode: 404, code: "ResourceNotFound" });
  });
});

describe("as ARM does", () => {
  const version = "?api-version=2019-06-01-preview";

  test("needs an api-version it knows", async () => {
    const missing = await raw(world.acr.resourceId, token());
    expect([missing.status, missing.body.error?.code]).toEqual([400, "MissingApiVersionParameter"]);
    const unknown = await raw(`${world.acr.resourceId}/runs?api-version=2025-11-01`, token());
    expect([unknown.status, unknown.body.error?.code]).toEqual([400, "NoRegisteredProviderFound"]);
    expect((await raw(`${world.acr.resourceId}/runs?api-version=2025-03-01-preview`, token())).status).toBe(200);
  });

  test.each([
    ["no token", undefined, "AuthenticationFailed"],
    ["a made-up token", "a.b.c", "InvalidAuthenticationToken"],
  ])("answers 401 to %s", async (_, given, code) => {
    const answer = await raw(`${world.acr.resourceId}/runs${version}`, given);
    expect([answer.status, answer.body.error?.code]).toEqual([401, code]);
    expect(answer.headers["www-authenticate"]).toMatch(/^Bearer /);
  });

  test("answers 401 to a token for somebody else", async () => {
    const answer = await raw(`${world.acr.resourceId}/runs${version}`, token("https://storage.azure.com"));
    expect(answer.body.error?.code).toBe("InvalidAuthenticationTokenAudience");
  });

  test("does not tell cases apart in a path, and reports what is left of the limits", async () => {
    const path = `${world.acr.resourceId.toUpperCase()}/LISTBUILDSOURCEUPLOADURL${version}`;
    const answer = await raw(path, token(), "POST");
    expect(answer.status).toBe(200);
    expect(answer.headers["x-ms-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
    expect(Number(answer.headers["x-ms-ratelimit-remaining-subscription-writes"])).toBeLessThan(800);
  });

  test("another registry is not found", async () => {
    const path = world.acr.resourceId.replace(registryName, "otherone");
    expect((await raw(`${path}/runs${version}`, token())).body.error?.code).toBe("ResourceNotFound");
  });
});

describe("told to misbehave", () => {
  test("throttles the next requests, with Retry-After or without", async () => {
    world.acr.faults.add({ operation: "scheduleRun", times: 1 }, throttled());
    world.acr.faults.add({ operation: "scheduleRun", times: 1 }, throttled(7));
    const before = world.acr.runs().length;
    const [first, second] = [await failure(scheduleTask(world, trivial)), await failure(scheduleTask(world, trivial))];
    expect([first.statusCode, first.response?.headers.get("retry-after")]).toEqual([429, undefined]);
    expect([second.statusCode, second.response?.headers.get("retry-after")]).toEqual([429, "7"]);
    expect(world.acr.runs().length).toBe(before);
    await runEnded(world, (await scheduleTask(world, trivial)).runId!);
  });

  test("loses the reply of a request it carried out", async () => {
    for (const action of [lostReply, serverErrorAfterEffect(503)]) {
      const before = world.acr.runs().length;
      world.acr.faults.add({ operation: "scheduleRun" }, action);
      await failure(scheduleTask(world, trivial));
      expect(world.acr.runs().length).toBe(before + 1);
      await runEnded(world, world.acr.runs().at(-1)!.runId);
    }
  });

  test("turns callers away", async () => {
    const { subscriptionId, resourceId } = world.acr;
    world.acr.faults.add({ operation: "scheduleRun" }, authorizationFailed("scheduleRun/action", resourceId));
    world.acr.faults.add({ operation: "scheduleRun" }, tasksNotAllowed(registryName, subscriptionId));
    expect(await failure(scheduleTask(world, trivial))).toMatchObject({ statusCode: 403, code: "AuthorizationFailed" });
    expect(await failure(scheduleTask(world, trivial))).toMatchObject({ code: "TasksOperationsNotAllowed" });
  });

  test("keeps a run in the queue until let go, with no log to read meanwhile", async () => {
    const stuck = world.acr.faults.add({ operation: "execute" }, stuckInQueue);
    const { runId } = await scheduleTask(world, trivial);
    await expect(readLog(world, runId!)).rejects.toMatchObject({ statusCode: 404 });
    expect((await world.client.runs.get(world.acr.resourceGroup, registryName, runId!)).status).toBe("Queued");
    stuck.lift();
    expect((await runEnded(world, runId!)).status).toBe("Succeeded");
  });

  test("cancels a run that is still waiting, which then never starts; its log says so", async () => {
    world.acr.faults.add({ operation: "execute" }, stuckInQueue);
    const { runId } = await scheduleTask(world, trivial);
    await world.client.runs.beginCancelAndWait(world.acr.resourceGroup, registryName, runId!);
    const run = await runEnded(world, runId!);
    expect([run.status, run.startTime]).toEqual(["Canceled", undefined]);
    expect(await readLog(world, runId!)).toEqual({
      text: expect.stringContaining(`Run ID: ${runId} failed after 0s. Error: the run was canceled\r\n`),
      mark: "canceled",
    });
  });

  test("ends a run as a service-side fault", async () => {
    world.acr.faults.add({ operation: "execute" }, endsAs("Error", "agent lost"));
    const { runId } = await scheduleTask(world, trivial);
    expect(await runEnded(world, runId!)).toMatchObject({ status: "Error", runErrorMessage: "agent lost" });
    expect((await readLog(world, runId!)).mark).toBe("internalerror");
  });
});
