import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

interface Line<T> {
  sequence: number;
  value: T;
  gone?: true;
}

/**
 * Things with an id on disk, one line per change, the newest line of an id being the thing. `put` takes a number from the
 * state's counter and is final when the state has been saved: a line whose number the saved state never counted belongs to
 * a request that died unanswered, and is dropped when the file is opened again, as is a torn one. Opening also drops what
 * newer lines have replaced.
 */
export class Records<T extends { id: number }> {
  readonly #path: string;
  readonly #takeSequence: () => number;
  readonly #values = new Map<number, T>();

  constructor(path: string, counted: number, takeSequence: () => number) {
    this.#path = path;
    this.#takeSequence = takeSequence;
    mkdirSync(dirname(path), { recursive: true });
    if (!existsSync(path)) return;
    const text = readFileSync(path, "utf8");
    const lines = new Map<number, Line<T>>();
    for (const raw of text.slice(0, text.lastIndexOf("\n") + 1).split("\n")) {
      const line = raw === "" ? undefined : (JSON.parse(raw) as Line<T>);
      if (line && line.sequence < counted) lines.set(line.value.id, line);
    }
    const kept = [...lines.values()].filter(({ gone }) => !gone);
    for (const { value } of kept) this.#values.set(value.id, value);
    writeFileSync(`${path}.next`, kept.map((line) => `${JSON.stringify(line)}\n`).join(""));
    renameSync(`${path}.next`, path);
  }

  /** Adds or replaces. The caller saves the state afterwards. */
  put(value: T): void {
    const line: Line<T> = { sequence: this.#takeSequence(), value };
    appendFileSync(this.#path, `${JSON.stringify(line)}\n`);
    this.#values.set(value.id, value);
  }

  /** As final as a `put`. */
  remove(id: number): void {
    const value = this.#values.get(id);
    if (!value) return;
    const line: Line<T> = { sequence: this.#takeSequence(), value, gone: true };
    appendFileSync(this.#path, `${JSON.stringify(line)}\n`);
    this.#values.delete(id);
  }

  get(id: number): T | undefined {
    return this.#values.get(id);
  }

  /** Oldest first. */
  list(): T[] {
    return [...this.#values.values()];
  }
}
