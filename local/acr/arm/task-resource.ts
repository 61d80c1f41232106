import type { Json, TaskRecord } from "../task-record.ts";
import type { RegistryContext } from "./registry-context.ts";
import { precise } from "./run-resource.ts";

/** A task as GET and list show it, without its secrets; `listDetails` shows it with them. */
export function taskResource(task: TaskRecord, registry: RegistryContext, secrets: "hidden" | "shown" = "hidden") {
  const { step, ...properties } = task.properties;
  const bases = task.baseImageDependencies;
  // Absent on a new task and there after its first successful run: the only sign that Azure follows its bases.
  const whole = { ...properties, step: { ...step, ...(bases && { baseImageDependencies: bases }) } };
  return {
    type: "Microsoft.ContainerRegistry/registries/tasks",
    id: `${registry.resourceId}/tasks/${task.name}`,
    name: task.name,
    location: task.location,
    tags: task.tags,
    ...(task.identity && { identity: task.identity }),
    properties: {
      provisioningState: "Succeeded",
      creationDate: precise(task.creationDate),
      ...(secrets === "shown" ? whole : withoutSecrets(whole)),
    },
  };
}

/** Of tasks and run requests alike: which properties hold secrets is told by their names, wherever they stand. */
export function withoutSecrets(value: Json): Json {
  const shown: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) {
    if (secretKeys.has(key)) continue;
    if (key === "updateTriggerEndpoint") shown[key] = null;
    else if (key === "customRegistries" && isObject(inner)) shown[key] = mapValues(inner, () => null);
    else if (Array.isArray(inner)) shown[key] = inner.map((item) => (isObject(item) ? withoutSecret(item) : item));
    else shown[key] = isObject(inner) ? withoutSecrets(inner) : inner;
  }
  return shown;
}

const secretKeys = new Set(["contextAccessToken", "sourceControlAuthProperties"]);

/** How a secret value reads back has not been seen; here it is left out. */
function withoutSecret(item: Json): Json {
  if (item.isSecret !== true) return withoutSecrets(item);
  const { value: _, ...rest } = item;
  return rest;
}

function mapValues(object: Json, value: () => unknown): Json {
  return Object.fromEntries(Object.keys(object).map((key) => [key, value()]));
}

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
