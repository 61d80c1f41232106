import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { CLOCKS } from "./host-clocks.ts";
import type { KeysFile } from "./keys.ts";
import type { LogEntry } from "./log.ts";

/** The clocks are TimeSpan text, `00:00:05`. */
export interface StartHostOptions extends Readonly<Partial<Record<keyof typeof CLOCKS, string>>> {
  readonly appDir: string;
  /** Any free port when absent. */
  readonly port?: number;
  /** The app's whole environment; only PATH, HOME and NODE_EXTRA_CA_CERTS are added from this process when missing. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absent: keys are random and nobody knows them. */
  readonly keys?: KeysFile;
  readonly onLog?: (entry: LogEntry) => void;
}

export interface HostExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RunningHost {
  readonly url: string;
  readonly pid: number;
  /** The process the app runs in now, or ran in last; the host replaces it when it crashes. */
  workerPid(): number;
  readonly exited: Promise<HostExit>;
  /** SIGTERM: running invocations finish. */
  stop(): Promise<void>;
  /** SIGKILL: what runs is lost, its messages come back. */
  kill(): Promise<void>;
}

const INHERITED = ["PATH", "HOME", "NODE_EXTRA_CA_CERTS"];
const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));

/** Starts a host in a child process and waits until it serves. The child ends when this process does. */
export async function startHost(options: StartHostOptions): Promise<RunningHost> {
  const keysDir = options.keys && (await mkdtemp(join(tmpdir(), "slipway-host-")));
  try {
    const args = ["--app", options.appDir, "--port", String(options.port ?? 0)];
    if (keysDir) {
      const keysFile = join(keysDir, "keys.json");
      await writeFile(keysFile, JSON.stringify(options.keys), { mode: 0o600 });
      args.push("--keys", keysFile);
    }
    for (const name of Object.keys(CLOCKS) as (keyof typeof CLOCKS)[]) {
      if (options[name]) args.push(`--${CLOCKS[name].flag}`, options[name]);
    }
    const child = spawn(process.execPath, ["--import", import.meta.resolve("tsx/esm"), MAIN, ...args], {
      env: { ...inheritedEnvironment(), ...options.env },
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    return await whenReady(child, options.onLog ?? (() => {}));
  } finally {
    if (keysDir) await rm(keysDir, { recursive: true, force: true });
  }
}

function inheritedEnvironment(): Record<string, string> {
  return Object.fromEntries(
    INHERITED.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}

async function whenReady(child: ChildProcess, onLog: (entry: LogEntry) => void): Promise<RunningHost> {
  const exited = new Promise<HostExit>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
  // Somebody may never ask how it ended.
  exited.catch(() => {});
  let lastProblem = "";
  readLines(child.stderr, (line) => {
    const entry = parseLogLine(line);
    if (entry.level === "error" || entry.level === "critical") lastProblem = entry.message;
    onLog(entry);
  });
  let workerPid = 0;
  const url = await Promise.race([
    new Promise<string>((resolve) => {
      readLines(child.stdout, (line) => {
        const fact = JSON.parse(line) as { url?: string; workerPid?: number };
        if (fact.workerPid !== undefined) workerPid = fact.workerPid;
        if (fact.url !== undefined) resolve(fact.url);
      });
    }),
    exited.then(({ code, signal }) => {
      throw new Error(
        `the Functions host ended before it was ready (${signal ?? `exit code ${code}`}): ${lastProblem}`,
      );
    }),
  ]);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await exited;
  };
  return {
    url,
    pid: child.pid as number,
    workerPid: () => workerPid,
    exited,
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
  };
}

function readLines(stream: NodeJS.ReadableStream | null, onLine: (line: string) => void): void {
  if (stream) createInterface({ input: stream }).on("line", onLine);
}

/** Node itself may write to stderr before the host is up. */
function parseLogLine(line: string): LogEntry {
  try {
    return JSON.parse(line) as LogEntry;
  } catch {
    return { time: new Date().toISOString(), level: "error", category: "Host.Process", message: line };
  }
}
