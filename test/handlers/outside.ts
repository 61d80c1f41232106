/** Small stand-ins for what lies outside: queues, GitHub's head of a ref, a clock, a counter for ids. */
import type { PublishPolicy } from "../../src/core/config/platform.ts";
import { PermanentError } from "../../src/errors.ts";
import { createRegistries, type Registries } from "../../src/handlers/registries.ts";
import type { PoisonMessage, QueueName, Queues } from "../../src/ports.ts";
import { MemoryRows } from "../support/memory-rows.ts";

export interface Sent {
  readonly queue: QueueName;
  readonly body: Record<string, unknown>;
  readonly delaySeconds: number | undefined;
}

export class Outside {
  now = Date.parse("2026-11-23T12:00:00.000Z");
  readonly rows = new MemoryRows(() => this.now);
  readonly sent: Sent[] = [];
  readonly poison = new Map<QueueName, PoisonMessage[]>();
  readonly logs: { readonly message: string; readonly fields: Record<string, unknown> }[] = [];
  /** Thrown instead of sending. */
  queueFault: Error | undefined;
  #ids = 0;

  readonly queues: Queues = {
    send: async (queue, body, options) => {
      if (this.queueFault) throw this.queueFault;
      const plain = JSON.parse(JSON.stringify(body)) as Record<string, unknown>;
      this.sent.push({ queue, body: plain, delaySeconds: options?.delaySeconds });
    },
    drainPoison: async (queue, handle) => {
      for (const message of this.poison.get(queue) ?? []) await handle(message);
      this.poison.delete(queue);
    },
  };
  readonly log = (message: string, fields: Record<string, unknown>) => {
    this.logs.push({ message, fields });
  };
  readonly clock = () => this.now;
  readonly newId = () => `id-${++this.#ids}`;

  sentTo(queue: QueueName): readonly Sent[] {
    return this.sent.filter((s) => s.queue === queue);
  }

  async value<T>(partition: string, key: string): Promise<T | undefined> {
    return (await this.rows.read(partition, key)).row?.value as T | undefined;
  }

  async put(partition: string, values: Readonly<Record<string, unknown>>): Promise<void> {
    for (const [key, value] of Object.entries(values))
      await this.rows.transact(partition, [{ kind: "put", key, value }]);
  }

  /** One registry per alias, at `<alias>.azurecr.io`; ARM does not show those in `gone`. */
  registries(aliases: readonly string[] = ["acme"], gone: readonly string[] = []): Registries {
    return createRegistries({
      platform: platformOf(aliases),
      rows: this.rows,
      factsOf: async (alias) => {
        if (gone.includes(alias)) throw new PermanentError("registry-not-found", `ARM knows no registry ${alias}`);
        return { loginServer: `${alias}.azurecr.io`, createdAt: "2026-01-01T00:00:00Z" };
      },
      now: this.clock,
    });
  }
}

export function platformOf(
  aliases: readonly string[],
  publish: PublishPolicy["publish"] = [{ from: "acme/*", to: "**" }],
) {
  const registries = Object.fromEntries(
    aliases.map((alias) => [
      alias,
      {
        alias,
        resourceId: `/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/${alias}`,
        maxRuns: 2,
      },
    ]),
  );
  return { registries, publish } satisfies PublishPolicy;
}
