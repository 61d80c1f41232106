import { randomUUID } from "node:crypto";
import { QueueServiceClient } from "@azure/storage-queue";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningAzurite, startAzurite } from "../../../local/azurite.ts";
import type { LogEntry } from "../../../local/host/log.ts";
import { QueueListener } from "../../../local/host/queue-listener.ts";
import { QueueWake } from "../../../local/host/queue-wake.ts";
import { type RunningHost, startHost } from "../../../local/host/start-host.ts";
import { StorageConnections } from "../../../local/host/storage-connection.ts";
import { type FixtureApp, fixtureApp } from "./fixture-app.ts";

const MAIN = `
const { app, output } = require("@azure/functions");
const seen = [];
const record = (queue) => (message, context) => { seen.push({ queue, message, metadata: context.triggerMetadata }); };
app.http("seen", { handler: () => ({ jsonBody: seen }) });
const listen = (name, handler) => app.storageQueue(name, { queueName: name, connection: "MyStorage", handler });
listen("plain", record("plain"));
listen("late", record("late"));
listen("failing", (message, context) => { record("failing")(message, context); throw new Error("not today"); });
listen("failing-poison", (message, context) => { record("failing-poison")(message, context); throw new Error("never"); });
listen("undecodable", record("undecodable"));
listen("slow", async (message, context) => { record("slow")(message, context); await new Promise((done) => setTimeout(done, 3000)); });
let now = 0, most = 0;
listen("many", async (message) => {
  most = Math.max(most, ++now);
  await new Promise((done) => setTimeout(done, 20));
  now -= 1;
  seen.push({ queue: "many", message, most });
});
const out = output.storageQueue({ queueName: "%OUT_QUEUE%", connection: "MyStorage" });
app.http("send", { methods: ["POST"], extraOutputs: [out], handler: async (request, context) => {
  context.extraOutputs.set(out, new Function("return " + (await request.text()))());
  return { status: 202 };
} });
`;

let azurite: RunningAzurite;
let app: FixtureApp;
let host: RunningHost;
let queues: QueueServiceClient;
const log: LogEntry[] = [];

beforeAll(async () => {
  [azurite, app] = await Promise.all([
    startAzurite(),
    fixtureApp({
      files: { "main.cjs": MAIN },
      hostJson: { extensions: { queues: { batchSize: 4, newBatchThreshold: 2, maxDequeueCount: 2 } } },
    }),
  ]);
  queues = QueueServiceClient.fromConnectionString(azurite.connectionString);
  const present = ["plain", "failing", "undecodable", "slow", "many"];
  await Promise.all(present.map((name) => queues.createQueue(name)));
  host = await startHost({
    appDir: app.dir,
    env: { MyStorage: azurite.connectionString, OUT_QUEUE: "outgoing" },
    maxPollingInterval: "00:00:00.100",
    receiveVisibility: "00:00:02",
    keys: { master: "M" },
    onLog: (entry) => log.push(entry),
  });
});
afterAll(async () => {
  await host?.stop();
  await azurite?.stop();
  await app?.remove();
});

interface Seen {
  queue: string;
  message: unknown;
  metadata: Record<string, unknown>;
  most: number;
}

async function seen(queue: string): Promise<Seen[]> {
  const all = (await (await fetch(`${host.url}/api/seen`)).json()) as Seen[];
  return all.filter((entry) => entry.queue === queue);
}

const send = (queue: string, text: string) =>
  queues.getQueueClient(queue).sendMessage(Buffer.from(text).toString("base64"));
/** Also counts invisible messages. */
const lengthOf = async (queue: string) => (await queues.getQueueClient(queue).getProperties()).approximateMessagesCount;
const textsIn = async (queue: string) =>
  (await queues.getQueueClient(queue).peekMessages({ numberOfMessages: 32 })).peekedMessageItems.map((item) =>
    Buffer.from(item.messageText, "base64").toString("utf8"),
  );
const within = { timeout: 30_000, interval: 50 };

describe("queue trigger", { timeout: 60_000 }, () => {
  test("runs a message and deletes it; the body's own properties hide metadata of the same name", async () => {
    const sent = await send(
      "plain",
      JSON.stringify({ buildId: "b1", DEQUEUECOUNT: 77, deep: { a: 1 }, list: [1], yes: true }),
    );
    await expect.poll(() => seen("plain"), within).toHaveLength(1);
    const [first] = await seen("plain");
    expect(first?.message).toMatchObject({ buildId: "b1", list: [1] });
    expect(first?.metadata).toMatchObject({
      id: sent.messageId,
      dequeueCount: 77,
      buildId: "b1",
      deep: { a: 1 },
      yes: "True",
    });
    expect(first?.metadata).not.toHaveProperty("list");
    expect(first?.metadata.insertionTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/);
    await expect.poll(() => lengthOf("plain"), within).toBe(0);
  });

  test("waits for a queue that does not exist and does not create it", async () => {
    expect(await queues.getQueueClient("late").exists()).toBe(false);
    await queues.createQueue("late");
    await send("late", "just text");
    await expect.poll(async () => (await seen("late")).map((entry) => entry.message), within).toEqual(["just text"]);
  });

  test("moves a message to the poison queue after maxDequeueCount runs; a poison queue has none of its own", async () => {
    await send("failing", '{"n":1}');
    await expect.poll(async () => (await seen("failing-poison")).length, within).toBeGreaterThanOrEqual(1);
    expect((await seen("failing")).map((entry) => entry.metadata.dequeueCount)).toEqual([1, 2]);
    expect((await seen("failing-poison"))[0]?.message).toEqual({ n: 1 });
    await expect.poll(() => lengthOf("failing"), within).toBe(0);
    expect(await queues.getQueueClient("failing-poison-poison").exists()).toBe(false);
  });

  test("moves what is not base64 to the poison queue without running it", async () => {
    await queues.getQueueClient("undecodable").sendMessage("not base64!");
    const poison = queues.getQueueClient("undecodable-poison");
    await expect.poll(() => poison.exists(), within).toBe(true);
    await expect
      .poll(async () => (await poison.peekMessages()).peekedMessageItems.map((item) => item.messageText), within)
      .toEqual(["not base64!"]);
    expect(await seen("undecodable")).toEqual([]);
  });

  test("runs at most batchSize + newBatchThreshold at once", async () => {
    await Promise.all(Array.from({ length: 30 }, (_, n) => send("many", String(n))));
    await expect.poll(async () => (await seen("many")).length, within).toBe(30);
    const all = await seen("many");
    expect(new Set(all.map((entry) => entry.message)).size).toBe(30);
    const most = Math.max(...all.map((entry) => entry.most));
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(6);
  });

  test("renews the invisibility of a message whose function runs longer", async () => {
    await send("slow", "once");
    await expect.poll(() => seen("slow"), within).toHaveLength(1);
    await expect.poll(() => lengthOf("slow"), within).toBe(0);
    expect(await seen("slow")).toHaveLength(1);
  });

  test("runs a message posted by hand to the admin API", async () => {
    const run = await fetch(`${host.url}/admin/functions/plain`, {
      method: "POST",
      headers: { "x-functions-key": "M" },
      body: JSON.stringify({ input: '{"byHand":true}' }),
    });
    expect(run.status).toBe(202);
    await expect
      .poll(async () => (await seen("plain")).map((entry) => entry.message), within)
      .toContainEqual({ byHand: true });
  });
});

describe("queue output", { timeout: 60_000 }, () => {
  const post = (expression: string) => fetch(`${host.url}/api/send`, { method: "POST", body: expression });

  test("creates the queue and writes indented JSON, one message per array element", async () => {
    const id = randomUUID();
    expect((await post(`({ id: "${id}", deep: { a: [] } })`)).status).toBe(202);
    expect((await post(`["text", { n: 1 }, 5, true]`)).status).toBe(202);
    expect((await post(`'[{"split": 1}, "two"]'`)).status).toBe(202);
    expect((await post(`undefined`)).status).toBe(202);
    expect(await textsIn("outgoing")).toEqual([
      `{\n  "id": "${id}",\n  "deep": {\n    "a": []\n  }\n}`,
      "text",
      '{\n  "n": 1\n}',
      "5",
      "True",
      '{\n  "split": 1\n}',
      "two",
    ]);
  });

  test("fails the invocation when a message is over 48 KiB, whatever status was chosen", async () => {
    expect((await post(`"x".repeat(49_152)`)).status).toBe(202);
    expect((await post(`"x".repeat(49_153)`)).status).toBe(500);
  });
});

test("a message sent from inside the host ends the wait at once, one sent by an SDK client does not", {
  timeout: 60_000,
}, async () => {
  const account = new StorageConnections({ AzureWebJobsStorage: azurite.connectionString }).queues(undefined);
  const queue = account.sending.getQueueClient("waked");
  await queue.create();
  const wake = new QueueWake();
  const bodies: unknown[] = [];
  let waits = 0;
  const listener = new QueueListener({
    functionName: "waked",
    trigger: { kind: "queue", bindingName: "in", queueName: "waked", connection: undefined, binary: false },
    account,
    settings: {
      batchSize: 1,
      newBatchThreshold: 0,
      maxPollingInterval: 60_000,
      maxDequeueCount: 5,
      visibilityTimeout: 0,
      messageEncoding: "none",
    },
    receiveVisibility: 600_000,
    wake,
    backoff: {
      reset() {},
      next() {
        waits += 1;
        // Longer than this test may take: only a wake-up can end it.
        return 60_000;
      },
    },
    log() {},
    async run(input) {
      bodies.push(input.data.string);
    },
  });
  listener.start();
  await expect.poll(() => waits).toBe(1);
  await queue.sendMessage("one");
  expect(waits).toBe(1);
  expect(bodies).toEqual([]);
  wake.wake(queue);
  await expect.poll(() => bodies).toEqual(["one"]);
  await listener.stop();
  await listener.idle();
  expect((await queue.getProperties()).approximateMessagesCount).toBe(0);
});

test("prints the flags that differ from the real host", async () => {
  expect(log.filter((entry) => /instead of/.test(entry.message))).toHaveLength(2);
});
