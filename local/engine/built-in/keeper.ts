import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import { spawnApart } from "./spawn-apart.ts";
import { tool, toolFolders } from "./tool.ts";

/**
 * A process that keeps namespaces for others to enter, and ends with us: its input does. It does not keep us running.
 */
export class Keeper {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** `enter` leads into the namespaces; there the machine's shell runs `script`. Undefined when that fails. */
  static async start(enter: readonly string[], script: string): Promise<Keeper | undefined> {
    const [command, ...args] = [...enter, tool("sh"), "-c", `set -e\n${script}\necho\nexec cat`];
    const env = { PATH: toolFolders.join(":") };
    const child = spawnApart(command!, args, { env, stdin: "pipe", stderr: "ignore" });
    // Either it is up, or it has ended; nothing else closes or fills its output.
    await Promise.race([once(child.stdout!, "data"), once(child, "close")]);
    for (const part of [child, child.stdin as Socket, child.stdout as Socket]) part.unref();
    const keeper = new Keeper(child);
    return keeper.isThere ? keeper : undefined;
  }

  get isThere(): boolean {
    const { pid, exitCode, signalCode } = this.#child;
    return pid !== undefined && exitCode === null && signalCode === null;
  }

  /** Its folder in /proc. */
  get process(): string {
    return `/proc/${this.#child.pid}`;
  }

  async stop(): Promise<void> {
    if (!this.isThere) return;
    const closed = once(this.#child, "close");
    this.#child.ref();
    this.#child.kill("SIGKILL");
    await closed;
  }
}
