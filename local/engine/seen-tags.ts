import type { LocalRegistry } from "../registry/registry.ts";
import { parseImageReference } from "./image-reference.ts";

/**
 * What was behind the local registry's tags when an engine with a store of its own last pulled, built or pushed them. A
 * store keeps what it has under a tag for ever, so what a build stands on is pulled when the registry has something
 * else by now; not what was built here after the registry's was pushed. Images from elsewhere are the user's business.
 */
export class SeenTags {
  readonly #registry: LocalRegistry;
  readonly #seen = new Map<string, string | undefined>();

  constructor(registry: LocalRegistry) {
    this.#registry = registry;
  }

  /** The digest in the local registry now; undefined when it has none or the image is from elsewhere. */
  async digest(reference: string): Promise<string | undefined> {
    const { host, repository, tag, digest } = parseImageReference(reference);
    if (host !== this.#registry.loginServer) return undefined;
    return (await this.#registry.store.resolve(repository, digest ?? tag!))?.digest;
  }

  async isBehind(reference: string): Promise<boolean> {
    const current = await this.digest(reference);
    return current !== undefined && !(this.#seen.has(reference) && this.#seen.get(reference) === current);
  }

  async remember(reference: string): Promise<void> {
    this.#seen.set(reference, await this.digest(reference));
  }

  clear(): void {
    this.#seen.clear();
  }
}
