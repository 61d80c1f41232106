import { EngineError } from "../engine.ts";

/** How much may be done for strangers while nobody else has a turn, in steps of some 100 nanoseconds. */
export class Effort {
  readonly #what: string;
  #left: number;

  /** `what` takes too long, when it does. What honest work needs is far below. */
  constructor(what: string, steps = 20_000_000) {
    this.#what = what;
    this.#left = steps;
  }

  spend(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0) throw new EngineError(`${this.#what} takes too long`);
  }
}
