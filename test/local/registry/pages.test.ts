import fc from "fast-check";
import { Hono } from "hono";
import { expect, test } from "vitest";
import { pageOfNames, pageOfTimed } from "../../../local/registry/routes/page.ts";
import type { RouteCall } from "../../../local/registry/routes/route.ts";

interface Item {
  readonly name: string;
  readonly lastUpdateTime: string;
}
type Turn = (c: RouteCall["c"]) => { items: readonly string[]; headers: Readonly<Record<string, string>> };

/** Follows Link from the first page to the last. */
async function walk(turn: Turn, query: Record<string, string>): Promise<string[][]> {
  const app = new Hono();
  app.get("/list", (c) => {
    const { items, headers } = turn(c as unknown as RouteCall["c"]);
    return c.json(items, 200, headers);
  });
  const pages: string[][] = [];
  for (let next: string | undefined = `/list?${new URLSearchParams(query)}`; next; ) {
    const response = await app.request(next);
    pages.push((await response.json()) as string[]);
    next = /^<(.+)>; rel="next"$/.exec(response.headers.get("link") ?? "")?.[1];
  }
  return pages;
}

const name = fc.stringMatching(/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,6}$/);
const names = fc.uniqueArray(name, { maxLength: 12 });
const size = fc.integer({ min: 1, max: 6 });

test("pages of names, put together, are all names after the first `last`, in byte order, none twice", async () => {
  await fc.assert(
    fc.asyncProperty(names, size, fc.option(name, { nil: "" }), async (all, n, last) => {
      const sorted = [...all].sort();
      const pages = await walk((c) => pageOfNames(c, sorted), { n: String(n), ...(last && { last }) });
      expect(pages.flat()).toEqual(sorted.filter((entry) => entry > last));
      expect(pages.slice(0, -1).every((page) => page.length === n)).toBe(true);
    }),
    { numRuns: 60 },
  );
});

test("pages by time, put together, are all items, oldest or newest first, and keep the rest of the query", async () => {
  const items: fc.Arbitrary<Item[]> = fc.uniqueArray(
    fc.record({ name, lastUpdateTime: fc.constantFrom("2026-01-01", "2026-01-02", "2026-01-03") }),
    { selector: (item) => item.name, maxLength: 12 },
  );
  await fc.assert(
    fc.asyncProperty(items, size, fc.constantFrom("timeasc", "timedesc"), async (all, n, orderby) => {
      const turn: Turn = (c) => {
        expect(c.req.query("digest")).toBe("a&b");
        const { items, headers } = pageOfTimed(c, all, (item) => item.name);
        return { items: items.map((item) => item.name), headers };
      };
      const pages = (await walk(turn, { n: String(n), orderby, digest: "a&b" })).flat();
      expect([...pages].sort()).toEqual(all.map((item) => item.name).sort());
      const times = pages.map((entry) => all.find((item) => item.name === entry)!.lastUpdateTime);
      expect(times).toEqual(orderby === "timeasc" ? [...times].sort() : [...times].sort().reverse());
    }),
    { numRuns: 60 },
  );
});

test("a page is 100 long unless another length is asked for, at most 1000, and its link says so", async () => {
  const all = Array.from({ length: 1101 }, (_, i) => `t${String(i).padStart(4, "0")}`);
  const links: string[] = [];
  const turn: Turn = (c) => {
    const page = pageOfNames(c, all);
    links.push(page.headers.Link ?? "none");
    return page;
  };
  expect((await walk(turn, {})).map(({ length }) => length)).toEqual([...Array(11).fill(100), 1]);
  expect(links.slice(0, 1)).toEqual(['</list?last=t0099&n=100>; rel="next"']);
  expect((await walk(turn, { n: "5000" })).map(({ length }) => length)).toEqual([1000, 101]);
  expect(links.slice(-2)).toEqual(['</list?n=1000&last=t0999>; rel="next"', "none"]);
});
