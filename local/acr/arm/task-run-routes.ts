import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { isTerminal, type RunRecord } from "../run-record.ts";
import type { TaskRunRecord } from "../task-record.ts";
import { tasksVersions } from "./api-version.ts";
import { ArmError } from "./arm-error.ts";
import { JsonFields } from "./json-fields.ts";
import { mergePatch } from "./merge-patch.ts";
import type { Operation } from "./operations.ts";
import { retryAfter } from "./operations.ts";
import { readRunRequest } from "./read-run-request.ts";
import type { RegistryContext } from "./registry-context.ts";
import { type Call, givenName, jsonBody, operationUrl, type Route, required } from "./route.ts";
import { runResource } from "./run-resource.ts";
import { withoutSecrets } from "./task-resource.ts";

const versions = tasksVersions;
const path = "/taskruns/:taskrun";

export const taskRunRoutes: readonly Route[] = [
  { operation: "listTaskRuns", method: "GET", path: "/taskruns", versions, handle: listTaskRuns },
  { operation: "getTaskRun", method: "GET", path, versions, handle: getTaskRun },
  { operation: "createTaskRun", method: "PUT", path, versions, handle: createTaskRun },
  { operation: "updateTaskRun", method: "PATCH", path, versions, handle: updateTaskRun },
  { operation: "deleteTaskRun", method: "DELETE", path, versions, handle: deleteTaskRun },
  { operation: "getTaskRunDetails", method: "POST", path: `${path}/listdetails`, versions, handle: getDetails },
];

/** The operation of a task's run ends as its run does; it is as lasting as the run itself. */
export function taskRunOperation(id: string, registries: readonly RegistryContext[]): Operation | undefined {
  for (const { state } of registries) {
    const taskRun = state.list("taskRuns").find(({ operationId }) => operationId === id);
    if (!taskRun) continue;
    const run = state.run(taskRun.runId)!;
    const status = provisioningState(run);
    if (status !== "Failed") return { id, status };
    const why = run.runErrorMessage ?? `run ended as ${run.status}`;
    return { id, status, error: new ArmError(400, "RunFailed", `Run ${run.runId} ended as ${run.status}: ${why}`) };
  }
  return undefined;
}

function listTaskRuns(c: Call, registry: RegistryContext): Response {
  return c.json({ value: registry.state.list("taskRuns").map((taskRun) => resource(taskRun, registry, "hidden")) });
}

function getTaskRun(c: Call, registry: RegistryContext): Response {
  return c.json(resource(requireTaskRun(c, registry), registry, "hidden"));
}

function getDetails(c: Call, registry: RegistryContext): Response {
  return c.json(resource(requireTaskRun(c, registry), registry, "shown"));
}

async function createTaskRun(c: Call, registry: RegistryContext): Promise<Response> {
  const name = givenName(c, /^[a-zA-Z0-9-]{5,50}$/, "task run");
  const wanted = read(await jsonBody(c));
  const known = registry.state.find("taskRuns", name);
  return answer(c, known && sameRun(known, wanted) ? known : start(c, registry, known?.name ?? name, wanted), registry);
}

/** What the PATCH does not say stays; a run is started if what is left asks for another one. */
async function updateTaskRun(c: Call, registry: RegistryContext): Promise<Response> {
  const patch = new JsonFields(await jsonBody(c), "updateParameters").json();
  const known = requireTaskRun(c, registry);
  const { runRequest, forceUpdateTag, location, tags, identity } = known;
  const wanted = read(mergePatch({ location, tags, identity, properties: { runRequest, forceUpdateTag } }, patch));
  return answer(c, sameRun(known, wanted) ? known : start(c, registry, known.name, wanted), registry);
}

/** The run itself is not the resource, and goes on. */
function deleteTaskRun(c: Call, registry: RegistryContext): Response {
  return c.body(null, registry.state.remove("taskRuns", c.req.param("taskrun") ?? "") ? 200 : 204);
}

type Wanted = Omit<TaskRunRecord, "name" | "runId" | "operationId">;

function read(body: unknown): Wanted {
  const taskRun = new JsonFields(body, "taskRun");
  const properties = taskRun.fields("properties");
  return {
    location: taskRun.optionalText("location"),
    tags: taskRun.optionalFields("tags")?.json(),
    identity: taskRun.optionalFields("identity")?.json(),
    runRequest: properties.fields("runRequest").json(),
    forceUpdateTag: properties.optionalText("forceUpdateTag"),
  };
}

/** The same request under the same tag is the same run, however it ended: this is what makes a PUT safe to repeat. */
function sameRun(known: TaskRunRecord, wanted: Wanted): boolean {
  return known.forceUpdateTag === wanted.forceUpdateTag && isDeepStrictEqual(known.runRequest, wanted.runRequest);
}

function start(c: Call, registry: RegistryContext, name: string, wanted: Wanted): TaskRunRecord {
  const fields = readRunRequest(wanted.runRequest, registry, c.req.query("api-version"));
  const taskRun = registry.state.addTaskRun({ ...wanted, name, operationId: `taskruns-${randomUUID()}` }, fields);
  registry.queue.add(taskRun.runId);
  return taskRun;
}

/** 201 and the operation of the run there is: who repeats a PUT waits for the same run. */
function answer(c: Call, taskRun: TaskRunRecord, registry: RegistryContext): Response {
  const place = { subscriptionId: registry.subscriptionId, location: registry.state.settings.location };
  const url = operationUrl(c, place, "operationStatuses", taskRun.operationId);
  return c.json(resource(taskRun, registry, "hidden"), 201, { "Azure-AsyncOperation": url, ...retryAfter });
}

function resource(taskRun: TaskRunRecord, registry: RegistryContext, secrets: "hidden" | "shown") {
  const { name, location, tags, identity, runRequest, forceUpdateTag } = taskRun;
  const run = registry.state.run(taskRun.runId)!;
  return {
    type: "Microsoft.ContainerRegistry/registries/taskRuns",
    id: `${registry.resourceId}/taskRuns/${name}`,
    name,
    location,
    tags,
    identity,
    properties: {
      provisioningState: provisioningState(run),
      runRequest: secrets === "shown" ? runRequest : withoutSecrets(runRequest),
      runResult: runResource(run, registry),
      forceUpdateTag,
    },
  };
}

function provisioningState({ status }: RunRecord): string {
  if (!isTerminal(status)) return "Creating";
  if (status === "Succeeded" || status === "Canceled") return status;
  return "Failed";
}

function requireTaskRun(c: Call, registry: RegistryContext): TaskRunRecord {
  const name = c.req.param("taskrun") ?? "";
  return required(registry.state.find("taskRuns", name), "taskRuns", name, registry);
}
