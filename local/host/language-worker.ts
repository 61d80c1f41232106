import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { FunctionMetadata, InvocationRequest, InvocationResponse } from "./core-types.ts";
import { CrashBudget } from "./crash-budget.ts";
import type { InvocationWorker } from "./invocation.ts";
import { describeError, type Log } from "./log.ts";
import type { FromWorker, ToWorker } from "./worker-messages.ts";

export interface LanguageWorkerOptions {
  /** Absolute; the worker's working directory. */
  readonly appDir: string;
  readonly log: Log;
  /** Milliseconds from one restart to the next. */
  readonly restartInterval: number;
  /** Each process that has loaded the app. */
  readonly onLoaded: (pid: number) => void;
  /** It crashed too often: the real host ends then, and the platform starts it again. */
  readonly onGivenUp: () => void;
}

const MAIN = fileURLToPath(new URL("./worker-main.ts", import.meta.url));
/** WorkerConstants.WorkerTerminateGracePeriodInSeconds of the real host. */
const TERMINATE_GRACE = 5_000;
/** WorkerConstants.IntentionalRestartExitCode. */
const ASKS_FOR_RESTART = 200;

interface Pending {
  resolve(response: InvocationResponse): void;
  reject(error: Error): void;
}

/** One process and what runs in it. */
interface Channel {
  readonly child: ChildProcess;
  readonly executing: Map<string, Pending>;
  /** What the app registered; rejects when the process could not load it. */
  readonly loaded: Promise<readonly FunctionMetadata[]>;
  /** Takes invocations: it has loaded the app and nobody has ended it. */
  serving: boolean;
}

/**
 * The process the app runs in, and its successors (azure-functions-host 4.1037, RpcFunctionInvocationDispatcher and
 * WorkerProcess):
 * - It crashes: all it ran fails at once and another is started, the first at once, further ones `restartInterval` apart;
 *   the third crash with less than half an hour between them is the last.
 * - It is ended after a functionTimeout: what else it ran gets no answer and waits for its own functionTimeout.
 * - It ends with code 0: nobody notices until a functionTimeout; with code 200: started again, not counted as a crash.
 */
export class LanguageWorker implements InvocationWorker {
  readonly #options: LanguageWorkerOptions;
  readonly #crashes = new CrashBudget();
  #current: Channel;
  /** Invocations wait for it while a process is being replaced. */
  #ready: Promise<Channel>;
  #lastRestart = Number.NEGATIVE_INFINITY;
  #stopping = false;

  /** Starts the first process. */
  constructor(options: LanguageWorkerOptions) {
    this.#options = options;
    const first = this.#spawn();
    this.#current = first;
    this.#ready = first.loaded.then(() => first);
    // Whoever asks for the functions is told.
    this.#ready.catch(() => {});
  }

  /** What the app registered; rejects when the first process could not load it. */
  functions(): Promise<readonly FunctionMetadata[]> {
    return this.#current.loaded;
  }

  async invoke(request: InvocationRequest): Promise<InvocationResponse> {
    const { child, executing } = await this.#ready;
    return new Promise((resolve, reject) => {
      executing.set(request.invocationId, { resolve, reject });
      tell(child, { kind: "invocationRequest", request });
    });
  }

  endProcessRunning(invocationId: string): void {
    const channel = this.#current;
    // Not there: the process it ran in has been replaced already.
    if (!channel.executing.has(invocationId)) return;
    this.#log("warning", `A function timeout has occurred. Restarting worker process executing '${invocationId}'.`);
    channel.executing.clear();
    channel.serving = false;
    this.#replace(terminate(channel.child));
  }

  /** Lets the app's appTerminate hooks run, for five seconds at most. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await terminate(this.#current.child);
  }

  #spawn(): Channel {
    const { appDir, log, onLoaded } = this.#options;
    // Only tsx's hook for ES modules: it reads this folder, while the app's own files meet plain Node as they will on Azure.
    const child = spawn(process.execPath, ["--import", import.meta.resolve("tsx/esm"), MAIN, appDir], {
      cwd: appDir,
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      serialization: "advanced",
    });
    // One that does not react would outlive this process: it would not notice that the channel is closed.
    const kill = () => child.kill("SIGKILL");
    process.once("exit", kill);
    child.once("exit", () => process.off("exit", kill));
    forEachLine(child.stdout, (line) => log("information", "Host.Function.Console", line));
    forEachLine(child.stderr, (line) => log("error", "Host.Function.Console", line));
    const executing = new Map<string, Pending>();
    const loaded = new Promise<readonly FunctionMetadata[]>((resolve, reject) => {
      child.on("message", (message: FromWorker) => {
        if (message.kind === "functionMetadata") {
          channel.serving = true;
          onLoaded(child.pid as number);
          resolve(message.functions);
        } else if (message.kind === "loadFailed") reject(withText(message.error));
        else if (message.kind === "log") log(message.level, message.category, message.message, message.fields);
        else answer(executing, message);
      });
      child.once("error", reject);
      // After the last words, which the log has then.
      child.once("close", (code, signal) => reject(withText(exitText(code, signal))));
    });
    const channel: Channel = { child, executing, loaded, serving: false };
    child.once("exit", (code, signal) => this.#ended(channel, code, signal));
    return channel;
  }

  #ended(channel: Channel, code: number | null, signal: NodeJS.Signals | null): void {
    if (!channel.serving || this.#stopping || code === 0) return;
    channel.serving = false;
    if (code !== ASKS_FOR_RESTART) {
      this.#countCrash(`Language Worker Process exited. Pid=${channel.child.pid}. ${exitText(code, signal)}`);
      for (const pending of channel.executing.values()) pending.reject(withText(exitText(code, signal)));
    }
    channel.executing.clear();
    this.#replace();
  }

  #replace(gone: Promise<void> = Promise.resolve()): void {
    this.#ready = gone.then(() => this.#restart());
  }

  /** Settles when a process serves again; when there is to be none, never. */
  async #restart(): Promise<Channel> {
    const { restartInterval, onGivenUp } = this.#options;
    while (!this.#stopping && !this.#crashes.isSpent) {
      await sleep(Math.max(0, this.#lastRestart + restartInterval - performance.now()));
      if (this.#stopping) break;
      this.#lastRestart = performance.now();
      const channel = this.#spawn();
      this.#current = channel;
      try {
        await channel.loaded;
        return channel;
      } catch (error) {
        channel.child.kill("SIGKILL");
        this.#countCrash(describeError(error));
      }
    }
    if (!this.#stopping) onGivenUp();
    return new Promise(() => {});
  }

  #countCrash(what: string): void {
    this.#log("error", what);
    this.#crashes.crashed(Date.now());
  }

  #log(level: "warning" | "error", message: string): void {
    this.#options.log(level, "Host.Worker", message);
  }
}

function answer(
  executing: Map<string, Pending>,
  message: FromWorker & { kind: "invocationResponse" | "invocationFailed" },
): void {
  const pending = executing.get(message.invocationId);
  executing.delete(message.invocationId);
  if (message.kind === "invocationResponse") pending?.resolve(message.response);
  else pending?.reject(withText(message.error));
}

/** Its text is the other process's, stack included. */
function withText(text: string): Error {
  return Object.assign(new Error(text), { stack: text });
}

/** Asks a process to end and ends it after the grace. */
async function terminate(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  tell(child, { kind: "workerTerminate" });
  const timer = setTimeout(() => child.kill("SIGKILL"), TERMINATE_GRACE);
  await exit;
  clearTimeout(timer);
}

function tell(child: ChildProcess, message: ToWorker): void {
  // One that is gone hears nothing and answers nothing.
  if (child.connected) child.send(message, () => {});
}

function exitText(code: number | null, signal: NodeJS.Signals | null): string {
  return `node exited with ${signal ? `signal ${signal}` : `code ${code}`}`;
}

function forEachLine(stream: NodeJS.ReadableStream | null, onLine: (line: string) => void): void {
  if (stream) createInterface({ input: stream }).on("line", (line) => line.trim() !== "" && onLine(line));
}
