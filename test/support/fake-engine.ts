import { createHash } from "node:crypto";
import {
  type BuildRequest,
  type ContainerNetwork,
  type Engine,
  EngineError,
  type RunImageRequest,
} from "../../local/engine/engine.ts";

type Log = (text: string) => void;

/** An engine that executes nothing: it remembers what it was asked, and fails or waits where a test says so. */
export class FakeEngine implements Engine {
  readonly name = "fake";
  readonly builds: BuildRequest[] = [];
  readonly runs: RunImageRequest[] = [];
  readonly pushes: string[] = [];
  readonly networks: (ContainerNetwork & { removed: boolean })[] = [];
  /** Digests of images already in some registry. */
  readonly known = new Map<string, string>();
  onBuild: (request: BuildRequest, log: Log, signal: AbortSignal) => Promise<void> = async () => {};
  onRun: (request: RunImageRequest, log: Log, signal: AbortSignal) => Promise<number> = async () => 0;
  onPush: (reference: string) => Promise<void> = async () => {};

  async build(request: BuildRequest, log: Log, signal: AbortSignal): Promise<void> {
    this.builds.push(request);
    log(`Building ${request.tags.join(" ")}\n`);
    await this.onBuild(request, log, signal);
  }

  async run(request: RunImageRequest, log: Log, signal: AbortSignal): Promise<number> {
    this.runs.push(request);
    return await this.onRun(request, log, signal);
  }

  async push(reference: string): Promise<string> {
    this.pushes.push(reference);
    await this.onPush(reference);
    const digest = digestOf(reference);
    this.known.set(reference, digest);
    return digest;
  }

  async createNetwork(): Promise<ContainerNetwork> {
    const network = {
      id: `network-${this.networks.length}`,
      removed: false,
      remove: async () => {
        network.removed = true;
      },
    };
    this.networks.push(network);
    return network;
  }

  async resolve(reference: string): Promise<string | undefined> {
    return this.known.get(reference);
  }

  async close(): Promise<void> {}
}

export function digestOf(text: string): string {
  return `sha256:${createHash("sha256").update(text).digest("hex")}`;
}

export function buildFails(message: string): () => Promise<void> {
  return async () => {
    throw new EngineError(message);
  };
}

/** Waits until the run is stopped; engines end like this when they heed their signal. */
export function untilStopped(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
