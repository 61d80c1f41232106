/** The outside world as handlers and the API need it, in our words; `azure` speaks the vendor's. */

/** The message is always the same text, so that it can be searched for and counted; what differs is in the fields. */
export type Log = (message: string, fields: Record<string, unknown>) => void;

export const queueNames = {
  events: "events",
  registries: "registries",
  runWork: "run-work",
  reports: "reports",
  /** Written by Event Grid, read by us. */
  registryEvents: "registry-events",
} as const;
export type QueueName = (typeof queueNames)[keyof typeof queueNames];

/** A message that failed as often as the host tries one: our bug, kept as it was. */
export interface PoisonMessage {
  readonly id: string;
  readonly body: unknown;
}

export interface Queues {
  send(queue: QueueName, message: unknown, options?: { readonly delaySeconds?: number }): Promise<void>;
  /** Hands over what is in a queue's poison queue, a few dozen at most; each is deleted once it has been handled. */
  drainPoison(queue: QueueName, handle: (message: PoisonMessage) => Promise<void>): Promise<void>;
}

export interface LogStore {
  /** Writes the whole log under a name, replacing what was there; returns its bytes. */
  save(name: string, text: AsyncIterable<Uint8Array>): Promise<number>;
}

export interface LogPiece {
  readonly bytes: Uint8Array;
  readonly nextOffset: number;
  /** The log has ended and everything before `nextOffset` has been read. */
  readonly complete: boolean;
}

export interface LogReader {
  /** Up to `maxBytes` from `offset`. Nothing written yet: no bytes, not complete. */
  read(offset: number, maxBytes: number): Promise<LogPiece>;
}
