import { afterAll, beforeAll, expect, test } from "vitest";
import { type RunningAzurite, startAzurite } from "../../../local/azurite.ts";
import { QueueListener } from "../../../local/host/queue-listener.ts";
import { QueueWake } from "../../../local/host/queue-wake.ts";
import { StorageConnections } from "../../../local/host/storage-connection.ts";

let azurite: RunningAzurite;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.stop());

test("a message sent from inside the host ends the wait at once, one sent by an SDK client does not", async () => {
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
