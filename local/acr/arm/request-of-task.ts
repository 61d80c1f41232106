import { withToken } from "../run/source-location.ts";
import type { Json, TaskRecord } from "../task-record.ts";
import { badRequest, notFound } from "./arm-error.ts";
import { JsonFields } from "./json-fields.ts";
import type { RegistryContext } from "./registry-context.ts";

interface TaskRequest {
  /** The task's name as it was first written. */
  readonly task: string;
  /** The run request that would do the same without the task. */
  readonly asRequest: Json;
  readonly updateTriggerToken?: string;
}

/**
 * What a TaskRunRequest asks for. Only the context, the file, the target, arguments and values can be other than the
 * task's: image names, platform, timeout and credentials always come from the task.
 */
export function requestOfTask(request: JsonFields, registry: RegistryContext): TaskRequest {
  const task = findTask(request.text("taskId"), registry);
  const overrides = request.optionalFields("overrideTaskStepProperties") ?? new JsonFields({}, "overrides");
  const { step, trigger: _, ...settings } = task.properties;
  const updateTriggerToken = overrides.optionalText("updateTriggerToken");
  return {
    task: task.name,
    asRequest: {
      ...settings,
      ...stepRequest(step, overrides),
      sourceLocation: overrides.optionalText("contextPath") ?? ownContext(step),
      isArchiveEnabled: request.flag("isArchiveEnabled", false),
      agentPoolName: request.optionalText("agentPoolName") ?? settings.agentPoolName,
    },
    ...(updateTriggerToken !== undefined && { updateTriggerToken }),
  };
}

/** The token goes with the task's own context only: another may be anybody's. */
function ownContext({ contextPath, contextAccessToken }: Json): unknown {
  if (typeof contextPath !== "string" || typeof contextAccessToken !== "string") return contextPath;
  return withToken(contextPath, contextAccessToken);
}

function stepRequest(step: Json & { readonly type: string }, overrides: JsonFields): Json {
  const file = overrides.optionalText("file");
  const values = merged(step.values, overrides.pairs("values"));
  switch (step.type) {
    case "Docker":
      return {
        ...step,
        type: "DockerBuildRequest",
        dockerFilePath: file ?? step.dockerFilePath,
        target: overrides.optionalText("target") ?? step.target,
        arguments: merged(step.arguments, overrides.pairs("arguments")),
      };
    case "FileTask":
      return { ...step, type: "FileTaskRunRequest", taskFilePath: file ?? step.taskFilePath, values };
    default:
      return { ...step, type: "EncodedTaskRunRequest", values };
  }
}

/** An override takes the place of the task's own value of that name; the others stay. */
function merged(own: unknown, overrides: readonly { readonly name: string }[]): object[] {
  const names = new Set(overrides.map(({ name }) => name));
  return [...((own ?? []) as { name: string }[]).filter(({ name }) => !names.has(name)), ...overrides];
}

function findTask(taskId: string, registry: RegistryContext): TaskRecord {
  const [, id, name] = /^(\/.+)\/tasks\/([^/]+)$/i.exec(taskId) ?? [];
  if (id === undefined || name === undefined) throw badRequest(`The task id '${taskId}' is invalid.`);
  const task = id.toLowerCase() === registry.resourceId.toLowerCase() ? registry.state.find("tasks", name) : undefined;
  if (!task) throw notFound(`The task '${taskId}' was not found.`);
  return task;
}
