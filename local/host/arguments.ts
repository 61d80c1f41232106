import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { parseTimeSpan } from "./time-span.ts";

export interface HostArguments {
  /** Absolute. */
  readonly appDir: string;
  readonly port: number;
  readonly keysFile: string | undefined;
  /** Milliseconds. */
  readonly maxPollingInterval: number | undefined;
  readonly receiveVisibility: number | undefined;
  readonly drain: number;
}

const USAGE = `usage: node --import tsx local/host/main.ts --app <dir> --port <n> [--keys <json file>]
  [--max-polling-interval 00:00:00.200] [--receive-visibility 00:00:05] [--drain 00:00:10]`;

export function parseHostArguments(argv: readonly string[]): HostArguments {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        app: { type: "string" },
        port: { type: "string", default: "0" },
        keys: { type: "string" },
        "max-polling-interval": { type: "string" },
        "receive-visibility": { type: "string" },
        drain: { type: "string", default: "00:00:10" },
      },
    });
    if (!values.app) throw new Error("--app is missing");
    const port = Number(values.port);
    if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`--port ${values.port} is not a port`);
    const receiveVisibility = milliseconds("--receive-visibility", values["receive-visibility"], 1_000);
    if (receiveVisibility !== undefined && receiveVisibility % 1_000 !== 0) {
      throw new Error("--receive-visibility must be whole seconds: the queue service counts in seconds");
    }
    return {
      appDir: resolve(values.app),
      port,
      keysFile: values.keys === undefined ? undefined : resolve(values.keys),
      maxPollingInterval: milliseconds("--max-polling-interval", values["max-polling-interval"], 1),
      receiveVisibility,
      drain: milliseconds("--drain", values.drain, 0) ?? 0,
    };
  } catch (cause) {
    throw new Error(`${(cause as Error).message}\n${USAGE}`, { cause });
  }
}

function milliseconds(flag: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined;
  const value = parseTimeSpan(text);
  if (value === undefined || value < least)
    throw new Error(`${flag} ${text} is not a time span hh:mm:ss[.fff] of at least ${least} ms`);
  return value;
}
