import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { CLOCKS, clockOptions, clocksFrom, type HostClocks } from "./host-clocks.ts";

export interface HostArguments {
  /** Absolute. */
  readonly appDir: string;
  readonly port: number;
  readonly keysFile: string | undefined;
  readonly clocks: HostClocks;
}

const USAGE = `usage: node --import tsx local/host/main.ts --app <dir> --port <n> [--keys <json file>]
  clocks, as hh:mm:ss[.fff]: ${Object.values(CLOCKS)
    .map(({ flag }) => `--${flag}`)
    .join(" ")}`;

export function parseHostArguments(argv: readonly string[]): HostArguments {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        app: { type: "string" },
        port: { type: "string", default: "0" },
        keys: { type: "string" },
        ...clockOptions,
      },
    });
    if (!values.app) throw new Error("--app is missing");
    const port = Number(values.port);
    if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`--port ${values.port} is not a port`);
    return {
      appDir: resolve(values.app),
      port,
      keysFile: values.keys === undefined ? undefined : resolve(values.keys),
      clocks: clocksFrom(values),
    };
  } catch (cause) {
    throw new Error(`${(cause as Error).message}\n${USAGE}`, { cause });
  }
}
