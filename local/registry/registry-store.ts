import type { ReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Clock } from "../clock.ts";
import { BlobFiles, type Content, DigestMismatch, digestOf, type StoredBlob } from "./blob-files.ts";
import { Ledger, type LedgerEntry } from "./ledger.ts";
import { type Attributes, isListed, refuseIfLocked, unlocked } from "./locks.ts";
import { type Manifest, manifestLimit, readManifest } from "./manifest.ts";
import { checkDigest, checkReference, checkRepository, isDigest, readableReference } from "./names.ts";
import type { Origin, RegistryChange } from "./registry-change.ts";
import { RegistryError } from "./registry-error.ts";
import { type ManifestRecord, type RepositoryRecord, RepositoryRecords } from "./repository-records.ts";
import { blobUnknown, manifestUnknown, missing, nameUnknown, tagUnknown } from "./unknown.ts";
import { Uploads } from "./uploads.ts";

export interface StoredManifest {
  readonly digest: string;
  readonly mediaType: string;
  readonly bytes: Buffer;
}

/** What took effect, of a change as its maker knows it. */
type Change = RegistryChange extends infer C ? (C extends RegistryChange ? Omit<C, "repository"> : never) : never;

const inProcess: Origin = { useragent: "slipway-engine" };

/**
 * The registry's state and rules, without HTTP. A blob belongs to the repositories it was uploaded or mounted to, and a
 * manifest is accepted only when everything it names is in its repository; both as real registries have it, so that a
 * client which skips an upload finds out here. Locks forbid writes and deletes here; reading in process is not asked.
 */
export class RegistryStore {
  readonly uploads: Uploads;
  readonly #blobs: BlobFiles;
  readonly #repositories: RepositoryRecords;
  readonly #ledger: Ledger;
  readonly #clock: Clock;
  readonly #listeners = new Set<(change: RegistryChange) => void>();
  /** Digests that somebody is about to name: not to be removed meanwhile. */
  readonly #held = new Map<string, number>();

  constructor(dir: string, clock = new Clock()) {
    this.#clock = clock;
    this.uploads = new Uploads(join(dir, "uploads"));
    this.#blobs = new BlobFiles(join(dir, "blobs"));
    this.#repositories = new RepositoryRecords(join(dir, "repositories"));
    this.#ledger = new Ledger(join(dir, "ledger.jsonl"));
    this.#ledger.catchUp([...this.#repositories.entries()].flatMap(([, { lastChange }]) => lastChange ?? []));
  }

  /** Called after the change is on disk. Returns how to stop listening. */
  onChange(listener: (change: RegistryChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Every change there was, oldest first. */
  ledger(): LedgerEntry[] {
    return this.#ledger.entries();
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

  /** Throws unless the repository may be written to: asked before an upload begins, since only then does it help. */
  checkWritable(repository: string): void {
    refuseIfLocked("write", [this.#repositories.get(checkRepository(repository))]);
  }

  /** Throws when the repository, the tag or the manifest is locked for reading. */
  checkReadable(repository: string, reference?: string): void {
    const record = this.#repositories.get(checkRepository(repository));
    const tag = reference === undefined ? undefined : record?.tags.get(reference);
    const manifest = record?.manifests.get(tag?.digest ?? reference ?? "");
    refuseIfLocked("read", [record, tag, manifest]);
  }

  async putBlob(repository: string, content: Content, origin: Origin = inProcess): Promise<StoredBlob> {
    this.checkWritable(repository);
    const written = await this.#blobs.write(content);
    return this.#hold(written.digest, async () => {
      await written.keep();
      this.#link(repository, written.digest, { action: "blob-added", digest: written.digest, origin });
      return { digest: written.digest, size: written.size };
    });
  }

  /** Takes over a finished upload, which must hold what its digest says. */
  async adoptBlob(repository: string, file: string, digest: string, origin: Origin = inProcess): Promise<StoredBlob> {
    this.checkWritable(repository);
    return this.#hold(checkDigest(digest), async () => {
      try {
        const stored = await this.#blobs.adopt(file, digest);
        this.#link(repository, digest, { action: "blob-added", digest, origin });
        return stored;
      } catch (error) {
        if (error instanceof DigestMismatch) throw new RegistryError(400, "DIGEST_INVALID", error.message);
        throw error;
      }
    });
  }

  /** Lets `repository` serve a blob of `from` too, or of any repository when `from` is not given. False: upload it. */
  async mountBlob(repository: string, digest: string, from?: string, origin: Origin = inProcess): Promise<boolean> {
    this.checkWritable(repository);
    if (from !== undefined) checkRepository(from);
    const sources = from === undefined ? [...this.#repositories.entries()].map(([name]) => name) : [from];
    return this.#hold(digest, async () => {
      for (const source of sources) {
        if ((await this.blobSize(source, digest)) === undefined) continue;
        this.#link(repository, digest, { action: "blob-mounted", digest, from: source, origin });
        return true;
      }
      return false;
    });
  }

  /** A blob goes even when a manifest names it, as in the reference registry. */
  async deleteBlob(repository: string, digest: string, origin: Origin = inProcess): Promise<void> {
    const record = this.#repositories.get(checkRepository(repository));
    if (!record?.blobs.has(checkDigest(digest))) throw blobUnknown(digest);
    refuseIfLocked("delete", [record]);
    record.blobs.delete(digest);
    this.#commit(repository, record, { action: "blob-deleted", digest, origin });
    this.#removeUnlessUsed(digest);
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
    const tag = isDigest(reference) ? undefined : reference;
    const { subject } = await this.#checkContents(repository, mediaType, bytes);
    return this.#hold(digest, async () => {
      await this.#blobs.put(bytes);
      const record = this.#repositories.open(repository);
      // Looked at last, with nothing awaited after it: a lock set meanwhile counts.
      const before = { manifest: record.manifests.get(digest), tag: record.tags.get(tag ?? "") };
      refuseIfLocked("write", [record, before.manifest, before.tag]);
      const now = this.#clock.iso();
      record.manifests.set(digest, {
        pushedAt: now,
        ...(before.manifest && { ...before.manifest, updatedAt: now }),
        mediaType,
        size: bytes.length,
        ...(subject === undefined ? {} : { subject }),
      });
      if (tag !== undefined) {
        const createdAt = before.tag?.createdAt ?? before.tag?.updatedAt ?? now;
        record.tags.set(tag, { ...before.tag, digest, createdAt, updatedAt: now });
      }
      record.createdAt ??= now;
      record.updatedAt = now;
      const told = { action: "push", digest, mediaType, size: bytes.length, origin } as const;
      this.#commit(repository, record, tag === undefined ? told : { ...told, tag });
      return digest;
    });
  }

  /** What a tag or digest stands for now; undefined when there is nothing. */
  async resolve(repository: string, reference: string): Promise<StoredManifest | undefined> {
    const record = this.#repositories.get(checkRepository(repository));
    const name = readableReference(reference);
    if (name === undefined) return undefined;
    const digest = isDigest(name) ? name : record?.tags.get(name)?.digest;
    const manifest = digest === undefined ? undefined : record?.manifests.get(digest);
    if (digest === undefined || manifest === undefined) return undefined;
    return { digest, mediaType: manifest.mediaType, bytes: await readFile(this.#blobs.path(digest)) };
  }

  /**
   * A digest takes the manifest away, all its tags and all that refers to it, as ACR does; a tag only untags, which no
   * event tells. Nothing happens when any of it is locked.
   */
  async deleteManifest(repository: string, reference: string, origin: Origin = inProcess): Promise<void> {
    checkReference(reference);
    if (!isDigest(reference)) return this.untag(repository, reference, origin, manifestUnknown);
    const record = this.#repositories.get(checkRepository(repository));
    if (!record?.manifests.has(reference)) throw manifestUnknown(reference);
    const going = withReferrers(record, reference);
    refuseIfLocked("delete", [record, ...going.flatMap((digest) => touchedBy(record, digest))]);
    this.#deleteAll(repository, record, going, origin);
  }

  /** Takes a tag away and leaves what it stood for. */
  async untag(
    repository: string,
    tag: string,
    origin: Origin = inProcess,
    unknown: (tag: string) => RegistryError = tagUnknown,
  ): Promise<void> {
    const record = this.#repositories.get(checkRepository(repository));
    const found = record?.tags.get(tag);
    if (!record || !found) throw unknown(tag);
    refuseIfLocked("delete", [record, found]);
    record.tags.delete(tag);
    record.updatedAt = this.#clock.iso();
    this.#commit(repository, record, { action: "untag", tag, digest: found.digest, origin });
  }

  /** Takes everything in a repository away; returns the digests and tags there were. One event for each manifest. */
  async deleteRepository(
    repository: string,
    origin: Origin = inProcess,
  ): Promise<{ manifests: string[]; tags: string[] }> {
    const record = this.#existing(repository);
    const manifests = [...record.manifests.keys()].sort();
    const tags = [...record.tags.keys()].sort();
    refuseIfLocked("delete", [record, ...record.manifests.values(), ...record.tags.values()]);
    this.#empty(repository, record, origin);
    return { manifests, tags };
  }

  /** As when the registry itself is deleted: takes everything away, locked, hidden, unfinished or not. The ledger stays. */
  async clear(origin: Origin = inProcess): Promise<void> {
    for (const [repository, record] of this.#repositories.entries()) this.#empty(repository, record, origin);
    await this.uploads.clear();
  }

  /** Locks or unlocks a tag, a manifest (by digest) or, without `reference`, the repository. */
  setAttributes(repository: string, reference: string, changes: Partial<Attributes>, origin: Origin = inProcess): void {
    const record = this.#existing(repository);
    const found = reference === "" ? record : (record.tags.get(reference) ?? record.manifests.get(reference));
    if (!found) throw isDigest(reference) ? manifestUnknown(reference) : tagUnknown(reference);
    const attributes = { ...(found.attributes ?? unlocked), ...changes };
    found.attributes = attributes;
    this.#commit(repository, record, { action: "attributes", target: reference, attributes, origin });
  }

  /** In byte order, without those locked from lists; undefined when there is no such repository. */
  listTags(repository: string): string[] | undefined {
    const record = this.#repositories.get(checkRepository(repository));
    if (!record?.exists) return undefined;
    return [...record.tags]
      .filter(([, tag]) => isListed(tag))
      .map(([name]) => name)
      .sort();
  }

  /** Repositories that hold at least one manifest, in byte order, without those locked from lists. */
  listRepositories(): string[] {
    return [...this.#repositories.entries()]
      .filter(([, record]) => record.exists && isListed(record))
      .map(([name]) => name)
      .sort();
  }

  /** What is known of a repository, to be read only; throws NAME_UNKNOWN. */
  look(repository: string): Omit<Readonly<RepositoryRecord>, "save"> {
    return this.#existing(repository);
  }

  /** What says something about this digest, which need not be there, nor the repository. */
  referrers(repository: string, subject: string): [digest: string, manifest: ManifestRecord][] {
    const manifests = this.#repositories.get(checkRepository(repository))?.manifests ?? [];
    return [...manifests].filter(([, manifest]) => manifest.subject === subject);
  }

  /** A manifest that is there, read. */
  async manifest(repository: string, digest: string): Promise<Manifest> {
    const stored = await this.resolve(repository, digest);
    if (!stored) throw manifestUnknown(digest);
    return readManifest(stored.mediaType, stored.bytes);
  }

  /** Bytes of all manifests and of the blobs they name, each counted once however many repositories share it. */
  async usage(): Promise<number> {
    const digests = new Set<string>();
    for (const [name, record] of this.#repositories.entries()) {
      for (const digest of record.manifests.keys()) {
        digests.add(digest);
        for (const blob of (await this.manifest(name, digest)).blobs) digests.add(blob.digest);
      }
    }
    const sizes = await Promise.all([...digests].map((digest) => this.#blobs.size(digest)));
    return sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
  }

  #existing(repository: string): RepositoryRecord {
    const record = this.#repositories.get(checkRepository(repository));
    if (!record?.exists) throw nameUnknown(repository);
    return record;
  }

  #link(repository: string, digest: string, change: Change): void {
    const record = this.#repositories.open(repository);
    if (record.blobs.has(digest)) return;
    record.blobs.add(digest);
    this.#commit(repository, record, change);
  }

  #empty(repository: string, record: RepositoryRecord, origin: Origin): void {
    this.#deleteAll(repository, record, [...record.manifests.keys()].sort(), origin);
    const blobs = [...record.blobs];
    record.blobs.clear();
    delete record.createdAt;
    delete record.attributes;
    record.save();
    for (const digest of blobs) this.#removeUnlessUsed(digest);
  }

  #deleteAll(repository: string, record: RepositoryRecord, digests: readonly string[], origin: Origin): void {
    for (const digest of digests) {
      const { mediaType, size } = record.manifests.get(digest) as ManifestRecord;
      record.manifests.delete(digest);
      for (const tag of record.tagsOf(digest)) record.tags.delete(tag);
      record.updatedAt = this.#clock.iso();
      this.#commit(repository, record, { action: "delete", digest, mediaType, size, origin });
      this.#removeUnlessUsed(digest);
    }
  }

  async #checkContents(repository: string, mediaType: string, bytes: Buffer): Promise<Manifest> {
    const manifest = readManifest(mediaType, bytes);
    const record = this.#repositories.get(repository);
    for (const { digest } of manifest.manifests) if (!record?.manifests.has(digest)) throw missing(digest);
    for (const { digest } of manifest.blobs) {
      if ((await this.blobSize(repository, digest)) === undefined) throw missing(digest);
    }
    return manifest;
  }

  /** Whoever looks for uses and whoever is about to make one must not pass each other: see `#removeUnlessUsed`. */
  async #hold<T>(digest: string, work: () => Promise<T>): Promise<T> {
    this.#held.set(digest, (this.#held.get(digest) ?? 0) + 1);
    try {
      return await work();
    } finally {
      const left = (this.#held.get(digest) ?? 1) - 1;
      if (left > 0) this.#held.set(digest, left);
      else this.#held.delete(digest);
    }
  }

  #removeUnlessUsed(digest: string): void {
    if (this.#held.has(digest)) return;
    for (const [, record] of this.#repositories.entries()) {
      if (record.blobs.has(digest) || record.manifests.has(digest)) return;
    }
    this.#blobs.remove(digest);
  }

  /** Saves, then writes the ledger, then tells; nothing is awaited in between. */
  #commit(repository: string, record: RepositoryRecord, change: Change): void {
    const entry = this.#ledger.number({ repository, ...change } as RegistryChange, this.#clock.date());
    record.lastChange = entry;
    record.save();
    this.#ledger.append(entry);
    for (const listener of this.#listeners) listener(entry);
  }
}

function touchedBy(record: RepositoryRecord, digest: string) {
  return [record.manifests.get(digest), ...record.tagsOf(digest).map((tag) => record.tags.get(tag))];
}

/** The manifest last, so that what is told first is never about something gone. */
function withReferrers(record: RepositoryRecord, digest: string, seen = new Set([digest])): string[] {
  const referrers = [...record.manifests].filter(([other, { subject }]) => subject === digest && !seen.has(other));
  for (const [other] of referrers) seen.add(other);
  return [...referrers.flatMap(([other]) => withReferrers(record, other, seen)), digest];
}
