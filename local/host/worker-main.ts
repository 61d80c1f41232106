/**
 * The language worker: the process the app runs in, a child of the host as with the real one. It ends with the host, and
 * an error nobody caught ends it, which is Node's own rule and the real worker's.
 */
import { installCoreModule } from "./core-module.ts";
import type { InvocationRequest } from "./core-types.ts";
import { runHooks } from "./hooks.ts";
import { loadApp } from "./load-app.ts";
import { describeError, type Log } from "./log.ts";
import { performInvocation } from "./worker-invocation.ts";
import type { FromWorker, ToWorker } from "./worker-messages.ts";

const appDir = process.argv[2] ?? "";
const say = (message: FromWorker): void => {
  // The callback takes the error of a host that has gone; the disconnect below follows.
  process.send?.(message, () => {});
};
process.once("disconnect", () => process.exit(1));
// It may have gone while this file was being loaded.
if (!process.connected) process.exit(1);
// Ctrl-C reaches every process of the terminal; when this one ends is the host's to say.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => {});

const log: Log = (level, category, message, fields) =>
  say({ kind: "log", level, category, message, ...(fields ? { fields } : {}) });
const registry = installCoreModule((level, category, message) => log(level, `Worker.${category}`, message));
process.on("message", (message: ToWorker) => {
  if (message.kind === "workerTerminate") void terminate();
  else void invoke(message.request);
});

try {
  await loadApp(appDir, registry);
  // As JSON, the way the real worker hands them over: an option may hold what cannot be sent.
  const functions = registry.functions.map(({ metadata }) => JSON.parse(JSON.stringify(metadata)) as typeof metadata);
  say({ kind: "functionMetadata", functions });
} catch (error) {
  say({ kind: "loadFailed", error: describeError(error) });
}

async function invoke(request: InvocationRequest): Promise<void> {
  const { invocationId } = request;
  try {
    const response = await performInvocation(registry, request, log);
    say({ kind: "invocationResponse", invocationId, response });
  } catch (error) {
    say({ kind: "invocationFailed", invocationId, error: describeError(error) });
  }
}

async function terminate(): Promise<void> {
  try {
    await runHooks(registry.hooks("appTerminate"), { hookData: {}, appHookData: registry.appHookData });
  } catch (error) {
    console.error(describeError(error));
  }
  process.exit(0);
}
