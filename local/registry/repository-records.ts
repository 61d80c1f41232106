import { readdirSync } from "node:fs";
import { join } from "node:path";
import { StateFile } from "../state-file.ts";

export interface ManifestRecord {
  readonly mediaType: string;
  /** Bytes. */
  readonly size: number;
  readonly pushedAt: string;
}
export interface TagRecord {
  readonly digest: string;
  readonly updatedAt: string;
}

/** Lists of pairs, not objects: `__proto__` is a legal tag. */
interface Saved {
  blobs: string[];
  manifests: [string, ManifestRecord][];
  tags: [string, TagRecord][];
}

/** No repository component starts with `_`, so this file never collides with a nested repository. */
const fileName = "_repository.json";

/** What one repository holds: which blobs it may serve, its manifests, its tags. Saved at once after every change. */
export class RepositoryRecord {
  readonly blobs: Set<string>;
  readonly manifests: Map<string, ManifestRecord>;
  readonly tags: Map<string, TagRecord>;
  readonly #file: StateFile<Saved>;

  constructor(path: string) {
    this.#file = new StateFile<Saved>(path, () => ({ blobs: [], manifests: [], tags: [] }));
    this.blobs = new Set(this.#file.value.blobs);
    this.manifests = new Map(this.#file.value.manifests);
    this.tags = new Map(this.#file.value.tags);
  }

  save(): void {
    this.#file.value = { blobs: [...this.blobs], manifests: [...this.manifests], tags: [...this.tags] };
    this.#file.save();
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
