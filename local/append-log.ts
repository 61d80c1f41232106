import { appendFileSync, existsSync, mkdirSync, readFileSync, truncateSync } from "node:fs";
import { dirname } from "node:path";

/**
 * A growing list on disk, one JSON value a line, for records that are only ever added. A line torn by SIGKILL was never
 * answered to anybody, so it is cut off when the list is opened again.
 */
export class AppendLog<T> {
  readonly path: string;
  readonly entries: T[] = [];

  constructor(path: string) {
    this.path = path;
    mkdirSync(dirname(path), { recursive: true });
    if (!existsSync(path)) return;
    const bytes = readFileSync(path);
    const whole = bytes.lastIndexOf(0x0a) + 1;
    if (whole < bytes.length) truncateSync(path, whole);
    for (const line of bytes.subarray(0, whole).toString("utf8").split("\n")) {
      if (line) this.entries.push(JSON.parse(line) as T);
    }
  }

  append(entry: T): void {
    appendFileSync(this.path, `${JSON.stringify(entry)}\n`);
    this.entries.push(entry);
  }
}
