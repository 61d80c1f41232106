import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ContainerNetwork, EngineError } from "../engine.ts";
import { spawnApart } from "./spawn-apart.ts";
import { tool, toolFolders } from "./tool.ts";

export const localNames = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n";

/**
 * A network namespace, kept by a process of ours that ends with us. It has nothing but a loopback, which all containers
 * on it share: each reaches the others' ports there, under any of their names.
 */
export class SandboxNetwork implements ContainerNetwork {
  readonly id = randomBytes(6).toString("hex");
  /** The /etc/hosts of all on the network; names that come later appear in it. */
  readonly hostsFile: string;
  readonly #keeper: ChildProcess;
  readonly #names = new Set<string>();
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<unknown>>();

  private constructor(keeper: ChildProcess, scratchDir: string) {
    this.#keeper = keeper;
    this.hostsFile = join(scratchDir, `hosts-${this.id}`);
  }

  static async start(mode: "root" | "user", scratchDir: string): Promise<SandboxNetwork> {
    await mkdir(scratchDir, { recursive: true });
    const namespaces = mode === "root" ? ["--net"] : ["--user", "--map-root-user", "--net"];
    const script = "ip link set lo up 2>/dev/null || ifconfig lo up 2>/dev/null || true; echo; exec cat";
    // Its input ends with us, and then it does.
    const keeper = spawnApart(tool("unshare"), [...namespaces, tool("sh"), "-c", script], {
      env: { PATH: toolFolders.join(":") },
      stdin: "pipe",
      stderr: "ignore",
    });
    const network = new SandboxNetwork(keeper, scratchDir);
    await writeFile(network.hostsFile, localNames);
    // Either it is up, or it has ended; nothing else closes or fills its output.
    await Promise.race([once(keeper.stdout!, "data"), once(keeper, "close")]);
    if (keeper.exitCode !== null) throw new EngineError("this machine does not allow a network of its own");
    return network;
  }

  /** For nsenter. */
  get processId(): number {
    const { pid, exitCode, signalCode } = this.#keeper;
    if (pid === undefined || exitCode !== null || signalCode !== null) throw new EngineError("the network is gone");
    return pid;
  }

  async addName(name: string): Promise<void> {
    if (!/^[a-z0-9][a-z0-9_.-]{0,62}$/i.test(name)) throw new EngineError(`${JSON.stringify(name)} is no host name`);
    this.#names.add(name);
    const lines = [...this.#names].map((known) => `127.0.0.1 ${known}\n`);
    await writeFile(this.hostsFile, localNames + lines.join(""));
  }

  /** Does work that must be over before the network goes. Like Docker's, a container that goes with it ends with 137. */
  async with(signal: AbortSignal, work: (signal: AbortSignal) => Promise<number>): Promise<number> {
    if (this.#stop.signal.aborted) throw new EngineError("the network is gone");
    const running = work(AbortSignal.any([signal, this.#stop.signal]));
    this.#running.add(running);
    try {
      return await running;
    } catch (error) {
      if (this.#stop.signal.aborted && !signal.aborted) return 137;
      throw error;
    } finally {
      this.#running.delete(running);
    }
  }

  async remove(): Promise<void> {
    this.#stop.abort();
    await Promise.allSettled(this.#running);
    const { exitCode, signalCode } = this.#keeper;
    if (exitCode === null && signalCode === null) {
      const closed = once(this.#keeper, "close");
      this.#keeper.kill("SIGKILL");
      await closed;
    }
    await rm(this.hostsFile, { force: true });
  }
}
