import type { InvocationResponse } from "./core-types.ts";
import type { FunctionDefinition, QueueOutput } from "./metadata.ts";
import { encodeMessage, type MessageEncoding } from "./queue-encoding.ts";
import { queueOutputMessages } from "./queue-output-messages.ts";
import { sendCreatingQueue } from "./queue-send.ts";
import type { QueueWake } from "./queue-wake.ts";
import type { StorageConnections } from "./storage-connection.ts";
import { outputValue } from "./typed-data.ts";

export interface OutputOptions {
  readonly connections: StorageConnections;
  readonly wake: QueueWake;
  readonly messageEncoding: MessageEncoding;
}

/**
 * Writes all output bindings of one invocation in parallel, each one's messages in order. There is no transaction: when one
 * fails the others stay written and the invocation has failed.
 */
export async function bindOutputs(
  { connections, wake, messageEncoding }: OutputOptions,
  definition: FunctionDefinition,
  response: InvocationResponse,
): Promise<void> {
  const send = async (output: QueueOutput): Promise<void> => {
    const data = output.bindingName === "$return" ? response.returnValue : dataOf(response, output.bindingName);
    const queue = connections.queues(output.connection).sending.getQueueClient(output.queueName);
    for (const message of queueOutputMessages(outputValue(data))) {
      await sendCreatingQueue(queue, encodeMessage(message, messageEncoding));
      wake.wake(queue);
    }
  };
  const results = await Promise.allSettled(definition.queueOutputs.map(send));
  const at = results.findIndex((result) => result.status === "rejected");
  const failed = results[at];
  if (failed?.status === "rejected") {
    throw new Error(`send to queue ${definition.queueOutputs[at]?.queueName}`, { cause: failed.reason });
  }
}

function dataOf(response: InvocationResponse, name: string) {
  return response.outputData?.find((output) => output.name === name)?.data;
}
