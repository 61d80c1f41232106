import type { LocalRegistry } from "../../registry/registry.ts";
import type { RegistryStore } from "../../registry/registry-store.ts";
import { EngineError } from "../engine.ts";
import { canonicalReference, parseImageReference } from "../image-reference.ts";
import type { Image } from "./image.ts";
import { loadImage, type Platform } from "./load-image.ts";

interface Tagged {
  readonly image: Image;
  /** What the registry had behind the tag when we gave it. */
  readonly registryDigest: string | undefined;
}

/** Copies of other registries' images, by the host they stand for, such as `mcr.microsoft.com`; only read. */
export type Mirrors = ReadonlyMap<string, RegistryStore>;

/**
 * The images an engine can start from: those it tagged itself, and those of the registry and of the mirrors. A tag given here holds until
 * the registry's own moves, so a step sees what the step before built, and the next run sees what others pushed.
 */
export class LocalImages {
  readonly #registry: LocalRegistry;
  readonly #mirrors: Mirrors;
  readonly #byReference = new Map<string, Tagged>();

  constructor(registry: LocalRegistry, mirrors: Mirrors = new Map()) {
    this.#registry = registry;
    this.#mirrors = mirrors;
  }

  async tag(reference: string, image: Image): Promise<void> {
    this.#byReference.set(canonicalReference(reference), { image, registryDigest: await this.resolve(reference) });
  }

  tagged(reference: string): Image | undefined {
    return this.#byReference.get(canonicalReference(reference))?.image;
  }

  /** The digest behind a reference of this registry or of a mirror; undefined for any other. */
  async resolve(reference: string): Promise<string | undefined> {
    const { host, repository, tag, digest } = parseImageReference(reference);
    return (await this.#storeOf(host)?.resolve(repository, digest ?? tag!))?.digest;
  }

  #storeOf(host: string | undefined): RegistryStore | undefined {
    return host === this.#registry.loginServer ? this.#registry.store : this.#mirrors.get(host ?? "docker.io");
  }

  async find(reference: string, platform: Platform): Promise<Image> {
    const tagged = this.#byReference.get(canonicalReference(reference));
    if (tagged && tagged.registryDigest === (await this.resolve(reference))) return tagged.image;
    const { host, repository, tag, digest } = parseImageReference(reference);
    const { loginServer } = this.#registry;
    const store = this.#storeOf(host);
    if (!store) {
      throw new EngineError(
        `${reference}: the built-in engine works offline and knows only images of ${loginServer}. ` +
          `Push the image there and write ${loginServer}/${repository}:${tag ?? "TAG"}, or start Docker.`,
      );
    }
    const image = await loadImage(store, repository, digest ?? tag!, platform);
    if (!image) throw new EngineError(`${reference} is not in the ${host === loginServer ? "registry" : "mirror"}`);
    return image;
  }

  clear(): void {
    this.#byReference.clear();
  }
}
