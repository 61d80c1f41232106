import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { TableClient } from "@azure/data-tables";
import { QueueServiceClient } from "@azure/storage-queue";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startAzurite } from "../../local/azurite.ts";

let location: string;
beforeEach(async () => {
  location = await mkdtemp(join(tmpdir(), "slipway-azurite-"));
});
afterEach(() => rm(location, { recursive: true, force: true }));

const clients = (connectionString: string) => ({
  table: TableClient.fromConnectionString(connectionString, "rows", { allowInsecureConnection: true }),
  queue: QueueServiceClient.fromConnectionString(connectionString).getQueueClient("jobs"),
});

async function azuriteInAnotherProcess(): Promise<{ parent: ChildProcess; connectionString: string }> {
  const script = fileURLToPath(new URL("./azurite-parent.ts", import.meta.url));
  const tsx = createRequire(import.meta.url).resolve("tsx");
  const parent = spawn(process.execPath, ["--import", tsx, script, location], { stdio: ["ignore", "pipe", "inherit"] });
  const connectionString = await new Promise<string>((resolve) =>
    parent.stdout.once("data", (data) => resolve(String(data).trim())),
  );
  return { parent, connectionString };
}

test("what was acknowledged survives SIGKILL of the process that started it, and a start right after waits for the save", async () => {
  const { parent, connectionString } = await azuriteInAnotherProcess();
  const before = clients(connectionString);
  await before.table.createTable();
  await before.queue.create();
  for (let n = 0; n < 20; n += 1) await before.table.createEntity({ partitionKey: "p", rowKey: String(n), n });
  await before.queue.sendMessage("hello");
  parent.kill("SIGKILL");
  const again = await startAzurite({ location });
  const after = clients(again.connectionString);
  const rows: unknown[] = [];
  for await (const row of after.table.listEntities<{ n: number }>()) rows.push(row.n);
  expect(rows.length).toBe(20);
  expect((await after.queue.peekMessages()).peekedMessageItems.map((item) => item.messageText)).toEqual(["hello"]);
  await again.stop();
  expect(existsSync(join(location, "azurite.pid"))).toBe(false);
});
