import { send } from "../delivery/send.ts";
import type { PendingEvent } from "./event-grid-state.ts";
import { deliveryHeaders } from "./handshake.ts";
import { inSchema, type StorageQueueDestination, type Subscription } from "./subscription.ts";

export interface Surroundings {
  readonly stop: AbortSignal;
  readonly timeoutMs: number;
  readonly storageConnectionString: string | undefined;
}

/** `status` is absent when there was no answer. */
export interface Outcome {
  readonly status?: number;
  readonly words: string;
}

/** One attempt with all of these events, which stand or fall together. Rejects only when told to stop. */
export async function deliver(
  subscription: Subscription,
  batch: readonly PendingEvent[],
  surroundings: Surroundings,
): Promise<Outcome> {
  const events = batch.map(({ event }) => inSchema(subscription.eventDeliverySchema, event));
  const { destination } = subscription;
  if (destination.endpointType === "StorageQueue")
    return await sendToQueue(destination, JSON.stringify(events[0]), surroundings);

  // One CloudEvent stands alone unless batches were asked for; the older schema is always a list.
  const alone = subscription.eventDeliverySchema === "CloudEventSchemaV1_0" && destination.maxEventsPerBatch === 1;
  const body = JSON.stringify(alone ? events[0] : events);
  const headers = {
    ...deliveryHeaders(subscription, "Notification", batch[0]!.attempts),
    "Content-Length": String(Buffer.byteLength(body)),
  };
  const { timeoutMs, stop } = surroundings;
  const answer = await send({ method: "POST", url: destination.endpointUrl, headers, body, timeoutMs }, stop);
  if (answer.kind === "answered") return { status: answer.status, words: `${answer.status} ${answer.reason}`.trim() };
  return { words: answer.kind === "failed" ? answer.message : answer.kind };
}

/** In Base64, as Event Grid does, whatever account the destination names: the twin has one. */
async function sendToQueue(
  { queueName, queueMessageTimeToLiveInSeconds }: StorageQueueDestination,
  message: string,
  { storageConnectionString, stop, timeoutMs }: Surroundings,
): Promise<Outcome> {
  if (storageConnectionString === undefined) return { words: "this twin has no storage account" };
  // Loading it takes a while, and few twins have such a subscription.
  const { QueueServiceClient } = await import("@azure/storage-queue");
  const service = QueueServiceClient.fromConnectionString(storageConnectionString, { retryOptions: { maxTries: 1 } });
  try {
    const sent = await service.getQueueClient(queueName).sendMessage(Buffer.from(message).toString("base64"), {
      ...(queueMessageTimeToLiveInSeconds !== undefined && { messageTimeToLive: queueMessageTimeToLiveInSeconds }),
      abortSignal: AbortSignal.any([stop, AbortSignal.timeout(timeoutMs)]),
    });
    return { status: 200, words: `message ${sent.messageId}` };
  } catch (error) {
    if (stop.aborted) throw error;
    return { words: (error as Error).message };
  }
}
