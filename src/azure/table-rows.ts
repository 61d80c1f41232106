/**
 * Rows in Table storage. https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
 *
 * A value is one JSON text; beyond what a string property holds it is compressed into binary ones, so a row takes about
 * 900 KiB of compressed JSON; what is larger is refused here, for good.
 */
import { gunzipSync, gzipSync } from "node:zlib";
import { odata, type TableClient, type TableEntityResult, type TransactionAction } from "@azure/data-tables";
import type { Rows, RowWrite, StoredRow, TransactOutcome } from "../core/state/store.ts";
import { InternalError, PermanentError, TransientError } from "../errors.ts";

/** A string property holds 32,768 UTF-16 units and a binary one 65,536 bytes; both with room to spare. */
const longestText = 30_000;
const largestChunk = 60_000;
const chunksMost = 15;
const version = 1;

type Columns = Record<string, unknown>;

export function createTableRows(table: TableClient): Rows {
  return {
    async read(partition, key) {
      let date: string | undefined;
      const onResponse = (response: { headers: { get(name: string): string | undefined } }) => {
        date = response.headers.get("date") ?? undefined;
      };
      try {
        const entity = await table.getEntity<Columns>(partition, key, { onResponse });
        return { row: toRow(entity), now: clockOf(date) };
      } catch (error) {
        const { statusCode, response } = error as {
          statusCode?: number;
          response?: { headers: { get(name: string): string | undefined } };
        };
        if (statusCode === 404) return { row: undefined, now: clockOf(response?.headers.get("date") ?? date) };
        throw transient("read", partition, error);
      }
    },

    async list(partition, range, limit) {
      const rows: StoredRow[] = [];
      const filter = odata`PartitionKey eq ${partition} and RowKey ge ${range.from} and RowKey lt ${range.to}`;
      try {
        // The service may answer short and empty pages with a continuation token; the iterator follows them.
        for await (const page of table
          .listEntities<Columns>({ queryOptions: { filter } })
          .byPage({ maxPageSize: Math.min(limit, 1000) })) {
          for (const entity of page) {
            rows.push(toRow(entity));
            if (rows.length === limit) return rows;
          }
        }
        return rows;
      } catch (error) {
        throw transient("list", partition, error);
      }
    },

    async transact(partition, writes) {
      const actions = writes.map((write) => toAction(partition, write));
      try {
        const response = await table.submitTransaction(actions);
        const etags = new Map<string, string>();
        response.subResponses.forEach((sub, i) => {
          if (sub.etag) etags.set(writes[i]!.key, sub.etag);
        });
        return { kind: "done", etags };
      } catch (error) {
        return outcomeOf(error, partition);
      }
    },

    async removeUnchanged(partition, row) {
      try {
        await table.deleteEntity(partition, row.key, { etag: row.etag });
        return true;
      } catch (error) {
        const { statusCode } = error as { statusCode?: number };
        if (statusCode === 412 || statusCode === 404) return false;
        throw transient("remove", partition, error);
      }
    },
  };
}

/** A failed transaction is classified by its status: a lost race and an absent row are outcomes, the rest is the network's. */
function outcomeOf(error: unknown, partition: string): TransactOutcome {
  const { statusCode } = error as { statusCode?: number };
  if (statusCode === 412 || statusCode === 409) return { kind: "conflict" };
  if (statusCode === 404) return { kind: "missing" };
  if (statusCode === 400 || statusCode === 413)
    throw new InternalError(`write ${partition}: storage refused the transaction`, { cause: error });
  throw transient("write", partition, error);
}

function transient(act: string, partition: string, cause: unknown): TransientError {
  const { statusCode, message } = cause as { statusCode?: number; message?: string };
  return new TransientError(
    `${act} rows of ${partition}: table storage answered ${statusCode ?? message ?? "nothing"}`,
    { cause },
  );
}

function clockOf(date: string | undefined): number {
  const parsed = date === undefined ? Number.NaN : Date.parse(date);
  if (Number.isNaN(parsed)) throw new TransientError("table storage sent no Date header");
  return parsed;
}

function toAction(partition: string, write: RowWrite): TransactionAction {
  const identity = { partitionKey: partition, rowKey: write.key };
  switch (write.kind) {
    case "put":
      return ["upsert", { ...identity, ...toColumns(write.key, write.value) }, "Replace"];
    case "insert":
      return ["create", { ...identity, ...toColumns(write.key, write.value) }];
    case "replace":
      return ["update", { ...identity, ...toColumns(write.key, write.value) }, "Replace", { etag: write.etag }];
    case "remove":
      return ["delete", identity];
  }
}

function toColumns(key: string, value: unknown): Columns {
  const json = JSON.stringify(value);
  if (json.length <= longestText) return { v: version, json };
  const packed = gzipSync(json);
  const chunks = Math.ceil(packed.length / largestChunk);
  if (chunks > chunksMost)
    throw new PermanentError("too-large", `row ${key} is too large to store: ${packed.length} bytes compressed`);
  const columns: Columns = { v: version, chunks };
  for (let i = 0; i < chunks; i++)
    columns[`z${i}`] = new Uint8Array(packed.subarray(i * largestChunk, (i + 1) * largestChunk));
  return columns;
}

function toRow(entity: TableEntityResult<Columns>): StoredRow {
  const key = entity.rowKey as string;
  if (entity.v !== version)
    throw new InternalError(`row ${key} has version ${String(entity.v)}, which this code does not know`);
  const { json, chunks } = entity as { json?: string; chunks?: number };
  const text =
    json ??
    gunzipSync(Buffer.concat(Array.from({ length: chunks ?? 0 }, (_, i) => entity[`z${i}`] as Uint8Array))).toString(
      "utf8",
    );
  return { key, value: JSON.parse(text), etag: entity.etag, writtenAt: Date.parse(String(entity.timestamp)) };
}
