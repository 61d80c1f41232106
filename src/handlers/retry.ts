/**
 * A transient fault becomes a new message with a longer delay, because the host's own redelivery knows one fixed delay and
 * gives up after five. A bug still fails the invocation, so that it is seen and ends in the poison queue.
 */
import { PermanentError, TransientError } from "../errors.ts";
import type { QueueName, Queues } from "../ports.ts";

const daysMost = 3;
const delayMostSeconds = 900;

export interface Retried {
  readonly tries?: number | undefined;
  readonly since?: string | undefined;
}

export interface RetryPorts {
  readonly queues: Queues;
  now(): number;
  log(message: string, fields: Record<string, unknown>): void;
}

/** `giveUp` records what can no longer be done, for people; it is called for permanent faults and after three days. */
export async function withRetries<M extends Retried>(
  queue: QueueName,
  message: M,
  ports: RetryPorts,
  handle: (message: M) => Promise<void>,
  giveUp: (message: M, error: Error) => Promise<void>,
): Promise<void> {
  try {
    await handle(message);
  } catch (error) {
    if (error instanceof PermanentError) return await giveUp(message, error);
    if (!(error instanceof TransientError)) throw error;
    const tries = (message.tries ?? 0) + 1;
    const since = message.since ?? new Date(ports.now()).toISOString();
    if (ports.now() - Date.parse(since) > daysMost * 86_400_000) return await giveUp(message, error);
    const delaySeconds = Math.min(delayMostSeconds, Math.max(error.retryAfterSeconds ?? 0, 2 ** Math.min(tries, 10)));
    ports.log("trying again later", { queue, tries, delaySeconds, why: error.message });
    await ports.queues.send(queue, { ...message, tries, since }, { delaySeconds });
  }
}
