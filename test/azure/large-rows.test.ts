import { randomBytes } from "node:crypto";
import type { TableClient } from "@azure/data-tables";
import { expect, test } from "vitest";
import { createTableRows } from "../../src/azure/table-rows.ts";
import { PermanentError } from "../../src/errors.ts";

test("a value that fits no row however it is packed is refused for good, before anything is sent", async () => {
  let sent = 0;
  const table = { submitTransaction: async () => void sent++ } as unknown as TableClient;
  const value = { text: randomBytes(1_000_000).toString("base64") };
  const writing = createTableRows(table).transact("p", [{ kind: "put", key: "large", value }]);
  await expect(writing).rejects.toThrow(PermanentError);
  await expect(writing).rejects.toThrow(/row large is too large to store/);
  expect(sent).toBe(0);
});
