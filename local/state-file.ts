import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/**
 * A JSON value on disk that survives SIGKILL: every save writes a new file and renames it over the old one, before the
 * caller answers anybody. For its owner only, because several hold secrets. Meant for the small states of an emulator, not for blobs.
 */
export class StateFile<T> {
  readonly path: string;
  value: T;
  readonly #initial: () => T;

  constructor(path: string, initial: () => T) {
    this.path = path;
    this.#initial = initial;
    mkdirSync(dirname(path), { recursive: true });
    this.value = this.#read();
  }

  /** Throws when the disk is full, say; the value is the last saved one again then, since nobody will be told of another. */
  save(): void {
    const next = `${this.path}.next`;
    try {
      writeFileSync(next, JSON.stringify(this.value), { mode: 0o600 });
      renameSync(next, this.path);
    } catch (error) {
      this.value = this.#read();
      throw error;
    }
  }

  #read(): T {
    try {
      return JSON.parse(readFileSync(this.path, "utf8")) as T;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      return this.#initial();
    }
  }
}
