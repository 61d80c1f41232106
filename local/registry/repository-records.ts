import { readdirSync } from "node:fs";
import { join } from "node:path";
import { StateFile } from "../state-file.ts";
import type { LedgerEntry } from "./ledger.ts";
import type { Attributes, Lockable } from "./locks.ts";

export interface ManifestRecord extends Lockable {
  readonly mediaType: string;
  /** Bytes. */
  readonly size: number;
  /** First push. */
  readonly pushedAt: string;
  /** Last push of the same digest, when there was more than one. */
  readonly updatedAt?: string;
  /** The digest this manifest says something about; see referrers. */
  readonly subject?: string;
}
export interface TagRecord extends Lockable {
  readonly digest: string;
  readonly updatedAt: string;
  /** When the tag was new; equal to `updatedAt` when not said. */
  readonly createdAt?: string;
}

/** Lists of pairs, not objects: `__proto__` is a legal tag. */
interface Saved {
  blobs: string[];
  manifests: [string, ManifestRecord][];
  tags: [string, TagRecord][];
  createdAt?: string;
  updatedAt?: string;
  attributes?: Attributes;
  lastChange?: LedgerEntry;
}

/** No repository component starts with `_`, so this file never collides with a nested repository. */
const fileName = "_repository.json";

/** What one repository holds: which blobs it may serve, its manifests, its tags. Saved at once after every change. */
export class RepositoryRecord implements Lockable {
  blobs = new Set<string>();
  manifests = new Map<string, ManifestRecord>();
  tags = new Map<string, TagRecord>();
  /** First push, and last push or delete; lists and locks do not count. */
  createdAt?: string;
  updatedAt?: string;
  attributes?: Attributes;
  lastChange?: LedgerEntry;
  readonly #file: StateFile<Saved>;

  constructor(path: string) {
    this.#file = new StateFile<Saved>(path, () => ({ blobs: [], manifests: [], tags: [] }));
    this.#take();
  }

  #take(): void {
    const { blobs, manifests, tags, ...rest } = this.#file.value;
    this.blobs = new Set(blobs);
    this.manifests = new Map(manifests);
    this.tags = new Map(tags);
    for (const field of ["createdAt", "updatedAt", "attributes", "lastChange"] as const) delete this[field];
    Object.assign(this, rest);
  }

  /** Repositories without a manifest do not show anywhere. */
  get exists(): boolean {
    return this.manifests.size > 0;
  }

  tagsOf(digest: string): string[] {
    return [...this.tags].filter(([, tag]) => tag.digest === digest).map(([name]) => name);
  }

  /** Throws as a StateFile does, with everything as it was. */
  save(): void {
    const { createdAt, updatedAt, attributes, lastChange } = this;
    this.#file.value = {
      blobs: [...this.blobs],
      manifests: [...this.manifests],
      tags: [...this.tags],
      ...(createdAt && { createdAt }),
      ...(updatedAt && { updatedAt }),
      ...(attributes && { attributes }),
      ...(lastChange && { lastChange }),
    };
    try {
      this.#file.save();
    } catch (error) {
      this.#take();
      throw error;
    }
  }
}

/** All repositories, read once at the start, one file each under `<dir>/<name>/`. */
export class RepositoryRecords {
  readonly #dir: string;
  readonly #byName = new Map<string, RepositoryRecord>();

  constructor(dir: string) {
    this.#dir = dir;
    this.#load("");
  }

  get(name: string): RepositoryRecord | undefined {
    return this.#byName.get(name);
  }

  open(name: string): RepositoryRecord {
    const known = this.#byName.get(name);
    if (known) return known;
    const made = new RepositoryRecord(join(this.#dir, name, fileName));
    this.#byName.set(name, made);
    return made;
  }

  entries(): IterableIterator<[string, RepositoryRecord]> {
    return this.#byName.entries();
  }

  #load(name: string): void {
    for (const entry of readdirIfAny(join(this.#dir, name))) {
      if (entry.isDirectory()) this.#load(name === "" ? entry.name : `${name}/${entry.name}`);
      else if (entry.name === fileName) this.open(name);
    }
  }
}

function readdirIfAny(dir: string) {
  try {
    return readdirSync(dir, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
