/** The rows of parity-rows.ts against whole hosts: what this host promises to do as Azure's does. */
import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PARITY_ROWS, type ParityRow } from "./parity-rows.ts";
import { ParityWorld } from "./parity-world.ts";

const world = new ParityWorld();
const readme = readFileSync(new URL("../../../local/host/README.md", import.meta.url), "utf8");

describe("as the real host", () => {
  beforeAll(() => world.start());
  afterAll(() => world.stop());

  const inTurn = (turn: ParityRow["turn"]) => PARITY_ROWS.filter((row) => row.turn === turn);
  // At the same time: they wait far more than they work. Those that end what others look at go one after the other, and
  // each one's time begins at its turn.
  describe.concurrent("while it serves", () => {
    test.for(inTurn(undefined))("$behaviour", (row, { expect }) => row.check(world, expect));
    for (const turn of ["ending", "ticking"] as const)
      describe(turn, () => {
        test.sequential.for(inTurn(turn))("$behaviour", (row, { expect }) => row.check(world, expect));
      });
  });
  describe("in the end", () => {
    test.for(inTurn("last"))("$behaviour", (row, { expect }) => row.check(world, expect));
  });
});

test("the README's table is this one", () => {
  const [, between = ""] = /<!-- parity rows -->\n([\s\S]*?)\n<!-- end -->/.exec(readme) ?? [];
  const rows = PARITY_ROWS.map(({ behaviour, fact }) => `| ${behaviour} | ${fact} |`);
  expect(between.split("\n").slice(2)).toEqual(rows);
});

test("the README's other table names tests that there are", () => {
  const [, table = ""] = /Proved piece by piece([\s\S]*?)\n## /.exec(readme) ?? [];
  const named = [...table.matchAll(/\| ([\w, -]+) \|$/gm)].flatMap(([, names]) => names!.split(", "));
  expect(named.length).toBeGreaterThan(8);
  const there = readdirSync(import.meta.dirname);
  expect(named.filter((name) => !there.includes(`${name}.test.ts`))).toEqual([]);
});
