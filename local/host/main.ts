/** One process is one host; the app runs in a child of it, the language worker. */
import { parseHostArguments } from "./arguments.ts";
import type { LogLevel } from "./core-types.ts";
import type { Host } from "./host.ts";
import { describeClocks } from "./host-clocks.ts";
import { LanguageWorker } from "./language-worker.ts";
import { createLog, describeError } from "./log.ts";
import { onParentGone } from "./parent-watch.ts";

/** Milliseconds between two restarts of a crashing worker, the real host's. */
const RESTART_INTERVAL = 10_000;

let logLevels: Readonly<Record<string, LogLevel>> = {};
const log = createLog(
  (line) => process.stderr.write(line),
  () => logLevels,
);
const tell = (fact: object): void => {
  process.stdout.write(JSON.stringify(fact) + "\n");
};
const fail = (category: string, what: string): never => {
  log("critical", category, what);
  process.exit(1);
};

process.on("uncaughtException", (error) => fail("Host.General", `Uncaught exception: ${describeError(error)}`));

let host: Host | undefined;
let stopping = false;
async function stop(why: string): Promise<void> {
  if (stopping) return;
  stopping = true;
  log("information", "Host.Shutdown", `Stopping: ${why}`);
  try {
    await host?.stop();
    process.exit(0);
  } catch (error) {
    fail("Host.Shutdown", describeError(error));
  }
}
process.on("SIGTERM", () => void stop("SIGTERM"));
process.on("SIGINT", () => void stop("SIGINT"));
onParentGone(() => void stop("the parent process is gone"));

try {
  const { appDir, port, keysFile, clocks } = parseHostArguments(process.argv.slice(2));
  const notAsOnAzure = describeClocks(clocks);
  if (notAsOnAzure.length > 0) log("warning", "Host.Startup", `Clocks not as on Azure: ${notAsOnAzure.join("; ")}`);
  // First of all: the app loads while this process is still loading itself.
  const worker = new LanguageWorker({
    appDir,
    log,
    restartInterval: clocks.restartInterval ?? RESTART_INTERVAL,
    onLoaded: (workerPid) => tell({ workerPid }),
    onGivenUp: () =>
      fail("Host.Worker", "Exceeded language worker restart retry count. Shutting down the Functions Host"),
  });
  const [{ startHost }, { randomKeys, readKeys }] = await Promise.all([import("./host.ts"), import("./keys.ts")]);
  host = await startHost({
    appDir,
    port,
    keys: keysFile === undefined ? randomKeys() : await readKeys(keysFile),
    env: process.env,
    worker,
    log,
    clocks,
    onSettings: (settings) => {
      logLevels = settings.logLevels;
    },
    onLockLost: () => process.exit(1),
  });
  tell({ ready: true, url: host.url });
} catch (error) {
  fail("Host.Startup", describeError(error));
}
