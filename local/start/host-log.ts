import { appendFileSync, existsSync, mkdirSync, renameSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { LogEntry } from "../host/log.ts";

/** From this size on a start begins a new file; the one before is kept as `.1`. */
const fullBytes = 10 * 1024 * 1024;

/** The host's log, all levels, one line per entry, and a count of the lines that tell of errors. */
export class HostLog {
  readonly path: string;
  #errors = 0;

  constructor(path: string) {
    this.path = path;
    mkdirSync(dirname(path), { recursive: true });
    if (existsSync(path) && statSync(path).size > fullBytes) renameSync(path, `${path}.1`);
  }

  get errors(): number {
    return this.#errors;
  }

  write({ time, level, category, message, function: name }: LogEntry): void {
    if (level === "error" || level === "critical") this.#errors += 1;
    appendFileSync(this.path, `${time} ${level} ${name ?? category} ${message.replaceAll("\n", "\n  ")}\n`);
  }
}
