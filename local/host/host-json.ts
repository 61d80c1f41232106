import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { LogLevel } from "./core-types.ts";
import { parseLogLevel } from "./log.ts";
import { parseTimeSpan } from "./time-span.ts";

/** Times are milliseconds. Defaults are the real host's (facts/functions-host.md §2.4, §2.7). */
export interface QueueSettings {
  readonly batchSize: number;
  readonly newBatchThreshold: number;
  readonly maxPollingInterval: number;
  readonly maxDequeueCount: number;
  /** Applied after a failed run only. */
  readonly visibilityTimeout: number;
  readonly messageEncoding: "base64" | "none";
}

export interface HostSettings {
  readonly routePrefix: string;
  readonly queues: QueueSettings;
  /** Undefined: unbounded. */
  readonly functionTimeout: number | undefined;
  readonly logLevels: Readonly<Record<string, LogLevel>>;
}

type Json = Record<string, unknown>;

export async function readHostSettings(appDir: string, env: NodeJS.ProcessEnv): Promise<HostSettings> {
  const path = join(appDir, "host.json");
  let parsed: unknown;
  try {
    parsed = JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    throw new Error(`read ${path}`, { cause });
  }
  return hostSettingsFrom(parsed, env);
}

/** Reads the settings this host honours and ignores the others; a value out of range is an error, as in the real host. */
export function hostSettingsFrom(hostJson: unknown, env: NodeJS.ProcessEnv): HostSettings {
  const root = section(hostJson, "host.json");
  if (root.version !== "2.0") throw new Error(`host.json: version must be "2.0", got ${JSON.stringify(root.version)}`);
  const extensions = section(root.extensions, "extensions");
  const http = section(extensions.http, "extensions.http");
  return {
    routePrefix: typeof http.routePrefix === "string" ? http.routePrefix.replace(/^\/+|\/+$/g, "") : "api",
    queues: queueSettingsFrom(section(extensions.queues, "extensions.queues"), env),
    functionTimeout: functionTimeoutFrom(root.functionTimeout),
    logLevels: logLevelsFrom(section(section(root.logging, "logging").logLevel, "logging.logLevel")),
  };
}

function queueSettingsFrom(queues: Json, env: NodeJS.ProcessEnv): QueueSettings {
  const batchSize = integer(queues.batchSize, "batchSize", 16, 1, 32);
  const processors = env.WEBSITE_SKU === "Dynamic" ? 1 : availableParallelism();
  const development = env.AZURE_FUNCTIONS_ENVIRONMENT === "Development";
  const messageEncoding = String(queues.messageEncoding ?? "base64").toLowerCase();
  if (messageEncoding !== "base64" && messageEncoding !== "none") {
    throw new Error(`host.json: extensions.queues.messageEncoding must be base64 or none, got ${messageEncoding}`);
  }
  return {
    batchSize,
    newBatchThreshold: integer(
      queues.newBatchThreshold,
      "newBatchThreshold",
      Math.floor(batchSize / 2) * processors,
      0,
      Number.MAX_SAFE_INTEGER,
    ),
    maxPollingInterval: duration(queues.maxPollingInterval, "maxPollingInterval", development ? 2_000 : 60_000, 100),
    maxDequeueCount: integer(queues.maxDequeueCount, "maxDequeueCount", 5, 1, Number.MAX_SAFE_INTEGER),
    visibilityTimeout: duration(queues.visibilityTimeout, "visibilityTimeout", 0, 0),
    messageEncoding,
  };
}

function functionTimeoutFrom(value: unknown): number | undefined {
  if (value === "-1" || value === -1) return undefined;
  if (value === undefined) return 30 * 60_000;
  const timeout = typeof value === "string" ? parseTimeSpan(value) : undefined;
  if (timeout === undefined || timeout < 1_000) {
    throw new Error(
      `host.json: functionTimeout must be hh:mm:ss, at least one second, or -1, got ${JSON.stringify(value)}`,
    );
  }
  return timeout;
}

function logLevelsFrom(levels: Json): Record<string, LogLevel> {
  const entries = Object.entries(levels).map(([category, name]): [string, LogLevel] => {
    const level = typeof name === "string" ? parseLogLevel(name) : undefined;
    if (!level) throw new Error(`host.json: logging.logLevel.${category}: unknown level ${JSON.stringify(name)}`);
    return [category, level];
  });
  return Object.fromEntries(entries);
}

function section(value: unknown, name: string): Json {
  if (value === undefined) return {};
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Error(`host.json: ${name} must be an object`);
  return value as Json;
}

function integer(value: unknown, name: string, fallback: number, least: number, most: number): number {
  if (value === undefined) return fallback;
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
  throw new Error(
    `host.json: extensions.queues.${name} must be an integer of ${least} to ${most}, got ${JSON.stringify(value)}`,
  );
}

function duration(value: unknown, name: string, fallback: number, least: number): number {
  if (value === undefined) return fallback;
  const parsed = typeof value === "string" ? parseTimeSpan(value) : undefined;
  if (parsed !== undefined && parsed >= least) return parsed;
  throw new Error(
    `host.json: extensions.queues.${name} must be hh:mm:ss, at least ${least} ms, got ${JSON.stringify(value)}`,
  );
}
