import type { LocalRegistry } from "../../registry/registry.ts";
import { EngineError } from "../engine.ts";
import { canonicalReference, parseImageReference } from "../image-reference.ts";
import type { Image } from "./image.ts";
import { loadImage, type Platform } from "./load-image.ts";

interface Tagged {
  readonly image: Image;
  /** What the registry had behind the tag when we gave it. */
  readonly registryDigest: string | undefined;
}

/**
 * The images an engine can start from: those it tagged itself, and those of the registry. A tag given here holds until
 * the registry's own moves, so a step sees what the step before built, and the next run sees what others pushed.
 */
export class LocalImages {
  readonly #registry: LocalRegistry;
  readonly #byReference = new Map<string, Tagged>();

  constructor(registry: LocalRegistry) {
    this.#registry = registry;
  }

  async tag(reference: string, image: Image): Promise<void> {
    this.#byReference.set(canonicalReference(reference), { image, registryDigest: await this.resolve(reference) });
  }

  tagged(reference: string): Image | undefined {
    return this.#byReference.get(canonicalReference(reference))?.image;
  }

  /** The digest behind a reference of this registry; undefined for any other. */
  async resolve(reference: string): Promise<string | undefined> {
    const { host, repository, tag, digest } = parseImageReference(reference);
    if (host !== this.#registry.loginServer) return undefined;
    return (await this.#registry.store.resolve(repository, digest ?? tag!))?.digest;
  }

  async find(reference: string, platform: Platform): Promise<Image> {
    const tagged = this.#byReference.get(canonicalReference(reference));
    if (tagged && tagged.registryDigest === (await this.resolve(reference))) return tagged.image;
    const { host, repository, tag, digest } = parseImageReference(reference);
    const { loginServer, store } = this.#registry;
    if (host !== loginServer) {
      throw new EngineError(
        `${reference}: the built-in engine works offline and knows only images of ${loginServer}. ` +
          `Push the image there and write ${loginServer}/${repository}:${tag ?? "TAG"}, or start Docker.`,
      );
    }
    const image = await loadImage(store, repository, digest ?? tag!, platform);
    if (!image) throw new EngineError(`${reference} is not in the registry`);
    return image;
  }

  clear(): void {
    this.#byReference.clear();
  }
}
