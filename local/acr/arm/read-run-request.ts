import { parse } from "yaml";
import type { DockerBuildWork, EncodedTaskWork, Platform, RunRecord } from "../run-record.ts";
import { badRequest } from "./arm-error.ts";
import { JsonFields } from "./json-fields.ts";

const defaultTimeout = 3600;
const timeoutLimits = { min: 300, max: 28_800 };

type RunFields = Pick<
  RunRecord,
  "platform" | "cpu" | "agentPoolName" | "isArchiveEnabled" | "customRegistries" | "network" | "work"
>;

/** Reads the body of scheduleRun, with the service's defaults. Passwords in `credentials` are dropped here. */
export function readRunRequest(body: unknown): RunFields {
  const request = new JsonFields(body, "runRequest");
  const type = request.text("type");
  const work = readWork(type, request);
  const agent = request.optionalFields("agentConfiguration");
  return {
    platform: readPlatform(request.fields("platform")),
    cpu: agent?.optionalNumber("cpu") ?? 2,
    agentPoolName: request.optionalText("agentPoolName"),
    isArchiveEnabled: request.flag("isArchiveEnabled", false),
    customRegistries: work.customRegistries,
    network: work.kind === "encoded-task" ? defaultNetwork(work.content) : undefined,
    work,
  };
}

function readWork(type: string, request: JsonFields): DockerBuildWork | EncodedTaskWork {
  switch (type) {
    case "DockerBuildRequest":
      return {
        kind: "docker-build",
        ...readCommon(request),
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
        ...readCommon(request),
        content: fromBase64(request.text("encodedTaskContent"), "encodedTaskContent"),
        valuesContent: fromBase64(request.optionalText("encodedValuesContent") ?? "", "encodedValuesContent"),
        values: Object.fromEntries(request.pairs("values").map(({ name, value }) => [name, value])),
      };
    case "FileTaskRunRequest":
    case "TaskRunRequest":
      throw badRequest(`Run requests of type '${type}' are not emulated by the local twin yet.`);
    default:
      throw badRequest(`The run request type '${type}' is not supported.`);
  }
}

function readCommon(request: JsonFields) {
  const timeoutSeconds = request.optionalNumber("timeout") ?? defaultTimeout;
  if (timeoutSeconds < timeoutLimits.min || timeoutSeconds > timeoutLimits.max) {
    throw badRequest(`The timeout must be between ${timeoutLimits.min} and ${timeoutLimits.max} seconds.`);
  }
  const credentials = request.optionalFields("credentials");
  const loginMode = credentials?.optionalFields("sourceRegistry")?.optionalText("loginMode");
  return {
    sourceLocation: request.optionalText("sourceLocation"),
    timeoutSeconds,
    customRegistries: credentials?.optionalFields("customRegistries")?.keys() ?? [],
    logsInToSourceRegistry: loginMode?.toLowerCase() !== "none",
  };
}

/** Read back in lower case, whatever the case it was sent in. */
function readPlatform(fields: JsonFields): Platform {
  const os = fields.text("os").toLowerCase();
  if (os !== "linux") throw badRequest(`The platform OS '${os}' is not emulated by the local twin.`);
  const variant = fields.optionalText("variant")?.toLowerCase();
  return {
    os,
    architecture: fields.optionalText("architecture")?.toLowerCase() ?? "amd64",
    ...(variant && { variant }),
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
