import type { QueueServiceClient } from "@azure/storage-queue";
import { InternalError, TransientError } from "../errors.ts";
import type { Queues } from "../ports.ts";

/** 64 KiB of base64 are 48 KiB of text. https://learn.microsoft.com/azure/storage/queues/scalability-targets */
const bytesMost = 49_152;
const delayMostSeconds = 7 * 24 * 3600 - 1;

/** Messages as the Functions host expects them (base64), with a delay when asked for, and never expiring. */
export function createQueues(service: QueueServiceClient): Queues {
  return {
    async send(queue, message, options) {
      const text = JSON.stringify(message);
      const bytes = Buffer.byteLength(text);
      if (bytes > bytesMost)
        throw new InternalError(`message for ${queue} has ${bytes} bytes; a queue takes ${bytesMost}`);
      const visibilityTimeout = Math.min(delayMostSeconds, Math.max(0, Math.round(options?.delaySeconds ?? 0)));
      try {
        await service
          .getQueueClient(queue)
          .sendMessage(Buffer.from(text).toString("base64"), { visibilityTimeout, messageTimeToLive: -1 });
      } catch (error) {
        const { statusCode, message: why } = error as { statusCode?: number; message?: string };
        throw new TransientError(`send to ${queue}: queue storage answered ${statusCode ?? why ?? "nothing"}`);
      }
    },

    async drainPoison(queue, handle) {
      const poison = service.getQueueClient(`${queue}-poison`);
      try {
        const { receivedMessageItems } = await poison.receiveMessages({ numberOfMessages: 32, visibilityTimeout: 60 });
        for (const { messageId, popReceipt, messageText } of receivedMessageItems) {
          await handle({ id: messageId, body: decode(messageText) });
          await poison.deleteMessage(messageId, popReceipt);
        }
      } catch (error) {
        const { statusCode, message: why } = error as { statusCode?: number; message?: string };
        // The host makes the queue when a message first fails.
        if (statusCode === 404) return;
        if (statusCode !== undefined)
          throw new TransientError(`drain ${queue}-poison: queue storage answered ${statusCode ?? why}`);
        throw error;
      }
    },
  };
}

function decode(text: string): unknown {
  const plain = Buffer.from(text, "base64").toString("utf8");
  try {
    return JSON.parse(plain);
  } catch {
    return plain;
  }
}
