import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { BlobFiles } from "../../registry/blob-files.ts";
import type { LocalRegistry } from "../../registry/registry.ts";
import { type BuildRequest, type Engine, EngineError, type RunImageRequest } from "../engine.ts";
import { parseImageReference } from "../image-reference.ts";
import { hostPlatform } from "./build-arguments.ts";
import { buildImage } from "./build-image.ts";
import { LocalImages } from "./local-images.ts";
import { pushImage } from "./push-image.ts";
import { runImage } from "./run-image.ts";
import { findSandbox, type Sandbox } from "./sandbox.ts";

/** Builds, runs and pushes real OCI images with nothing but Node, and Linux namespaces for what must be executed. */
export class BuiltInEngine implements Engine {
  readonly name = "built-in";
  readonly #registry: LocalRegistry;
  readonly #scratchDir: string;
  readonly #images: LocalImages;
  readonly #blobs: BlobFiles;
  #sandbox: ReturnType<typeof findSandbox> | undefined;

  /** `scratchDir` must lie where files can be executed; what the engine keeps in it goes with `close`. */
  constructor(registry: LocalRegistry, scratchDir: string) {
    this.#registry = registry;
    this.#scratchDir = scratchDir;
    this.#images = new LocalImages(registry);
    this.#blobs = new BlobFiles(join(scratchDir, "layers"));
  }

  async build(request: BuildRequest, log: (text: string) => void, signal: AbortSignal): Promise<void> {
    const image = await buildImage(request, this.#tools(), log, signal);
    log("Successfully built\n");
    for (const tag of request.tags) {
      await this.#images.tag(tag, image);
      log(`Successfully tagged ${tag}\n`);
    }
  }

  async run(request: RunImageRequest, log: (text: string) => void, signal: AbortSignal): Promise<number> {
    const image = await this.#images.find(request.reference, hostPlatform);
    await mkdir(this.#scratchDir, { recursive: true });
    const folder = await mkdtemp(join(this.#scratchDir, "run-"));
    try {
      return await runImage(image, request, await this.#requireSandbox(), join(folder, "root"), log, signal);
    } finally {
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
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

  async resolve(reference: string): Promise<string | undefined> {
    return this.#images.resolve(reference);
  }

  async close(): Promise<void> {
    this.#images.clear();
    await rm(join(this.#scratchDir, "layers"), { recursive: true, force: true });
  }

  #tools() {
    const sandbox = () => this.#requireSandbox();
    return { images: this.#images, blobs: this.#blobs, scratchDir: this.#scratchDir, sandbox };
  }

  async #requireSandbox(): Promise<Sandbox> {
    this.#sandbox ??= findSandbox(this.#scratchDir);
    const sandbox = await this.#sandbox;
    if (!("impossible" in sandbox)) return sandbox;
    throw new EngineError(
      "this machine does not let the built-in engine run commands of an image. Start Docker, or run as root " +
        `(in a container: with --privileged). The attempt ended with: ${sandbox.impossible}`,
    );
  }
}
