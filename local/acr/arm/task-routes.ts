import type { TaskRecord } from "../task-record.ts";
import { tasksVersions } from "./api-version.ts";
import { JsonFields } from "./json-fields.ts";
import { mergePatch } from "./merge-patch.ts";
import { readTask } from "./read-task.ts";
import type { RegistryContext } from "./registry-context.ts";
import { type Call, givenName, jsonBody, type Route, required } from "./route.ts";
import { taskResource } from "./task-resource.ts";

const versions = tasksVersions;

export const taskRoutes: readonly Route[] = [
  { operation: "listTasks", method: "GET", path: "/tasks", versions, handle: listTasks },
  { operation: "getTask", method: "GET", path: "/tasks/:task", versions, handle: getTask },
  { operation: "createTask", method: "PUT", path: "/tasks/:task", versions, handle: createTask },
  { operation: "updateTask", method: "PATCH", path: "/tasks/:task", versions, handle: updateTask },
  { operation: "deleteTask", method: "DELETE", path: "/tasks/:task", versions, handle: deleteTask },
  { operation: "getTaskDetails", method: "POST", path: "/tasks/:task/listdetails", versions, handle: getTaskDetails },
];

function listTasks(c: Call, registry: RegistryContext): Response {
  return c.json({ value: registry.state.list("tasks").map((task) => taskResource(task, registry)) });
}

function getTask(c: Call, registry: RegistryContext): Response {
  return c.json(taskResource(requireTask(c, registry), registry));
}

function getTaskDetails(c: Call, registry: RegistryContext): Response {
  return c.json(taskResource(requireTask(c, registry), registry, "shown"));
}

/** Replaces all of it but what the service itself has learnt. */
async function createTask(c: Call, registry: RegistryContext): Promise<Response> {
  const name = givenName(c, /^[a-zA-Z0-9-_]{5,50}$/, "task");
  const read = readTask(await jsonBody(c), c.req.query("api-version"));
  const known = registry.state.find("tasks", name);
  const task: TaskRecord = {
    ...read,
    name: known?.name ?? name,
    creationDate: known?.creationDate ?? registry.clock.iso(),
    ...(known?.baseImageDependencies && { baseImageDependencies: known.baseImageDependencies }),
  };
  registry.state.save("tasks", task);
  // 200 for a new one, too: `az acr task create` reads the task out of that answer only, and shows its own insides at 201.
  return c.json(taskResource(task, registry));
}

async function updateTask(c: Call, registry: RegistryContext): Promise<Response> {
  const patch = new JsonFields(await jsonBody(c), "taskUpdateParameters").json();
  const task = requireTask(c, registry);
  const { location, tags, identity, properties } = task;
  const merged = mergePatch({ location, tags, identity, properties }, patch);
  const updated: TaskRecord = { ...task, ...readTask(merged, laterVersion(task, c)) };
  registry.state.save("tasks", updated);
  return c.json(taskResource(updated, registry));
}

/** An older client's PATCH must not take away what only the newer version can say. */
function laterVersion(task: TaskRecord, c: Call): string | undefined {
  const knowsIdentity = JSON.stringify(task.properties.credentials ?? {}).includes('"identity"');
  return knowsIdentity ? tasksVersions.at(-1) : c.req.query("api-version");
}

function deleteTask(c: Call, registry: RegistryContext): Response {
  return c.body(null, registry.state.remove("tasks", c.req.param("task") ?? "") ? 200 : 204);
}

function requireTask(c: Call, registry: RegistryContext): TaskRecord {
  const name = c.req.param("task") ?? "";
  return required(registry.state.find("tasks", name), "tasks", name, registry);
}
