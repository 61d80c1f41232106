const SUFFIX = "-poison";
const LONGEST_QUEUE_NAME = 63;

/** Where messages go that failed too often; undefined when the queue is itself a poison queue or its name is too long. */
export function poisonQueueName(queueName: string): string | undefined {
  if (queueName.endsWith(SUFFIX)) return undefined;
  const name = queueName + SUFFIX;
  return name.length <= LONGEST_QUEUE_NAME ? name : undefined;
}
