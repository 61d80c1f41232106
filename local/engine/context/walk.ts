import type { Effort } from "./effort.ts";

/** One place in a pattern: which character leads on from it, or back to it, and where else one is without taking any. */
export interface Place {
  readonly takes: (char: string) => boolean;
  readonly repeats?: true;
  /** Further places, counted from this one. */
  readonly skips?: readonly number[];
}

/** `*`, when it stands for any of these characters, or none. */
export function star(takes: Place["takes"]): Place {
  return { takes, repeats: true, skips: [1] };
}

/**
 * Walks along a text at all places of a pattern at once: a RegExp tries one way after another, of which `a*a*a*…b` has
 * exponentially many.
 */
export class Walk {
  readonly #pattern: readonly Place[];
  readonly #effort: Effort;
  readonly #prefer: (one: number, other: number) => number;
  /** By place, where in the text the way there began. */
  #begun = new Map<number, number>();

  /** Of two ways to one place, that which began first is remembered, or last. */
  constructor(pattern: readonly Place[], effort: Effort, prefers: "first" | "last" = "first") {
    this.#pattern = pattern;
    this.#effort = effort;
    this.#prefer = prefers === "first" ? Math.min : Math.max;
  }

  /** Where a match began that ends here; undefined when none does. */
  get match(): number | undefined {
    return this.#begun.get(this.#pattern.length);
  }

  get isOver(): boolean {
    return this.#begun.size === 0;
  }

  /** A match may begin here. */
  begin(at: number): void {
    this.#arrive(this.#begun, 0, at);
  }

  take(char: string): void {
    this.#effort.spend(this.#begun.size);
    const next = new Map<number, number>();
    for (const [place, at] of this.#begun) {
      const part = this.#pattern[place];
      if (part?.takes(char)) this.#arrive(next, part.repeats ? place : place + 1, at);
    }
    this.#begun = next;
  }

  #arrive(begun: Map<number, number>, first: number, at: number): void {
    const places = [first];
    for (const place of places) {
      const known = begun.get(place);
      const preferred = known === undefined ? at : this.#prefer(known, at);
      if (preferred === known) continue;
      begun.set(place, preferred);
      for (const skip of this.#pattern[place]?.skips ?? []) places.push(place + skip);
    }
  }
}
