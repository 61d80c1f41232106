import { parse } from "yaml";
import type { RunRecord, Work } from "../run-record.ts";
import { badRequest } from "./arm-error.ts";
import { JsonFields } from "./json-fields.ts";
import { cpuOf, readCredentials, readPlatform, readTimeout } from "./read-task.ts";
import type { RegistryContext } from "./registry-context.ts";
import { requestOfTask } from "./request-of-task.ts";

type RunFields = Pick<
  RunRecord,
  | "platform"
  | "cpu"
  | "agentPoolName"
  | "isArchiveEnabled"
  | "customRegistries"
  | "network"
  | "work"
  | "task"
  | "updateTriggerToken"
>;

/**
 * Reads the body of scheduleRun, with the service's defaults. A task's run is read as the request its task stands for.
 * Passwords in `credentials` are dropped here.
 */
export function readRunRequest(body: unknown, registry: RegistryContext, apiVersion?: string): RunFields {
  const request = new JsonFields(body, "runRequest");
  if (request.text("type") !== "TaskRunRequest") return readRequest(request, apiVersion);
  const { task, asRequest, updateTriggerToken } = requestOfTask(request, registry);
  return { ...readRequest(new JsonFields(asRequest, "runRequest"), apiVersion), task, updateTriggerToken };
}

function readRequest(request: JsonFields, apiVersion: string | undefined): RunFields {
  const work = readWork(request.text("type"), request, apiVersion);
  return {
    platform: readPlatform(request.fields("platform")),
    cpu: cpuOf(request),
    agentPoolName: request.optionalText("agentPoolName"),
    isArchiveEnabled: request.flag("isArchiveEnabled", false),
    customRegistries: work.customRegistries,
    network: work.kind === "encoded-task" ? defaultNetwork(work.content) : undefined,
    work,
  };
}

function readWork(type: string, request: JsonFields, apiVersion: string | undefined): Work {
  switch (type) {
    case "DockerBuildRequest":
      return {
        kind: "docker-build",
        ...readCommon(request, apiVersion),
        dockerFilePath: request.text("dockerFilePath"),
        target: request.optionalText("target"),
        imageNames: request.texts("imageNames"),
        push: request.flag("isPushEnabled", true),
        noCache: request.flag("noCache", false),
        arguments: request.pairs("arguments"),
      };
    case "EncodedTaskRunRequest":
      return {
        kind: "encoded-task",
        ...readCommon(request, apiVersion),
        content: fromBase64(request.text("encodedTaskContent"), "encodedTaskContent"),
        valuesContent: fromBase64(request.optionalText("encodedValuesContent") ?? "", "encodedValuesContent"),
        values: readValues(request),
      };
    case "FileTaskRunRequest":
      return {
        kind: "file-task",
        ...readCommon(request, apiVersion),
        taskFilePath: request.text("taskFilePath"),
        valuesFilePath: request.optionalText("valuesFilePath"),
        values: readValues(request),
      };
    default:
      throw badRequest(`The run request type '${type}' is not supported.`);
  }
}

function readValues(request: JsonFields): Record<string, string> {
  return Object.fromEntries(request.pairs("values").map(({ name, value }) => [name, value]));
}

function readCommon(request: JsonFields, apiVersion: string | undefined) {
  const { customRegistries, sourceRegistry } = readCredentials(request, apiVersion);
  return {
    sourceLocation: request.optionalText("sourceLocation"),
    timeoutSeconds: readTimeout(request),
    customRegistries: Object.keys(customRegistries ?? {}),
    logsInToSourceRegistry: sourceRegistry?.loginMode !== "None",
  };
}

function fromBase64(text: string, property: string): string {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw badRequest(`The value of '${property}' is not base64.`);
  return Buffer.from(text, "base64").toString("utf8");
}

/** For the ledger only: a task that cannot be read has no name, and fails later, in its run. */
function defaultNetwork(content: string): string | undefined {
  try {
    const task = parse(content) as { networks?: { name?: unknown; isDefault?: unknown }[] } | null;
    const name = task?.networks?.findLast?.((network) => network?.isDefault === true)?.name;
    return typeof name === "string" ? name : undefined;
  } catch {
    return undefined;
  }
}
