import type { IncomingMessage } from "node:http";
import { answerAdmin, handMadeMessage } from "./admin.ts";
import { inTargetGroup, targetGroup } from "./function-group.ts";
import { describeClocks, type HostClocks } from "./host-clocks.ts";
import { hostIdOf } from "./host-id.ts";
import { type HostSettings, type QueueSettings, readHostSettings } from "./host-json.ts";
import { invokeHttp } from "./http-invocation.ts";
import { DEFAULT_BODY_LIMIT } from "./http-request.ts";
import { writeEmpty } from "./http-response.ts";
import { findRoute, type HttpFunction, httpRoutes } from "./http-router.ts";
import { listenHttp } from "./http-server.ts";
import { createInvoker, type Invoker } from "./invocation.ts";
import { isAllowed, type KeysFile, requestKey } from "./keys.ts";
import type { LanguageWorker } from "./language-worker.ts";
import { describeError, type Log } from "./log.ts";
import { type FunctionDefinition, functionDefinitions, type QueueTrigger, type TimerTrigger } from "./metadata.ts";
import { bindOutputs } from "./outputs.ts";
import { QueueListener } from "./queue-listener.ts";
import { queueTriggerData, queueTriggerMetadata } from "./queue-message.ts";
import { QueueWake } from "./queue-wake.ts";
import { SingletonLock } from "./singleton-lock.ts";
import { StorageConnections } from "./storage-connection.ts";
import { Timer } from "./timer.ts";
import { timerStatusStore } from "./timer-status.ts";

/** Milliseconds, the real host's. */
const RECEIVE_VISIBILITY = 10 * 60_000;
const TIMER_LOCK = 60_000;
const TIMER_LOCK_POLL = 60_000;
const DRAIN = 10_000;

export interface HostOptions {
  /** Absolute. */
  readonly appDir: string;
  readonly port: number;
  readonly keys: KeysFile;
  readonly env: NodeJS.ProcessEnv;
  readonly worker: LanguageWorker;
  readonly log: Log;
  readonly clocks: HostClocks;
  /** Called as soon as host.json is read: the log filters by it. */
  readonly onSettings: (settings: HostSettings) => void;
  /** A timer's lock was lost to another host: the real host shuts down. */
  readonly onLockLost: () => void;
}

export interface Host {
  readonly url: string;
  /** Takes nothing new, waits for what runs, ends the worker. */
  stop(): Promise<void>;
}

/** Waits until the worker has loaded the app and starts to serve it: HTTP, then queues and timers. */
export async function startHost(options: HostOptions): Promise<Host> {
  const { appDir, env, worker, log, clocks } = options;
  const settings = await readHostSettings(appDir, env);
  options.onSettings(settings);
  const functions = functionDefinitions(await worker.functions(), env);
  const { routes, errors } = httpRoutes(functions.filter(isHttp), settings.routePrefix);
  for (const { functionName, message } of errors) {
    log("error", "Host.Startup", `The '${functionName}' function is in error: ${message}`, { function: functionName });
  }
  const connections = new StorageConnections(env);
  const wake = new QueueWake();
  const outputs = { connections, wake, messageEncoding: settings.queues.messageEncoding };
  const invoker = createInvoker({
    worker,
    log,
    functionTimeout: settings.functionTimeout,
    bindOutputs: (definition, response) => bindOutputs(outputs, definition, response),
  });
  const hostId = hostIdOf(appDir, env);
  const listened = functions.filter((definition) => !definition.disabled && inTargetGroup(definition, env));
  const queues = {
    ...settings.queues,
    maxPollingInterval: clocks.maxPollingInterval ?? settings.queues.maxPollingInterval,
  };
  const listeners = listened
    .filter(isQueue)
    .map((definition) => queueListener(definition, options, queues, connections, wake, invoker));
  const timers = new Map(
    functions
      .filter(isTimer)
      .map((definition) => [definition.name, timer(definition, hostId, log, connections, invoker)]),
  );
  for (const output of functions.flatMap((definition) => definition.queueOutputs))
    connections.queues(output.connection);

  let stopping = false;
  const bodyLimit = Number(env.FUNCTIONS_REQUEST_BODY_SIZE_LIMIT || DEFAULT_BODY_LIMIT);
  const admin = {
    keys: options.keys,
    status: { id: hostId, functionGroup: targetGroup(env) ?? null, clocks: describeClocks(clocks) },
    functions,
    errors: new Map(errors.map((error) => [error.functionName, error.message])),
    fire: (definition: FunctionDefinition, input: string) => fire(definition, input, timers, invoker),
  };
  const http = { keys: options.keys, invoker, log, bodyLimit };
  const isMaster = (url: URL, { headers }: IncomingMessage): boolean =>
    isAllowed(options.keys, "admin", "", requestKey(headers["x-functions-key"], url.searchParams));
  const server = await listenHttp(
    options.port,
    async (url, request, response) => {
      if (stopping) return writeEmpty(response, 503);
      if (/^\/admin(\/|$)/i.test(url.pathname)) return answerAdmin(admin, url, request, response);
      const found = findRoute(routes, request.method ?? "GET", url.pathname);
      if (!found || (found.definition.disabled && !isMaster(url, request))) return writeEmpty(response, 404);
      return invokeHttp(http, found.definition, found.values, url, request, response);
    },
    (error) => log("error", "Host.Http", describeError(error)),
  );
  for (const listener of listeners) listener.start();
  const locks = listened.filter(isTimer).flatMap(({ name }) => {
    const start = (): void => {
      const failed = (error: unknown) => log("error", "Host.Triggers.Timer", describeError(error), { function: name });
      timers.get(name)?.start().catch(failed);
    };
    const period = clocks.timerLock ?? TIMER_LOCK;
    if (period > 0) return [timerLock(name, hostId, period, options, connections, start)];
    start();
    return [];
  });
  for (const lock of locks) lock.start();
  const which = targetGroup(env) ?? `${functions.length} functions`;
  log("information", "Host.Startup", `Serving ${which} of ${appDir} on ${server.url} (process ${process.pid})`);

  return {
    url: server.url,
    async stop() {
      stopping = true;
      const drain = clocks.drain ?? DRAIN;
      for (const running of timers.values()) running.stop();
      const finished = (async () => {
        const closed = server.close();
        await Promise.all(listeners.map((listener) => listener.stop()));
        await Promise.all([invoker.idle(), ...listeners.map((listener) => listener.idle())]);
        await closed;
      })();
      if (!(await settledWithin(finished, drain))) {
        log("warning", "Host.Shutdown", `Invocations still run after ${drain} ms; they are abandoned`);
        server.cut();
      }
      await Promise.all(locks.map((lock) => lock.release()));
      await worker.stop();
    },
  };
}

function queueListener(
  definition: FunctionDefinition<QueueTrigger>,
  options: HostOptions,
  settings: QueueSettings,
  connections: StorageConnections,
  wake: QueueWake,
  invoker: Invoker,
): QueueListener {
  return new QueueListener({
    functionName: definition.name,
    trigger: definition.trigger,
    account: connections.queues(definition.trigger.connection),
    settings,
    receiveVisibility: options.clocks.receiveVisibility ?? RECEIVE_VISIBILITY,
    wake,
    log: options.log,
    run: (input) => invoker.invoke(definition, input),
  });
}

function timer(
  definition: FunctionDefinition<TimerTrigger>,
  hostId: string,
  log: Log,
  connections: StorageConnections,
  invoker: Invoker,
): Timer {
  return new Timer({
    functionName: definition.name,
    trigger: definition.trigger,
    status: timerStatusStore(connections.blobs(), hostId, definition.name),
    log,
    run: (input) => invoker.invoke(definition, input),
  });
}

/** The lock under which one of several hosts runs a timer. */
function timerLock(
  functionName: string,
  hostId: string,
  period: number,
  { clocks, log, onLockLost }: HostOptions,
  connections: StorageConnections,
  onAcquired: () => void,
): SingletonLock {
  const tell = (level: "warning" | "critical", error: unknown): void =>
    log(level, "Host.Singleton", describeError(error), { function: functionName });
  return new SingletonLock({
    blobs: connections.blobs(),
    lockId: `${hostId}/Host.Functions.${functionName}.Listener`,
    period,
    poll: clocks.timerLockPoll ?? TIMER_LOCK_POLL,
    onAcquired,
    onLost: (error) => {
      tell("critical", error);
      onLockLost();
    },
    onProblem: (error) => tell("warning", error),
  });
}

/** Failures are logged by the invoker; nobody waits for the outcome. */
function fire(
  definition: FunctionDefinition,
  input: string,
  timers: ReadonlyMap<string, Timer>,
  invoker: Invoker,
): void {
  const reason = "This function was programmatically called via the host APIs.";
  if (isTimer(definition)) {
    timers
      .get(definition.name)
      ?.fire(reason)
      .catch(() => {});
  } else if (isQueue(definition)) {
    const body = Buffer.from(input, "utf8");
    const triggerMetadata = queueTriggerMetadata(handMadeMessage(), body);
    invoker
      .invoke(definition, { data: queueTriggerData(body, definition.trigger.binary), triggerMetadata, reason })
      .catch(() => {});
  }
}

async function settledWithin(work: Promise<unknown>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds);
  });
  const done = await Promise.race([work.then(() => true), late]);
  clearTimeout(timer);
  return done;
}

function isHttp(definition: FunctionDefinition): definition is HttpFunction {
  return definition.trigger.kind === "http";
}

function isQueue(definition: FunctionDefinition): definition is FunctionDefinition<QueueTrigger> {
  return definition.trigger.kind === "queue";
}

function isTimer(definition: FunctionDefinition): definition is FunctionDefinition<TimerTrigger> {
  return definition.trigger.kind === "timer";
}
