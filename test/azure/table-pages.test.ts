import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { TableClient } from "@azure/data-tables";
import { afterEach, describe, expect, it } from "vitest";
import { createTableRows } from "../../src/azure/table-rows.ts";
import { rangeOf } from "../../src/core/state/keys.ts";

/**
 * The service may end a page early, even empty, at a partition boundary or after five seconds, and continue with a token.
 * https://learn.microsoft.com/rest/api/storageservices/query-timeout-and-pagination. Azurite never does, so this is a fake.
 */
let server: Server;
afterEach(() => new Promise((resolve) => server.close(resolve)));

async function tableWithPages(pages: readonly (readonly string[])[]) {
  const asked: string[] = [];
  server = createServer((request, response) => {
    const url = new URL(request.url ?? "", "http://127.0.0.1");
    const page = Number(url.searchParams.get("NextRowKey")?.slice(1) ?? 0);
    asked.push(url.searchParams.get("$filter") ?? "");
    response.setHeader("content-type", "application/json;odata=minimalmetadata");
    if (page + 1 < pages.length) {
      response.setHeader("x-ms-continuation-NextPartitionKey", "p");
      response.setHeader("x-ms-continuation-NextRowKey", `n${page + 1}`);
    }
    const value = pages[page]!.map((key) => ({
      PartitionKey: "p",
      RowKey: key,
      Timestamp: "2026-11-23T12:00:00Z",
      "odata.etag": 'W/"1"',
      v: 1,
      json: JSON.stringify(key),
    }));
    response.end(JSON.stringify({ value }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const connection = `DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;TableEndpoint=http://127.0.0.1:${port}/a;`;
  const client = TableClient.fromConnectionString(connection, "rows", { allowInsecureConnection: true });
  return { rows: createTableRows(client), asked };
}

describe("Azure's short pages", () => {
  it("are followed to the end, empty ones too", async () => {
    const { rows, asked } = await tableWithPages([[], ["k|1"], [], ["k|2", "k|3"], []]);
    expect((await rows.list("p", rangeOf("k"), 10)).map((r) => r.value)).toEqual(["k|1", "k|2", "k|3"]);
    expect(asked).toHaveLength(5);
  });

  it("are not read beyond what was asked for", async () => {
    const { rows, asked } = await tableWithPages([["k|1"], ["k|2"], ["k|3"], ["k|4"]]);
    expect((await rows.list("p", rangeOf("k"), 2)).map((r) => r.value)).toEqual(["k|1", "k|2"]);
    expect(asked).toHaveLength(2);
  });
});
