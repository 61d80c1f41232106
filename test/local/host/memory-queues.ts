import type { QueueAccount } from "../../../local/host/storage-connection.ts";

interface Message {
  readonly id: string;
  readonly text: string;
  dequeueCount: number;
  visible: boolean;
}

export interface MemoryQueue {
  readonly messages: Message[];
  /** How many messages each receive asked for, in order. */
  readonly receives: number[];
  /** What was asked about messages, as `delete one` or `update one 0`. */
  readonly changes: string[];
  /** As an SDK client of the app sends; `dequeueCount`: how often it was received before. */
  send(text: string, dequeueCount?: number): void;
}

/** Queues in memory, as far as the host uses them; a receive gives visible messages once. */
export function memoryQueues() {
  const queues = new Map<string, MemoryQueue>();
  const queue = (name: string): MemoryQueue => {
    const known = queues.get(name);
    if (known) return known;
    const messages: Message[] = [];
    const made: MemoryQueue = {
      messages,
      receives: [],
      changes: [],
      send: (text, dequeueCount = 0) =>
        void messages.push({ id: `${name}-${messages.length}`, text, dequeueCount, visible: true }),
    };
    queues.set(name, made);
    return made;
  };
  /** Somebody else has these: every change of them is refused as the service does. */
  const lost = new Set<string>();
  /** The service is too busy to look into these. */
  const busy = new Set<string>();
  const client = (name: string) => {
    const { messages, receives, changes, send } = queue(name);
    const change = (what: string, text: string): void => {
      changes.push(what);
      if (lost.has(text)) throw Object.assign(new Error("gone"), { statusCode: 404, code: "MessageNotFound" });
    };
    const textOf = (id: string): string => messages.find((message) => message.id === id)?.text ?? "";
    return {
      name,
      url: `http://queues/${name}`,
      async receiveMessages({ numberOfMessages }: { numberOfMessages: number }) {
        receives.push(numberOfMessages);
        if (busy.has(name)) throw Object.assign(new Error("try later"), { statusCode: 503 });
        const received = messages.filter(({ visible }) => visible).slice(0, numberOfMessages);
        const receivedMessageItems = received.map((message) => {
          message.visible = false;
          message.dequeueCount += 1;
          const now = new Date();
          return {
            messageId: message.id,
            messageText: message.text,
            popReceipt: "r0",
            dequeueCount: message.dequeueCount,
            insertedOn: now,
            expiresOn: now,
            nextVisibleOn: now,
          };
        });
        return { receivedMessageItems };
      },
      async deleteMessage(id: string) {
        change(`delete ${textOf(id)}`, textOf(id));
        messages.splice(
          messages.findIndex((message) => message.id === id),
          1,
        );
      },
      async updateMessage(id: string, _receipt: string, _text: undefined, seconds: number) {
        change(`update ${textOf(id)} ${seconds}`, textOf(id));
        const message = messages.find((each) => each.id === id);
        if (message && seconds === 0) message.visible = true;
        return { popReceipt: "r1" };
      },
      async sendMessage(text: string) {
        send(text);
      },
    };
  };
  const service = { getQueueClient: client };
  return { queue, lost, busy, account: { polling: service, sending: service } as unknown as QueueAccount };
}
