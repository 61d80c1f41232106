import { spawn } from "node:child_process";
import { devNull } from "node:os";

/**
 * What git may do for us with a repository of a stranger: speak http and https, also for submodules; ask nobody; read nothing of
 * this machine's configuration; run no hook, no monitor, no helper.
 */
function environment(): NodeJS.ProcessEnv {
  const settings = { "core.hooksPath": devNull, "core.fsmonitor": "false", "credential.helper": "", "gc.auto": "0" };
  const entries = Object.entries(settings).flatMap(([key, value], at) => [
    [`GIT_CONFIG_KEY_${at}`, key],
    [`GIT_CONFIG_VALUE_${at}`, value],
  ]);
  return {
    PATH: process.env.PATH,
    HOME: devNull,
    LC_ALL: "C",
    GIT_ALLOW_PROTOCOL: "http:https",
    GIT_ASKPASS: "",
    GIT_CONFIG_COUNT: String(Object.keys(settings).length),
    GIT_CONFIG_GLOBAL: devNull,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_LFS_SKIP_SMUDGE: "1",
    GIT_TERMINAL_PROMPT: "0",
    ...Object.fromEntries(entries),
  };
}

const mostOutput = 64 * 1024;

/**
 * Runs git in `dir`, with the umask of ACR's machine; resolves to what it printed, both streams, and to whether it
 * succeeded. Stopped with its children.
 */
export function git(
  dir: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly ok: boolean; readonly output: string }> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    // A group of its own, because `git fetch` leaves the talking to another process.
    const child = spawn("sh", ["-c", 'umask 022; exec git "$@"', "git", ...args], {
      cwd: dir,
      env: environment(),
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const stop = () => {
      try {
        process.kill(-child.pid!, "SIGKILL");
      } catch {
        // It has ended already.
      }
    };
    signal.addEventListener("abort", stop, { once: true });
    let output = "";
    const add = (chunk: Buffer) => {
      if (output.length < mostOutput) output += chunk.toString();
    };
    child.stdout.on("data", add);
    child.stderr.on("data", add);
    child.once("error", (error) => {
      signal.removeEventListener("abort", stop);
      reject(error);
    });
    child.once("close", (code) => {
      signal.removeEventListener("abort", stop);
      if (signal.aborted) reject(signal.reason);
      else resolve({ ok: code === 0, output: output.trim() });
    });
  });
}
