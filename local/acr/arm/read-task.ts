import { randomUUID } from "node:crypto";
import { parseTimerSchedule } from "../../host/timer-schedule.ts";
import type { Platform } from "../run-record.ts";
import type { Json, TaskRecord } from "../task-record.ts";
import { ArmError, badRequest } from "./arm-error.ts";
import { JsonFields } from "./json-fields.ts";

const defaultTimeout = 3600;
const timeoutLimits = { min: 300, max: 28_800 };
const onOff = ["Enabled", "Disabled"] as const;

type Settings = TaskRecord["properties"];

/** Reads the body of a task's PUT, with the defaults the service shows on read. Secrets are kept: a run needs them. */
export function readTask(
  body: unknown,
  apiVersion: string | undefined,
): Pick<TaskRecord, "location" | "tags" | "identity" | "properties"> {
  const task = new JsonFields(body, "task");
  const location = task.optionalText("location");
  if (!location) {
    throw new ArmError(400, "LocationRequired", "The location property is required for this definition.");
  }
  const identity = readIdentity(task);
  return {
    location: location.toLowerCase().replaceAll(" ", ""),
    tags: task.optionalFields("tags")?.json() ?? {},
    ...(identity && { identity }),
    properties: readProperties(task.fields("properties"), apiVersion),
  };
}

function readProperties(properties: JsonFields, apiVersion: string | undefined): Settings {
  const trigger = properties.optionalFields("trigger");
  const credentials = readCredentials(properties, apiVersion);
  return {
    status: properties.optionalWord("status", onOff) ?? "Enabled",
    platform: readPlatform(properties.fields("platform")),
    agentConfiguration: { cpu: cpuOf(properties) },
    ...given("agentPoolName", properties.optionalText("agentPoolName")),
    timeout: readTimeout(properties),
    step: readStep(properties.fields("step")),
    ...given("trigger", trigger && readTrigger(trigger)),
    ...(properties.optionalFields("credentials") && { credentials }),
    ...given("logTemplate", properties.optionalText("logTemplate")),
    isSystemTask: properties.flag("isSystemTask", false),
  };
}

function readStep(step: JsonFields): Settings["step"] {
  const type = step.word("type", ["Docker", "FileTask", "EncodedTask"]);
  const context = {
    ...given("contextPath", step.optionalText("contextPath")),
    ...given("contextAccessToken", step.optionalText("contextAccessToken")),
  };
  switch (type) {
    case "Docker":
      return {
        type,
        ...context,
        imageNames: step.texts("imageNames"),
        isPushEnabled: step.flag("isPushEnabled", true),
        noCache: step.flag("noCache", false),
        dockerFilePath: step.text("dockerFilePath"),
        ...given("target", step.optionalText("target")),
        arguments: readSecretPairs(step, "arguments"),
      };
    case "FileTask":
      return {
        type,
        ...context,
        taskFilePath: step.text("taskFilePath"),
        ...given("valuesFilePath", step.optionalText("valuesFilePath")),
        values: readSecretPairs(step, "values"),
      };
    case "EncodedTask":
      return {
        type,
        ...context,
        encodedTaskContent: step.text("encodedTaskContent"),
        ...given("encodedValuesContent", step.optionalText("encodedValuesContent")),
        values: readSecretPairs(step, "values"),
      };
  }
}

function readSecretPairs(step: JsonFields, key: "arguments" | "values"): Json[] {
  const secrets = step.list(key).map((item) => item.flag("isSecret", false));
  return step.pairs(key).map((pair, index) => ({ ...pair, isSecret: secrets[index] }));
}

/** Kept and shown. The twin fires none of them. */
function readTrigger(trigger: JsonFields): Json {
  const [timers, sources] = [trigger.list("timerTriggers"), trigger.list("sourceTriggers")];
  const base = trigger.optionalFields("baseImageTrigger");
  return {
    ...(timers.length > 0 && { timerTriggers: timers.map(readTimer) }),
    ...(sources.length > 0 && { sourceTriggers: sources.map(readSource) }),
    ...(base && { baseImageTrigger: readBase(base) }),
  };
}

function readTimer(timer: JsonFields): Json {
  const schedule = timer.text("schedule");
  if (schedule.trim().split(/\s+/).length !== 5) {
    throw badRequest(`The timer trigger's schedule '${schedule}' is not a cron expression of five fields.`);
  }
  try {
    parseTimerSchedule(schedule);
  } catch (error) {
    throw badRequest(`The timer trigger's ${(error as Error).message}.`);
  }
  return { name: timer.text("name"), schedule, status: timer.optionalWord("status", onOff) ?? "Enabled" };
}

function readSource(source: JsonFields): Json {
  const repository = source.fields("sourceRepository");
  const type = repository.word("sourceControlType", ["Github", "VisualStudioTeamService"]);
  const repositoryUrl = repository.text("repositoryUrl");
  if (!/^https?:\/\/[^/\s]+\/[^/\s]+\/\S+$/.test(repositoryUrl)) {
    // Seen on Azure, with this target and no details.
    throw new ArmError(400, "InvalidRepositoryUrl", `The repository URL '${repositoryUrl}' is invalid.`, {
      target: type,
    });
  }
  const events = source.texts("sourceTriggerEvents");
  if (events.length === 0) throw badRequest("Missing required property 'sourceTriggerEvents'.");
  const credentials = repository.optionalFields("sourceControlAuthProperties");
  return {
    name: source.text("name"),
    status: source.optionalWord("status", onOff) ?? "Enabled",
    sourceTriggerEvents: events,
    sourceRepository: {
      sourceControlType: type,
      repositoryUrl,
      ...given("branch", repository.optionalText("branch")),
      ...given("sourceControlAuthProperties", credentials?.json()),
    },
  };
}

function readBase(base: JsonFields): Json {
  return {
    name: base.text("name"),
    baseImageTriggerType: base.word("baseImageTriggerType", ["All", "Runtime"]),
    status: base.optionalWord("status", onOff) ?? "Enabled",
    updateTriggerPayloadType: base.optionalWord("updateTriggerPayloadType", ["Default", "Token"]) ?? "Default",
    ...given("updateTriggerEndpoint", base.optionalText("updateTriggerEndpoint")),
  };
}

/** `identity` of the source registry came with 2025's version: earlier ones know no such property, and skip it. */
export function readCredentials(
  of: JsonFields,
  apiVersion: string | undefined,
): { readonly sourceRegistry?: Json; readonly customRegistries?: Json } {
  const credentials = of.optionalFields("credentials");
  const source = credentials?.optionalFields("sourceRegistry");
  const custom = credentials?.optionalFields("customRegistries");
  const identity = apiVersion?.startsWith("2025") ? source?.optionalText("identity") : undefined;
  if (
    identity !== undefined &&
    !/^(\[system\]|\[caller\]|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i.test(identity)
  ) {
    throw badRequest(`The identity '${identity}' is neither [system], [caller] nor a client id.`);
  }
  return {
    ...(source && {
      sourceRegistry: {
        loginMode: source.optionalWord("loginMode", ["None", "Default"]) ?? "Default",
        ...given("identity", identity),
      },
    }),
    ...(custom && { customRegistries: custom.json() }),
  };
}

function readIdentity(task: JsonFields): Json | undefined {
  const identity = task.optionalFields("identity");
  const type = identity?.optionalText("type");
  if (!identity || type === undefined || type === "None") return undefined;
  const system = type.toLowerCase().includes("systemassigned");
  // Whose principal it is nobody in the twin asks; that there is one, a client may.
  return { ...(system && { principalId: randomUUID() }), ...identity.json() };
}

/** Seconds. */
export function readTimeout(of: JsonFields): number {
  const timeout = of.optionalNumber("timeout") ?? defaultTimeout;
  if (timeout < timeoutLimits.min || timeout > timeoutLimits.max) {
    throw badRequest(`The timeout must be between ${timeoutLimits.min} and ${timeoutLimits.max} seconds.`);
  }
  return timeout;
}

export function cpuOf(of: JsonFields): number {
  return of.optionalFields("agentConfiguration")?.optionalNumber("cpu") ?? 2;
}

/** Read back in lower case, whatever the case it was sent in. */
export function readPlatform(fields: JsonFields): Platform {
  const os = fields.text("os").toLowerCase();
  if (os !== "linux") throw badRequest(`The platform OS '${os}' is not emulated by the local twin.`);
  const variant = fields.optionalText("variant")?.toLowerCase();
  return {
    os,
    architecture: fields.optionalText("architecture")?.toLowerCase() ?? "amd64",
    ...(variant && { variant }),
  };
}

function given(key: string, value: unknown): Json {
  return value === undefined ? {} : { [key]: value };
}
