/** Graphs of images to measure with. Seeded: the same name and size give the same graph on every machine. */

/** `standsOn[i]` are the images that image i stands on, all of them before it; none: it stands on the base that moves. */
export interface Graph {
  readonly name: string;
  readonly standsOn: readonly (readonly number[])[];
}

/** Every image stands on the base itself. */
export function flat(size: number): Graph {
  return { name: "flat", standsOn: Array.from({ length: size }, () => []) };
}

export function chain(size: number): Graph {
  return { name: "chain", standsOn: Array.from({ length: size }, (_, i) => (i === 0 ? [] : [i - 1])) };
}

/** Rows as wide as the lattice is high; each image stands on two neighbours of the row below. */
export function lattice(size: number): Graph {
  const width = Math.round(Math.sqrt(size));
  const below = (i: number) => [i - width, i % width === width - 1 ? i - 2 * width + 1 : i - width + 1];
  return { name: "lattice", standsOn: Array.from({ length: size }, (_, i) => (i < width ? [] : below(i))) };
}

/** Each image stands on two earlier ones, any of them. */
export function random(size: number, seed = 4): Graph {
  const next = randomNumbers(seed);
  const two = (i: number) => [...new Set([Math.floor(next() * i), Math.floor(next() * i)])];
  return { name: "random", standsOn: Array.from({ length: size }, (_, i) => (i === 0 ? [] : two(i))) };
}

export function edgeCount(graph: Graph): number {
  return graph.standsOn.reduce((sum, on) => sum + Math.max(1, on.length), 0);
}

/** Mulberry32: 32 bits of state are plenty for a graph. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
