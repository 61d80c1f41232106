import { BlobServiceClient } from "@azure/storage-blob";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RunningAzurite, startAzurite } from "../../../local/azurite.ts";
import { startHost } from "../../../local/host/start-host.ts";
import { type FixtureApp, fixtureApp } from "./fixture-app.ts";

const MAIN = `
const { app } = require("@azure/functions");
const seen = [];
app.http("seen", { authLevel: "anonymous", handler: () => ({ jsonBody: seen }) });
app.timer("nightly", { schedule: "%SCHEDULE%", handler: (timer, context) => { seen.push({ timer, metadata: context.triggerMetadata ?? null }); } });
`;

const within = { timeout: 30_000, interval: 50 };
let azurite: RunningAzurite;
let app: FixtureApp;
beforeAll(async () => {
  [azurite, app] = await Promise.all([startAzurite(), fixtureApp({ files: { "main.cjs": MAIN } })]);
});
afterAll(async () => {
  await azurite?.stop();
  await app?.remove();
});

interface Seen {
  timer: { isPastDue: boolean; schedule: { adjustForDST: boolean }; scheduleStatus: { last: string; next: string } };
}

test("a timer keeps its status in the host storage, is past due after a pause and can be fired by hand", {
  timeout: 60_000,
}, async () => {
  const env = {
    AzureWebJobsStorage: azurite.connectionString,
    SCHEDULE: "0 0 3 * * *",
    AzureFunctionsWebHost__hostid: "test",
  };
  const blob = BlobServiceClient.fromConnectionString(azurite.connectionString)
    .getContainerClient("azure-webjobs-hosts")
    .getBlockBlobClient("timers/test/Host.Functions.nightly/status");
  const start = () => startHost({ appDir: app.dir, env, keys: { master: "M" } });
  const seenAt = async (url: string) => (await (await fetch(`${url}/api/seen`)).json()) as Seen[];

  const first = await start();
  await expect.poll(() => blob.exists(), within).toBe(true);
  expect(await seenAt(first.url)).toEqual([]);
  const fired = await fetch(`${first.url}/admin/functions/Nightly`, {
    method: "POST",
    headers: { "x-functions-key": "M", "content-type": "application/json" },
    body: "{}",
  });
  expect(fired.status).toBe(202);
  await expect.poll(() => seenAt(first.url), within).toMatchObject([{ timer: { isPastDue: false }, metadata: null }]);
  await first.stop();

  const status = JSON.stringify({
    Last: "2026-01-01T03:00:00.01Z",
    Next: "2026-01-02T03:00:00Z",
    LastUpdated: "2026-01-01T03:00:00.01Z",
  });
  await blob.upload(status, status.length);
  const second = await start();
  await expect.poll(() => seenAt(second.url), within).toHaveLength(1);
  const [run] = await seenAt(second.url);
  expect(run?.timer).toMatchObject({
    isPastDue: true,
    schedule: { adjustForDST: true },
    scheduleStatus: { next: "2026-01-02T03:00:00.000Z" },
  });
  await expect
    .poll(
      async () =>
        new Date((JSON.parse((await blob.downloadToBuffer()).toString()) as { Next: string }).Next) > new Date(),
      within,
    )
    .toBe(true);
  await second.stop();
});
