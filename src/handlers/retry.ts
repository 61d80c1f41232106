/**
 * A transient fault becomes a new message with a longer delay, because the host's own redelivery knows one fixed delay and
 * gives up after five. A bug still fails the invocation, so that it is seen and ends in the poison queue.
 */
import { PermanentError, TransientError } from "../errors.ts";
import { type Log, type QueueName, type Queues, queueNames } from "../ports.ts";

/** An event is in its message alone: nobody else would try it again. */
const eventDaysMost = 3;
/** Of everything else a row says that it is owed, and the sweep sends it again: a message of its own for each of both would multiply. */
const owedSecondsMost = 60;
const delayMostSeconds = 900;

export interface Retried {
  readonly tries?: number | undefined;
  readonly since?: string | undefined;
}

export interface RetryPorts {
  readonly queues: Queues;
  now(): number;
  readonly log: Log;
}

/** `giveUp` records what can no longer be done, for people; it is called for permanent faults, and for events after three days. */
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
    const seconds = (ports.now() - Date.parse(since)) / 1000;
    if (queue === queueNames.events && seconds > eventDaysMost * 86_400) return await giveUp(message, error);
    if (queue !== queueNames.events && seconds > owedSecondsMost) {
      ports.log("left to the sweep", { queue, tries, why: error.message });
      return;
    }
    const delaySeconds = Math.min(delayMostSeconds, Math.max(error.retryAfterSeconds ?? 0, 2 ** Math.min(tries, 10)));
    ports.log("trying again later", { queue, tries, delaySeconds, why: error.message });
    await ports.queues.send(queue, { ...message, tries, since }, { delaySeconds });
  }
}
