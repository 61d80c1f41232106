import type { QueueServiceClient } from "@azure/storage-queue";
import { expect, test } from "vitest";
import { createQueues } from "../../src/azure/queues.ts";
import { TransientError } from "../../src/errors.ts";
import { queueNames } from "../../src/ports.ts";

/** A service whose poison queues answer like this. */
function answering(statusCode: number): QueueServiceClient {
  const refused = Object.assign(new Error("refused"), { statusCode });
  const queue = { receiveMessages: () => Promise.reject(refused) };
  return { getQueueClient: () => queue } as unknown as QueueServiceClient;
}
const drain = (statusCode: number) =>
  createQueues(answering(statusCode)).drainPoison(queueNames.events, async () => {});

test("a poison queue that is not there yet holds nothing", async () => {
  await drain(404);
});

test("a poison queue that does not answer is asked again later", async () => {
  await expect(drain(503)).rejects.toThrow(TransientError);
});
