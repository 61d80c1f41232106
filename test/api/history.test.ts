import * as fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { keys } from "../../src/core/state/keys.ts";
import type { Run, RunSummary } from "../../src/core/state/rows.ts";
import { platformPartition } from "../../src/handlers/registries.ts";
import { rememberSource } from "../../src/handlers/sources.ts";
import { commitA, commitB, runOf } from "../core/state/rows-of.ts";
import { ApiWorld } from "./api-world.ts";

let world: ApiWorld;
beforeEach(() => {
  world = new ApiWorld();
});

const minute = (n: number) => new Date(Date.parse("2026-11-23T00:00:00.000Z") + n * 60_000).toISOString();
const run = (alias: string, seq: number, at: number, change: Partial<Run> = {}): Run =>
  runOf({ seq, id: `${alias}-${seq}`, registry: alias, times: { Planned: minute(at) }, ...change });

interface ListOf {
  readonly runs: readonly RunSummary[];
  readonly next?: string;
}
async function page(query: Readonly<Record<string, string>>): Promise<ListOf> {
  const answer = await world.get("runs", query);
  expect(answer.status, answer.text).toBe(200);
  return answer.json as unknown as ListOf;
}
async function allPages(query: Readonly<Record<string, string>>): Promise<readonly (readonly RunSummary[])[]> {
  const pages: (readonly RunSummary[])[] = [];
  for (let after: string | undefined, turn = 0; turn < 100; turn++) {
    const got = await page({ ...query, ...(after ? { after } : {}) });
    pages.push(got.runs);
    if (got.next === undefined) return pages;
    after = got.next;
  }
  throw new Error("the pages never end");
}

describe("the history, page by page", () => {
  it("has every run exactly once, newest first, over all registries, whatever the limit", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom("acme", "beta"), { maxLength: 25 }),
        fc.integer({ min: 1, max: 30 }),
        async (order, limit) => {
          world = new ApiWorld();
          const seqs: Record<string, number> = { acme: 0, beta: 0 };
          const made: string[] = [];
          for (const [at, alias] of order.entries()) {
            seqs[alias] = seqs[alias]! + 1;
            made.unshift(`${alias}-${seqs[alias]}`);
            await world.store([run(alias, seqs[alias]!, at)], alias);
          }
          const pages = await allPages({ limit: String(limit) });
          expect(pages.flat().map((r) => r.id)).toEqual(made);
          for (const full of pages.slice(0, -1)) expect(full).toHaveLength(limit);
        },
      ),
      { numRuns: 40 },
    );
  });

  it("goes on where it was although newer runs came meanwhile", async () => {
    await world.store([run("acme", 1, 1), run("acme", 2, 2), run("acme", 3, 3)]);
    const first = await page({ limit: "2" });
    await world.store([run("acme", 4, 4)]);
    const second = await page({ limit: "2", after: first.next! });
    expect([...first.runs, ...second.runs].map((r) => r.id)).toEqual(["acme-3", "acme-2", "acme-1"]);
    expect(second.next).toBeUndefined();
  });

  it("costs what the page costs, not what the history costs", async () => {
    await world.store(Array.from({ length: 300 }, (_, i) => run("acme", i + 1, i)));
    world.rows.reads = 0;
    await page({ limit: "5" });
    expect(world.rows.reads).toBeLessThan(8);
  });

  it.each(["%%%", "bm90IGpzb24", Buffer.from('{"acme":5}').toString("base64url")])(
    "does not take %s for a continuation",
    async (after) => {
      expect((await world.get("runs", { after })).json).toMatchObject({
        status: 400,
        detail: "query.after: not a continuation that this API gave out",
      });
    },
  );
});

describe("filters", () => {
  const cases: readonly Run[] = [
    run("acme", 1, 1, { image: "web", status: "Succeeded", commit: commitA }),
    run("acme", 2, 2, { image: "api", status: "Failed", commit: commitA }),
    run("acme", 3, 3, { image: "web", status: "Failed", commit: commitB, ref: "refs/heads/topic/x" }),
    run("acme", 4, 4, { image: "web", status: "Failed", commit: commitB, ref: "refs/tags/v1" }),
    run("acme", 5, 5, { image: "web", source: { provider: "github", id: 8, fullName: "acme/other" } }),
  ];
  beforeEach(async () => {
    await world.store(cases);
    for (const { source } of cases) await rememberSource(world, source);
  });

  it.each<[Readonly<Record<string, string>>, readonly number[]]>([
    [{}, [5, 4, 3, 2, 1]],
    [{ image: "api" }, [2]],
    [{ status: "Failed" }, [4, 3, 2]],
    [{ commit: commitA }, [5, 2, 1]],
    [{ branch: "topic/x" }, [3]],
    [{ branch: "v1" }, [4]],
    [{ branch: "refs/tags/v1" }, [4]],
    [{ branch: "refs/heads/v1" }, []],
    [{ branch: "refs/heads/topic/x", image: "web" }, [3]],
    [{ source: "8" }, [5]],
    [{ source: "Acme/Other" }, [5]],
    [{ source: "7", image: "web" }, [4, 3, 1]],
    [{ image: "web", status: "Failed" }, [4, 3]],
    [{ image: "web", status: "Failed", branch: "v1" }, [4]],
    [{ commit: commitA, image: "api", status: "Failed" }, [2]],
    [{ commit: commitA, status: "Failed", branch: "topic/x" }, []],
  ])("%j together", async (query, expected) => {
    const found = expected.map((n) => `acme-${n}`);
    expect((await allPages({ ...query, limit: "1" })).flat().map((r) => r.id)).toEqual(found);
    expect((await page(query)).runs.map((r) => r.id)).toEqual(found);
  });

  it.each([
    [{ source: "nobody/knows" }, 404, "Slipway has not heard of the source nobody/knows"],
    [{ source: "99" }, 404, "Slipway has not heard of the source 99"],
    [{ status: "done" }, 400, 'query.status: must be one of those in "takes", found "done"'],
  ])("%j that nothing can ever fit is refused and not an empty list", async (query, status, detail) => {
    expect((await world.get("runs", query)).json).toMatchObject({ status, detail });
  });

  it("that fit nothing for a thousand rows answer an empty page and where to go on", async () => {
    await world.store(Array.from({ length: 1100 }, (_, i) => run("acme", i + 100, i + 100, { image: "busy" })));
    await world.store([run("acme", 10, 10, { image: "busy", status: "Failed" })]);
    const first = await page({ image: "busy", status: "Failed" });
    expect(first.runs).toEqual([]);
    expect((await page({ image: "busy", status: "Failed", after: first.next! })).runs.map((r) => r.id)).toEqual([
      "acme-10",
    ]);
  });
});

describe("decisions", () => {
  it("of all registries and of none are one list, and one event's are found by its id", async () => {
    const decision = async (partition: string, id: string, at: number, registry?: string) => {
      const decisionKey = keys.decision(Date.parse(minute(at)), id);
      const value = {
        id,
        at: minute(at),
        planned: [],
        plannedCount: 0,
        skipped: [],
        cause: { kind: "sweep", id, at: minute(at) },
        ...(registry ? { registry } : {}),
      };
      await world.put(partition, { [decisionKey]: value, [keys.decided(id)]: { key: decisionKey } });
    };
    await decision(await world.partition("acme"), "d-1", 1, "acme");
    await decision(await world.partition("beta"), "d-1", 2, "beta");
    await decision(platformPartition, "d-2", 3);
    const listed = (await world.get("decisions")).json as unknown as { decisions: { id: string; registry?: string }[] };
    expect(listed.decisions.map((d) => d.registry)).toEqual([undefined, "beta", "acme"]);
    const one = (await world.get("decisions/d-1")).json as unknown as { decisions: { registry: string }[] };
    expect(one.decisions.map((d) => d.registry).toSorted()).toEqual(["acme", "beta"]);
    expect((await world.get("decisions/d-3")).status).toBe(404);
  });
});

describe("a registry that cannot be had", () => {
  it("hides its own history and nobody else's", async () => {
    await world.store([run("acme", 1, 1)]);
    world.known = world.registries(["beta", "acme"], ["beta"]);
    expect((await page({})).runs.map((r) => r.id)).toEqual(["acme-1"]);
  });
});
