import { inspect } from "node:util";

const masked = "***";

/** A value that must never reach a log, an error, a row or a message. Printing it by any usual way gives `***`; only `expose()` gives the value. */
export class Secret {
  readonly #value: string;
  constructor(value: string) {
    this.#value = value;
  }
  expose(): string {
    return this.#value;
  }
  toString(): string {
    return masked;
  }
  toJSON(): string {
    return masked;
  }
  [inspect.custom](): string {
    return masked;
  }
}
