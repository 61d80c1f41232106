import type { QueueClient } from "@azure/storage-queue";
import { statusOf } from "./storage-status.ts";

/** Sends, and creates the queue only when the send says it is missing, as the real bindings do. */
export async function sendCreatingQueue(queue: QueueClient, text: string): Promise<void> {
  try {
    await queue.sendMessage(text);
  } catch (error) {
    if (statusOf(error) !== 404) throw error;
    await queue.createIfNotExists();
    await queue.sendMessage(text);
  }
}
