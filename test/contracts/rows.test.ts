import { TableClient, TableServiceClient } from "@azure/data-tables";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningAzurite, startAzurite } from "../../local/azurite.ts";
import { createTableRows } from "../../src/azure/table-rows.ts";
import { key, rangeOf } from "../../src/core/state/keys.ts";
import type { Rows, RowWrite } from "../../src/core/state/store.ts";
import { MemoryRows } from "../support/memory-rows.ts";

let azurite: RunningAzurite;
let real: Rows;

beforeAll(async () => {
  azurite = await startAzurite();
  const options = { allowInsecureConnection: true };
  await TableServiceClient.fromConnectionString(azurite.connectionString, options).createTable("rows");
  real = createTableRows(TableClient.fromConnectionString(azurite.connectionString, "rows", options));
});
afterAll(() => azurite.stop());

describe.each([
  ["Table storage", () => real],
  ["the memory fake", () => new MemoryRows(() => Date.now())],
])("rows in %s", (name, make) => {
  const partition = `p-${name.replaceAll(" ", "-")}`;

  it("reads back what was put, and says when by the service's clock", async () => {
    const rows = make();
    await rows.transact(partition, [{ kind: "put", key: key("a", "refs/heads/x#1?"), value: { n: 1, text: "ü\n" } }]);
    const { row, now } = await rows.read(partition, key("a", "refs/heads/x#1?"));
    expect(row?.value).toEqual({ n: 1, text: "ü\n" });
    expect(Math.abs(now - row!.writtenAt)).toBeLessThan(60_000);
    expect((await rows.read(partition, key("a", "absent"))).row).toBeUndefined();
  });

  it("keeps a value far larger than a string property", async () => {
    const rows = make();
    const value = { items: Array.from({ length: 20_000 }, (_, i) => `item ${i} ${Math.sin(i)}`) };
    await rows.transact(partition, [{ kind: "put", key: key("large"), value }]);
    expect((await rows.read(partition, key("large"))).row?.value).toEqual(value);
  });

  it("lists a range in key order, up to a limit, and nothing beside it", async () => {
    const rows = make();
    const writes = ["b", "a", "c"].map((k): RowWrite => ({ kind: "put", key: key("list", k), value: k }));
    await rows.transact(partition, [
      ...writes,
      { kind: "put", key: key("list-not", "x"), value: "x" },
      { kind: "put", key: key("list"), value: "x" },
    ]);
    expect((await rows.list(partition, rangeOf("list"), 10)).map((r) => r.value)).toEqual(["a", "b", "c"]);
    expect((await rows.list(partition, rangeOf("list"), 2)).map((r) => r.value)).toEqual(["a", "b"]);
  });

  it("writes all or nothing: a lost race is a conflict, an absent row is missing", async () => {
    const rows = make();
    const k = key("race");
    const first = await rows.transact(partition, [{ kind: "put", key: k, value: 1 }]);
    const etag = first.kind === "done" ? first.etags.get(k)! : "";
    expect((await rows.transact(partition, [{ kind: "replace", key: k, value: 2, etag }])).kind).toBe("done");
    const other = key("race", "other");
    expect(
      (
        await rows.transact(partition, [
          { kind: "put", key: other, value: 1 },
          { kind: "replace", key: k, value: 3, etag },
        ])
      ).kind,
    ).toBe("conflict");
    expect(
      (
        await rows.transact(partition, [
          { kind: "put", key: other, value: 1 },
          { kind: "insert", key: k, value: 3 },
        ])
      ).kind,
    ).toBe("conflict");
    expect(
      (
        await rows.transact(partition, [
          { kind: "put", key: other, value: 1 },
          { kind: "remove", key: key("race", "absent") },
        ])
      ).kind,
    ).toBe("missing");
    expect((await rows.read(partition, other)).row).toBeUndefined();
    expect((await rows.read(partition, k)).row?.value).toBe(2);
  });

  it("removes a row only while it is unchanged", async () => {
    const rows = make();
    await rows.transact(partition, [{ kind: "put", key: key("due"), value: 1 }]);
    const old = (await rows.read(partition, key("due"))).row!;
    await rows.transact(partition, [{ kind: "put", key: key("due"), value: 2 }]);
    expect(await rows.removeUnchanged(partition, old)).toBe(false);
    expect(await rows.removeUnchanged(partition, (await rows.read(partition, key("due"))).row!)).toBe(true);
    expect((await rows.read(partition, key("due"))).row).toBeUndefined();
  });

  it("takes a hundred writes at once", async () => {
    const rows = make();
    const writes = Array.from(
      { length: 100 },
      (_, i): RowWrite => ({ kind: "put", key: key("many", String(i)), value: i }),
    );
    expect((await rows.transact(partition, writes)).kind).toBe("done");
    expect(await rows.list(partition, rangeOf("many"), 1000)).toHaveLength(100);
  });
});
