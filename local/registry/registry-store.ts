import type { ReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { BlobFiles, type Content, DigestMismatch, digestOf, type StoredBlob } from "./blob-files.ts";
import { manifestLimit, readManifest } from "./manifest.ts";
import { checkDigest, checkReference, checkRepository, isDigest } from "./names.ts";
import { RegistryError } from "./registry-error.ts";
import type { Origin, RegistryChange } from "./registry-event.ts";
import { RepositoryRecords } from "./repository-records.ts";

export interface StoredManifest {
  readonly digest: string;
  readonly mediaType: string;
  readonly bytes: Buffer;
}

const inProcess: Origin = { useragent: "slipway-engine" };

/**
 * The registry's state and rules, without HTTP. A blob belongs to the repositories it was uploaded or mounted to, and a
 * manifest is accepted only when everything it names is in its repository; both as real registries have it, so that a
 * client which skips an upload finds out here.
 */
export class RegistryStore {
  readonly #blobs: BlobFiles;
  readonly #repositories: RepositoryRecords;
  readonly #listeners = new Set<(change: RegistryChange) => void>();

  constructor(dir: string) {
    this.#blobs = new BlobFiles(join(dir, "blobs"));
    this.#repositories = new RepositoryRecords(join(dir, "repositories"));
  }

  /** Called after the change is on disk. Returns how to stop listening. */
  onChange(listener: (change: RegistryChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Size in bytes, or undefined when this repository has no such blob. */
  async blobSize(repository: string, digest: string): Promise<number | undefined> {
    const record = this.#repositories.get(checkRepository(repository));
    return record?.blobs.has(checkDigest(digest)) ? this.#blobs.size(digest) : undefined;
  }

  /** Streams a blob; BLOB_UNKNOWN when the repository has none. `end` is inclusive. */
  async openBlob(repository: string, digest: string, range?: { start: number; end: number }): Promise<ReadStream> {
    if ((await this.blobSize(repository, digest)) === undefined) throw blobUnknown(digest);
    return this.#blobs.open(digest, range);
  }

  async putBlob(repository: string, content: Content): Promise<StoredBlob> {
    checkRepository(repository);
    const stored = await this.#blobs.put(content);
    this.#link(repository, stored.digest);
    return stored;
  }

  /** Takes over a finished upload, which must hold what its digest says. */
  async adoptBlob(repository: string, file: string, digest: string): Promise<StoredBlob> {
    checkRepository(repository);
    try {
      const stored = await this.#blobs.adopt(file, checkDigest(digest));
      this.#link(repository, digest);
      return stored;
    } catch (error) {
      if (error instanceof DigestMismatch) throw new RegistryError(400, "DIGEST_INVALID", error.message);
      throw error;
    }
  }

  /** Lets `repository` serve a blob of `from` too, or of any repository when `from` is not given. False: upload it. */
  async mountBlob(repository: string, digest: string, from?: string): Promise<boolean> {
    checkRepository(repository);
    if (from !== undefined) checkRepository(from);
    const sources = from === undefined ? this.#names() : [from];
    for (const source of sources) {
      if ((await this.blobSize(source, digest)) === undefined) continue;
      this.#link(repository, digest);
      return true;
    }
    return false;
  }

  async deleteBlob(repository: string, digest: string): Promise<void> {
    const record = this.#repositories.get(checkRepository(repository));
    if (!record?.blobs.delete(checkDigest(digest))) throw blobUnknown(digest);
    record.save();
    await this.#removeUnlessUsed(digest);
  }

  /** Stores a manifest under its digest and, when `reference` is a tag, moves the tag. Returns the digest. */
  async putManifest(
    repository: string,
    reference: string,
    mediaType: string,
    bytes: Buffer,
    origin: Origin = inProcess,
  ): Promise<string> {
    checkRepository(repository);
    checkReference(reference);
    if (bytes.length > manifestLimit) {
      throw new RegistryError(413, "SIZE_INVALID", `a manifest may have at most ${manifestLimit} bytes`);
    }
    const digest = digestOf(bytes);
    if (isDigest(reference) && reference !== digest) {
      throw new RegistryError(400, "DIGEST_INVALID", `the manifest has digest ${digest}, not ${reference}`);
    }
    await this.#checkContents(repository, mediaType, bytes);
    await this.#blobs.put(bytes);
    const now = new Date().toISOString();
    const record = this.#repositories.open(repository);
    const pushedAt = record.manifests.get(digest)?.pushedAt ?? now;
    record.manifests.set(digest, { mediaType, size: bytes.length, pushedAt });
    const tag = isDigest(reference) ? undefined : reference;
    if (tag !== undefined) record.tags.set(tag, { digest, updatedAt: now });
    record.save();
    this.#tell({ action: "push", repository, digest, mediaType, size: bytes.length, tag, origin });
    return digest;
  }

  /** What a tag or digest stands for now; undefined when there is nothing. */
  async resolve(repository: string, reference: string): Promise<StoredManifest | undefined> {
    const record = this.#repositories.get(checkRepository(repository));
    const digest = isDigest(checkReference(reference)) ? reference : record?.tags.get(reference)?.digest;
    const manifest = digest === undefined ? undefined : record?.manifests.get(digest);
    if (digest === undefined || manifest === undefined) return undefined;
    return { digest, mediaType: manifest.mediaType, bytes: await readFile(this.#blobs.path(digest)) };
  }

  /** A digest takes the manifest and all its tags away; a tag only untags, which no event tells (as in ACR). */
  async deleteManifest(repository: string, reference: string, origin: Origin = inProcess): Promise<void> {
    const record = this.#repositories.get(checkRepository(repository));
    if (!isDigest(checkReference(reference))) {
      if (!record?.tags.delete(reference)) throw manifestUnknown(reference);
      return record.save();
    }
    const manifest = record?.manifests.get(reference);
    if (!record || !manifest) throw manifestUnknown(reference);
    record.manifests.delete(reference);
    for (const [tag, { digest }] of record.tags) if (digest === reference) record.tags.delete(tag);
    record.save();
    await this.#removeUnlessUsed(reference);
    const { mediaType, size } = manifest;
    this.#tell({ action: "delete", repository, digest: reference, mediaType, size, origin });
  }

  /** In byte order; undefined when there is no such repository. */
  listTags(repository: string): string[] | undefined {
    const record = this.#repositories.get(checkRepository(repository));
    return record && record.manifests.size > 0 ? [...record.tags.keys()].sort() : undefined;
  }

  /** Repositories that hold at least one manifest, in byte order. */
  listRepositories(): string[] {
    return [...this.#repositories.entries()]
      .filter(([, record]) => record.manifests.size > 0)
      .map(([name]) => name)
      .sort();
  }

  #names(): string[] {
    return [...this.#repositories.entries()].map(([name]) => name);
  }

  #link(repository: string, digest: string): void {
    const record = this.#repositories.open(repository);
    if (record.blobs.has(digest)) return;
    record.blobs.add(digest);
    record.save();
  }

  async #checkContents(repository: string, mediaType: string, bytes: Buffer): Promise<void> {
    const contents = readManifest(mediaType, bytes);
    const record = this.#repositories.get(repository);
    for (const digest of contents.manifests) if (!record?.manifests.has(digest)) throw missing(digest);
    for (const digest of contents.blobs) {
      if ((await this.blobSize(repository, digest)) === undefined) throw missing(digest);
    }
  }

  async #removeUnlessUsed(digest: string): Promise<void> {
    for (const [, record] of this.#repositories.entries()) {
      if (record.blobs.has(digest) || record.manifests.has(digest)) return;
    }
    await this.#blobs.remove(digest);
  }

  #tell(change: RegistryChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}

function blobUnknown(digest: string): RegistryError {
  return new RegistryError(404, "BLOB_UNKNOWN", "blob unknown to the repository", { detail: { digest } });
}

function manifestUnknown(reference: string): RegistryError {
  return new RegistryError(404, "MANIFEST_UNKNOWN", "manifest unknown to the repository", { detail: { reference } });
}

function missing(digest: string): RegistryError {
  return new RegistryError(400, "MANIFEST_BLOB_UNKNOWN", "the manifest names something the repository does not have", {
    detail: { digest },
  });
}
