import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

const closedOnExec = 0o2000000;

/**
 * Starts what will run commands of strangers. In a session of its own, because on a terminal of ours it could type for
 * the user (TIOCSTI); and with a socket without another end for every file that whoever started us left open in us, which
 * Node hands on. (Not with /dev/null: root of an image could change its mode for the whole machine.)
 */
export function spawnApart(
  command: string,
  args: readonly string[],
  options: { readonly env: NodeJS.ProcessEnv; readonly stdin?: "pipe"; readonly stderr?: "ignore" },
): ChildProcess {
  const { env, stdin = "ignore", stderr = "pipe" } = options;
  const stdio: ("ignore" | "pipe")[] = [stdin, "pipe", stderr];
  for (const id of handedOn()) {
    while (stdio.length < id) stdio.push("ignore");
    stdio[id] = "pipe";
  }
  const child = spawn(command, args, { stdio, env, cwd: "/", detached: true });
  // Without `stdio` it was not started, and says so itself.
  for (const end of child.stdio?.slice(3) ?? []) end?.destroy();
  return child;
}

/** Files of ours that a new program would get, in order, without the first three. */
function handedOn(): number[] {
  const ids = readdirSync("/proc/self/fdinfo").map(Number);
  return ids.filter((id) => id > 2 && !isClosedOnExec(id)).sort((a, b) => a - b);
}

function isClosedOnExec(id: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${id}`, "utf8"))![1]!;
    return (Number.parseInt(flags, 8) & closedOnExec) !== 0;
  } catch {
    // The one that listed the others.
    return true;
  }
}
