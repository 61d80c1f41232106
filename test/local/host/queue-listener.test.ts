import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import type { QueueSettings } from "../../../local/host/host-json.ts";
import type { FunctionDefinition } from "../../../local/host/metadata.ts";
import { bindOutputs } from "../../../local/host/outputs.ts";
import { QueueListener } from "../../../local/host/queue-listener.ts";
import { QueueWake } from "../../../local/host/queue-wake.ts";
import type { StorageConnections } from "../../../local/host/storage-connection.ts";
import { memoryQueues } from "./memory-queues.ts";

const soon = { timeout: 60_000, interval: 10 };

/** A listener on queues in memory. It waits for ever after an empty receive: only a wake-up lets it look again. */
function listening(
  queueName: string,
  options: {
    readonly queues?: ReturnType<typeof memoryQueues>;
    readonly wake?: QueueWake;
    readonly settings?: Partial<QueueSettings>;
    readonly run?: (text: string) => Promise<unknown>;
  } = {},
) {
  const { queues = memoryQueues(), wake = new QueueWake(), run = async () => {} } = options;
  const began: string[] = [];
  const log: string[] = [];
  let waits = 0;
  const listener = new QueueListener({
    functionName: queueName,
    trigger: { kind: "queue", bindingName: "in", queueName, connection: undefined, binary: false },
    account: queues.account,
    settings: {
      batchSize: 4,
      newBatchThreshold: 2,
      maxPollingInterval: 60_000,
      maxDequeueCount: 5,
      visibilityTimeout: 0,
      messageEncoding: "none",
      ...options.settings,
    },
    receiveVisibility: 600_000,
    wake,
    backoff: {
      reset() {},
      next() {
        waits += 1;
        return 600_000;
      },
    },
    log: (level, _category, message) => void log.push(`${level} ${message}`),
    async run({ data }) {
      began.push(data.string!);
      await run(data.string!);
    },
  });
  listener.start();
  onTestFinished(() => listener.stop());
  const client = queues.account.sending.getQueueClient(queueName);
  return {
    listener,
    queue: queues.queue(queueName),
    queues,
    began,
    log,
    waits: () => waits,
    wakeUp: () => wake.wake(client),
    /** When all that was there has been seen to. */
    seenTo: async () => {
      await expect.poll(() => waits, soon).toBeGreaterThan(0);
      await listener.idle();
    },
  };
}

test("a message sent from inside the host ends the wait at once, one sent by an SDK client does not", async () => {
  const { queue, began, waits, wakeUp } = listening("waked");
  await expect.poll(waits, soon).toBe(1);
  queue.send("one");
  await sleep(50);
  expect([began, waits()]).toEqual([[], 1]);
  wakeUp();
  await expect.poll(() => began, soon).toEqual(["one"]);
});

test("a receive that fails is told, and waited after like an empty one", async () => {
  const queues = memoryQueues();
  queues.busy.add("hard");
  queues.queue("hard").send("one");
  const { began, log, waits, wakeUp } = listening("hard", { queues });
  await expect.poll(waits, soon).toBe(1);
  expect([began, log]).toEqual([[], ["warning receive from queue hard: try later"]]);
  queues.busy.clear();
  wakeUp();
  await expect.poll(() => began, soon).toEqual(["one"]);
});

test("an output binding wakes the listener of its queue, and a move to a poison queue that one's", async () => {
  const queues = memoryQueues();
  const wake = new QueueWake();
  const poison = listening("jobs-poison", { queues, wake });
  const jobs = listening("jobs", {
    queues,
    wake,
    settings: { maxDequeueCount: 1 },
    run: () => Promise.reject(new Error("no")),
  });
  await expect.poll(() => [poison.waits(), jobs.waits()], soon).toEqual([1, 1]);
  const connections = { queues: () => queues.account } as unknown as StorageConnections;
  const definition = {
    queueOutputs: [{ bindingName: "out", queueName: "jobs", connection: undefined }],
  } as unknown as FunctionDefinition;
  const outputData = [{ name: "out", data: { string: "work" } }];
  await bindOutputs({ connections, wake, messageEncoding: "none" }, definition, { outputData });
  await expect.poll(() => [jobs.began, poison.began], soon).toEqual([["work"], ["work"]]);
});

test("the next batch is received when no more than newBatchThreshold messages are in flight, not earlier", async () => {
  const finish: (() => void)[] = [];
  const queues = memoryQueues();
  for (let n = 0; n < 7; n += 1) queues.queue("many").send(String(n));
  const run = () => new Promise<void>((done) => finish.push(done));
  const { queue, listener, waits } = listening("many", { queues, run });
  await expect.poll(() => finish.length, soon).toBe(4);
  finish.shift()!();
  await sleep(20);
  expect([queue.receives, finish.length]).toEqual([[4], 3]);
  finish.shift()!();
  await expect.poll(() => finish.length, soon).toBe(5);
  expect(queue.receives.slice(0, 2)).toEqual([4, 4]);
  for (const done of finish.splice(0)) done();
  await expect.poll(waits, soon).toBeGreaterThan(0);
  await listener.idle();
  expect(queue.messages).toEqual([]);
});

test("a message that was received too often before goes to the poison queue without a run", async () => {
  const queues = memoryQueues();
  queues.queue("dying").send("killed its host five times", 5);
  const { began, queue, seenTo } = listening("dying", { queues });
  await seenTo();
  expect([began, queue.messages]).toEqual([[], []]);
  expect(queues.queue("dying-poison").messages).toMatchObject([{ text: "killed its host five times" }]);
});

test("a queue whose poison queue's name would be over 63 characters has none: the message stays, invisible", async () => {
  const queues = memoryQueues();
  const name = "q".repeat(57);
  queues.queue(name).send("bad", 4);
  const { began, queue, seenTo } = listening(name, { queues, run: () => Promise.reject(new Error("no")) });
  await seenTo();
  expect([began, queue.changes]).toEqual([["bad"], []]);
  expect(queue.messages).toMatchObject([{ visible: false }]);
});

test.each([
  ["deleted", async () => {}, "delete mine"],
  ["given back", () => Promise.reject(new Error("no")), "update mine 0"],
])("a message that somebody else got meanwhile cannot be %s, and nobody minds", async (_, run, asked) => {
  const queues = memoryQueues();
  queues.lost.add("mine");
  queues.queue("shared").send("mine");
  const { queue, log, seenTo } = listening("shared", { queues, run });
  await seenTo();
  expect([queue.changes, log]).toEqual([[asked], []]);
});
