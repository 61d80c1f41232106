import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { buildOrder } from "../../../src/core/graph/build-order.ts";

interface Node {
  readonly id: string;
  readonly standsOn: readonly string[];
}

/** Nodes may name themselves, each other, one twice, and images that are not there. */
const anyGraph = fc
  .integer({ min: 0, max: 9 })
  .chain((size) =>
    fc.array(fc.array(fc.integer({ min: 0, max: size + 1 }), { maxLength: 4 }), { minLength: size, maxLength: size }),
  )
  .map((lists) => lists.map((on, i): Node => ({ id: `n${i}`, standsOn: on.map((n) => `n${n}`) })));

/** Nodes that lie on a cycle or stand on one, other than by standing on themselves. */
function neverReady(nodes: readonly Node[]): ReadonlySet<string> {
  const left = new Map(nodes.map((n) => [n.id, n]));
  for (let before = -1; before !== left.size; ) {
    before = left.size;
    for (const node of [...left.values()])
      if (!node.standsOn.some((b) => b !== node.id && left.has(b))) left.delete(node.id);
  }
  return new Set(left.keys());
}

describe("the build order", () => {
  it("has every node once, bases before dependents, and what no order fits last as given", () => {
    fc.assert(
      fc.property(anyGraph, (nodes) => {
        const order = buildOrder(nodes);
        expect([...order].sort()).toEqual(nodes.map((n) => n.id).sort());
        const cyclic = neverReady(nodes);
        const at = new Map(order.map((id, i) => [id, i]));
        for (const node of nodes.filter((n) => !cyclic.has(n.id)))
          for (const base of node.standsOn)
            if (base !== node.id && at.has(base)) expect(at.get(base)!).toBeLessThan(at.get(node.id)!);
        expect(order.slice(nodes.length - cyclic.size)).toEqual(nodes.filter((n) => cyclic.has(n.id)).map((n) => n.id));
      }),
      { numRuns: 500 },
    );
  });

  it("of an uneven diamond puts its end behind the longer side", () => {
    const order = buildOrder([
      { id: "app", standsOn: ["assets", "runtime"] },
      { id: "assets", standsOn: ["tools"] },
      { id: "runtime", standsOn: ["base"] },
      { id: "tools", standsOn: ["base"] },
      { id: "base", standsOn: ["docker.io/library/debian:12"] },
    ]);
    expect(order[0]).toBe("base");
    expect(order.at(-1)).toBe("app");
    expect(order.indexOf("tools")).toBeLessThan(order.indexOf("assets"));
  });

  it("is linear in the edges: ten thousand images on one base", () => {
    const nodes = Array.from({ length: 10_000 }, (_, i) => ({ id: `i${i}`, standsOn: i === 0 ? [] : ["i0"] }));
    expect(buildOrder(nodes.toReversed())[0]).toBe("i0");
  });
});
