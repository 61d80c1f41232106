import { randomBytes } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ContainerNetwork, EngineError } from "../engine.ts";
import { Keeper } from "./keeper.ts";
import { tool } from "./tool.ts";

export const localNames = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n";

/**
 * A network namespace, kept by a process of ours that ends with us. It has nothing but a loopback, which all containers
 * on it share: each reaches the others' ports there, under any of their names.
 */
export class SandboxNetwork implements ContainerNetwork {
  readonly id = randomBytes(6).toString("hex");
  /** The /etc/hosts of all on the network; names that come later appear in it. */
  readonly hostsFile: string;
  readonly #keeper: Keeper;
  readonly #names = new Set<string>();
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<unknown>>();

  private constructor(keeper: Keeper, scratchDir: string) {
    this.#keeper = keeper;
    this.hostsFile = join(scratchDir, `hosts-${this.id}`);
  }

  /** `enter` leads into the user namespace it is to belong to. */
  static async start(enter: readonly string[], scratchDir: string): Promise<SandboxNetwork> {
    await mkdir(scratchDir, { recursive: true });
    const script = "ip link set lo up 2>/dev/null || ifconfig lo up 2>/dev/null || true";
    const keeper = await Keeper.start([...enter, tool("unshare"), "--net", "--"], script);
    if (keeper === undefined) throw new EngineError("this machine does not allow a network of its own");
    const network = new SandboxNetwork(keeper, scratchDir);
    await writeFile(network.hostsFile, localNames);
    return network;
  }

  /** For nsenter. */
  get namespace(): string {
    if (!this.#keeper.isThere) throw new EngineError("the network is gone");
    return `${this.#keeper.process}/ns/net`;
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
    await this.#keeper.stop();
    await rm(this.hostsFile, { force: true });
  }
}
