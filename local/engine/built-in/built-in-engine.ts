import { mkdtemp, readdir } from "node:fs/promises";
import { join } from "node:path";
import { BlobFiles } from "../../registry/blob-files.ts";
import type { LocalRegistry } from "../../registry/registry.ts";
import { type BuildRequest, type ContainerNetwork, type Engine, EngineError, type RunImageRequest } from "../engine.ts";
import { parseImageReference } from "../image-reference.ts";
import { removeTree } from "../remove-tree.ts";
import { hostPlatform } from "./build-arguments.ts";
import { buildImage } from "./build-image.ts";
import { CacheFolders } from "./cache-folders.ts";
import { type Limits, usualLimits } from "./limits.ts";
import { LocalImages, type Mirrors } from "./local-images.ts";
import { plainly } from "./plainly.ts";
import { pushImage } from "./push-image.ts";
import { runImage } from "./run-image.ts";
import { findSandbox, makePrivate, type Sandbox } from "./sandbox.ts";
import type { SandboxNetwork } from "./sandbox-network.ts";

/** Builds, runs and pushes real OCI images with nothing but Node, and Linux namespaces for what must be executed. */
export class BuiltInEngine implements Engine {
  readonly name = "built-in";
  readonly #registry: LocalRegistry;
  readonly #scratchDir: string;
  readonly #images: LocalImages;
  readonly #blobs: BlobFiles;
  readonly #caches: CacheFolders;
  readonly #networks = new Map<string, SandboxNetwork>();
  readonly #limits: Limits;
  #prepared: Promise<void> | undefined;
  #sandbox: ReturnType<typeof findSandbox> | undefined;

  /** `scratchDir` must lie where files can be executed; what the engine keeps in it goes with `close`. */
  constructor(registry: LocalRegistry, scratchDir: string, limits: Partial<Limits> = {}, mirrors?: Mirrors) {
    this.#registry = registry;
    this.#scratchDir = scratchDir;
    this.#images = new LocalImages(registry, mirrors);
    this.#limits = { ...usualLimits, ...limits };
    this.#caches = new CacheFolders(join(scratchDir, "caches"));
    this.#blobs = new BlobFiles(join(scratchDir, "layers"));
  }

  async build(request: BuildRequest, log: (text: string) => void, signal: AbortSignal): Promise<void> {
    await this.#prepare();
    const image = await plainly(() => buildImage(request, this.#tools(), log, signal));
    log("Successfully built\n");
    for (const tag of request.tags) {
      await this.#images.tag(tag, image);
      log(`Successfully tagged ${tag}\n`);
    }
  }

  async run(request: RunImageRequest, log: (text: string) => void, signal: AbortSignal): Promise<number> {
    const image = await this.#images.find(request.reference, hostPlatform);
    await this.#prepare();
    const sandbox = await this.#requireSandbox();
    const network = this.#network(request.network);
    const folder = await mkdtemp(join(this.#scratchDir, "run-"));
    const run = (until: AbortSignal) =>
      plainly(() => runImage(image, request, sandbox, join(folder, "root"), network, log, until));
    try {
      return await (network ? network.with(signal, run) : run(signal));
    } finally {
      await removeTree(folder);
    }
  }

  async push(reference: string, log: (text: string) => void, signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    const image = this.#images.tagged(reference);
    if (!image) throw new EngineError(`${reference} was not built or tagged here`);
    const { host, repository, tag } = parseImageReference(reference);
    if (host !== this.#registry.loginServer || tag === undefined) {
      throw new EngineError(`${reference}: the built-in engine pushes tags to ${this.#registry.loginServer} only`);
    }
    const digest = await pushImage(this.#registry.store, repository, tag, image, log);
    await this.#images.tag(reference, image);
    log(`${tag}: digest: ${digest}\n`);
    return digest;
  }

  async createNetwork(): Promise<ContainerNetwork> {
    await this.#prepare();
    const network = await (await this.#requireSandbox()).createNetwork();
    this.#networks.set(network.id, network);
    return network;
  }

  async resolve(reference: string): Promise<string | undefined> {
    return this.#images.resolve(reference);
  }

  async close(): Promise<void> {
    for (const network of this.#networks.values()) await network.remove();
    this.#networks.clear();
    this.#images.clear();
    const sandbox = await this.#sandbox;
    if (sandbox && !("impossible" in sandbox)) await sandbox.close();
    this.#sandbox = undefined;
    for (const name of ["layers", "caches", "hosts"]) await removeTree(join(this.#scratchDir, name));
  }

  /** Makes the scratch folder, and removes from it what an engine left there that was killed. */
  #prepare(): Promise<void> {
    this.#prepared ??= (async () => {
      await makePrivate(this.#scratchDir);
      const left = (await readdir(this.#scratchDir)).filter((name) => /^(build|run|hosts|start)-/.test(name));
      for (const name of left) await removeTree(join(this.#scratchDir, name));
    })();
    return this.#prepared;
  }

  #network(given: ContainerNetwork | undefined): SandboxNetwork | undefined {
    if (given === undefined) return undefined;
    const network = this.#networks.get(given.id);
    if (!network) throw new EngineError(`network ${given.id} was not made by this engine`);
    return network;
  }

  #tools() {
    const sandbox = () => this.#requireSandbox();
    return { images: this.#images, blobs: this.#blobs, caches: this.#caches, scratchDir: this.#scratchDir, sandbox };
  }

  async #requireSandbox(): Promise<Sandbox> {
    this.#sandbox ??= findSandbox(this.#scratchDir, this.#limits);
    const sandbox = await this.#sandbox;
    if (!("impossible" in sandbox)) return sandbox;
    throw new EngineError(
      "this machine does not let the built-in engine run commands of an image. Start Docker, or run as root " +
        `(in a container: with --privileged). The attempt ended with: ${sandbox.impossible}`,
    );
  }
}
