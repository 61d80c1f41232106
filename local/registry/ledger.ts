import { appendFileSync, existsSync, mkdirSync, readFileSync, truncateSync } from "node:fs";
import { dirname } from "node:path";
import type { RegistryChange } from "./registry-change.ts";

/** A change with its number, from 1 without gaps, and when it was made. */
export type LedgerEntry = RegistryChange & { readonly sequence: number; readonly at: string };

/**
 * Everything that changed, one JSON object per line, never rewritten. The last change of each repository is saved within
 * the repository too, so that a kill between the two files loses no line: `catchUp` writes it again.
 */
export class Ledger {
  readonly #path: string;
  #sequence: number;

  constructor(path: string) {
    this.#path = path;
    mkdirSync(dirname(path), { recursive: true });
    this.#dropHalfLine();
    this.#sequence = this.entries().at(-1)?.sequence ?? 0;
  }

  entries(): LedgerEntry[] {
    if (!existsSync(this.#path)) return [];
    const lines = readFileSync(this.#path, "utf8").split("\n");
    return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as LedgerEntry);
  }

  /** The entry a change will have; `append` it once the change is saved. */
  number(change: RegistryChange, now: Date): LedgerEntry {
    return { sequence: this.#sequence + 1, at: now.toISOString(), ...change };
  }

  append(entry: LedgerEntry): void {
    appendFileSync(this.#path, `${JSON.stringify(entry)}\n`);
    this.#sequence = entry.sequence;
  }

  catchUp(saved: Iterable<LedgerEntry>): void {
    const missing = [...saved].filter(({ sequence }) => sequence > this.#sequence);
    for (const entry of missing.sort((a, b) => a.sequence - b.sequence)) this.append(entry);
  }

  #dropHalfLine(): void {
    if (!existsSync(this.#path)) return;
    const bytes = readFileSync(this.#path);
    const whole = bytes.lastIndexOf("\n") + 1;
    if (whole < bytes.length) truncateSync(this.#path, whole);
  }
}
