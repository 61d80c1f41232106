import { parseHostArguments } from "./arguments.ts";
import { installCoreModule } from "./core-module.ts";
import type { LogLevel } from "./core-types.ts";
import { type Host, startHost } from "./host.ts";
import { randomKeys, readKeys } from "./keys.ts";
import { createLog, describeError } from "./log.ts";
import { onParentGone } from "./parent-watch.ts";

// One process is one host with one app, as with the real one: the library keeps its state in module variables.
const writeStdout = process.stdout.write.bind(process.stdout);
const writeStderr = process.stderr.write.bind(process.stderr);
let logLevels: Readonly<Record<string, LogLevel>> = {};
const log = createLog(writeStderr, () => logLevels);

// What the app prints by console.* becomes log lines, so that stdout carries the ready line alone and stderr JSON alone.
capture(process.stdout, "information");
capture(process.stderr, "error");

process.on("uncaughtException", (error) => {
  log("critical", "Host.General", `Uncaught exception: ${describeError(error)}`);
  process.exit(1);
});

let host: Host | undefined;
try {
  const args = parseHostArguments(process.argv.slice(2));
  let stopping = false;
  const stop = async (why: string): Promise<void> => {
    if (stopping) return;
    stopping = true;
    log("information", "Host.Shutdown", `Stopping: ${why}`);
    try {
      await host?.stop(args.drain);
      process.exit(0);
    } catch (error) {
      log("error", "Host.Shutdown", describeError(error));
      process.exit(1);
    }
  };
  process.on("SIGTERM", () => void stop("SIGTERM"));
  process.on("SIGINT", () => void stop("SIGINT"));
  onParentGone(() => void stop("the parent process is gone"));

  const { maxPollingInterval, receiveVisibility } = args;
  if (maxPollingInterval !== undefined)
    log("warning", "Host.Startup", `maxPollingInterval is ${maxPollingInterval} ms instead of host.json's`);
  if (receiveVisibility !== undefined)
    log("warning", "Host.Startup", `Received messages are invisible for ${receiveVisibility} ms instead of 10 min`);
  const keys = args.keysFile === undefined ? randomKeys() : await readKeys(args.keysFile);
  const registry = installCoreModule((level, category, message) => log(level, `Worker.${category}`, message));
  // The worker's working directory is the app's folder.
  process.chdir(args.appDir);
  host = await startHost({
    ...args,
    keys,
    env: process.env,
    registry,
    log,
    onSettings: (settings) => {
      logLevels = settings.logLevels;
    },
    onTimeout: () => process.exit(1),
  });
  writeStdout(JSON.stringify({ ready: true, url: host.url }) + "\n");
} catch (error) {
  log("critical", "Host.Startup", describeError(error));
  process.exit(1);
}

function capture(stream: NodeJS.WriteStream, level: LogLevel): void {
  stream.write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
    const text = typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("utf8");
    if (text.trim() !== "") log(level, "Host.Function.Console", text.trimEnd());
    const callback = rest.find((argument) => typeof argument === "function") as (() => void) | undefined;
    callback?.();
    return true;
  };
}
