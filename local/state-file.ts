import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/**
 * A JSON value on disk that survives SIGKILL: every save writes a new file and renames it over the old one, before the
 * caller answers anybody. For its owner only, because several hold secrets. Meant for the small states of an emulator, not for blobs.
 */
export class StateFile<T> {
  readonly path: string;
  value: T;

  constructor(path: string, initial: () => T) {
    this.path = path;
    mkdirSync(dirname(path), { recursive: true });
    try {
      this.value = JSON.parse(readFileSync(path, "utf8")) as T;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      this.value = initial();
    }
  }

  save(): void {
    const next = `${this.path}.next`;
    writeFileSync(next, JSON.stringify(this.value), { mode: 0o600 });
    renameSync(next, this.path);
  }
}
