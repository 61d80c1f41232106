import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { AcrState, NumberedChange } from "./acr-state.ts";

/**
 * Everything the registry was asked to do and did, one JSON object per line, never rewritten: the witness that a test
 * about lost or doubled builds can believe, because it is not the component under test.
 */
export class Ledger {
  readonly path: string;
  readonly #entries: NumberedChange[];

  constructor(path: string, state: AcrState) {
    this.path = path;
    mkdirSync(dirname(path), { recursive: true });
    this.#entries = readWhole(path);
    this.#catchUp(state);
    state.onChange((change) => this.#append(change));
  }

  get entries(): readonly NumberedChange[] {
    return this.#entries;
  }

  /** SIGKILL can fall between saving the state and appending here; the state remembers the one line that may be missing. */
  #catchUp(state: AcrState): void {
    const written = this.#entries.at(-1)?.sequence ?? 0;
    state.continueAfter(written);
    if (state.lastChange && state.lastChange.sequence > written) this.#append(state.lastChange);
  }

  #append(change: NumberedChange): void {
    this.#entries.push(change);
    appendFileSync(this.path, `${JSON.stringify(change)}\n`);
  }
}

/** A last line without its line end was cut off by a crash and is written again by `catchUp`. */
function readWhole(path: string): NumberedChange[] {
  if (!existsSync(path)) return [];
  const text = readFileSync(path, "utf8");
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  if (whole.length < text.length) writeFileSync(path, whole);
  return whole
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as NumberedChange);
}
