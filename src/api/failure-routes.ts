/** What failed for good and is kept for people: messages that no function could take, words that no pass could work off. */
import { z } from "zod";
import { keys, lastSegment, rangeOf } from "../core/state/keys.ts";
import type { GivenUp, Inbox, Stuck } from "../core/state/rows.ts";
import { type InboxWriter, leaveWord } from "../handlers/inbox.ts";
import { platformPartition, type Registry } from "../handlers/registries.ts";
import type { QueueName } from "../ports.ts";
import { redact } from "../redact.ts";
import { allRegistries, type HistoryPorts } from "./history.ts";
import { answerJson, notFound, Problem } from "./problem.ts";
import { type Route, route } from "./route.ts";
import { Moment, nothing } from "./schemas.ts";

/** So many of each kind are shown: health is told by one, and more than these have one reason. */
const shownMost = 100;

const FailureView = z.object({
  id: z.string(),
  at: Moment,
  registry: z.string().optional().describe("alias; absent for a message"),
  what: z.enum(["message", "word"]).describe("of a queue, or of a registry's inbox"),
  of: z.string().describe("the queue, or the kind of word"),
  why: z.string().optional().describe("of a word; why a message failed is in the log alone"),
});
const Done = z.object({ id: z.string() });

interface Message {
  readonly id: string;
  readonly key: string;
  readonly value: GivenUp;
}

export function failureRoutes(ports: HistoryPorts): readonly Route[] {
  return [
    route({
      method: "GET",
      template: "failures",
      summary: "What failed for good and is kept for people, oldest first",
      params: nothing,
      query: nothing,
      answers: z.object({ failures: z.array(FailureView) }),
      async handle() {
        const messages = (await listMessages(ports, shownMost)).map(({ id, value }) => ({
          id,
          at: value.at,
          what: "message" as const,
          of: value.queue,
        }));
        const words = await Promise.all((await allRegistries(ports)).map((registry) => listWords(registry, ports)));
        const failures = [...messages, ...words.flat()].sort((a, b) => (a.at < b.at ? -1 : 1));
        return answerJson({ failures });
      },
    }),
  ];
}

export function failureRequests(ports: InboxWriter & HistoryPorts): readonly Route[] {
  const act = (
    action: "retry" | "forget",
    summary: string,
    on: {
      message(message: Message): Promise<void>;
      /** Whether it was still there. */
      word(registry: Registry, rowKey: string, stuck: Stuck): Promise<boolean>;
    },
  ) =>
    route({
      method: "POST",
      template: `failures/{id}/${action}`,
      summary,
      params: z.object({ id: z.string().min(1).max(1000).describe("as listed; words have long ones") }),
      query: nothing,
      answers: Done,
      answersAtOnce: true,
      async handle({ params: { id } }) {
        const messages = (await listMessages(ports, 1000)).filter((m) => m.id === id);
        for (const message of messages) await on.message(message);
        let found = messages.length;
        for (const registry of await allRegistries(ports)) {
          const { row } = await ports.rows.read(registry.partition, keys.stuck(id));
          if (row && (await on.word(registry, row.key, row.value as Stuck))) found++;
        }
        if (found === 0) throw notFound(`nothing that failed is called ${id}`);
        return answerJson({ id });
      },
    });
  const forget = (partition: string, rowKey: string) =>
    ports.rows.transact(partition, [{ kind: "remove", key: rowKey }]);
  return [
    act("retry", "Put it back where it failed, once its cause is mended", {
      async message({ key, value }) {
        await ports.queues.send(value.queue as QueueName, asNew(value.body));
        await forget(platformPartition, key);
      },
      async word(registry, rowKey, { word }) {
        // Only its name is kept of one that fitted no row with the reason beside it.
        if (Object.keys(word).length === 2)
          throw new Problem(409, "Cannot be tried again", `of ${word.id} only the name is kept`);
        return (await leaveWord(ports, registry, word as Inbox, [{ kind: "remove", key: rowKey }])) === "left";
      },
    }),
    act("forget", "Drop it: what it stood for is found again, or is to be asked for again", {
      async message({ key }) {
        await forget(platformPartition, key);
      },
      word: async ({ partition }, rowKey) => (await forget(partition, rowKey)).kind === "done",
    }),
  ];
}

/** With its days of trying before it again. */
function asNew(body: unknown): unknown {
  if (typeof body !== "object" || body === null) return body;
  const { tries, since, ...rest } = body as Record<string, unknown>;
  return rest;
}

async function listMessages({ rows }: HistoryPorts, limit: number): Promise<readonly Message[]> {
  const found = await rows.list(platformPartition, rangeOf("poison"), limit);
  // Azure's message ids are GUIDs: nothing in them is escaped.
  return found.map(({ key, value }) => ({ id: lastSegment(key), key, value: value as GivenUp }));
}

async function listWords(
  { alias, partition }: Registry,
  { rows }: HistoryPorts,
): Promise<readonly z.infer<typeof FailureView>[]> {
  const found = await rows.list(partition, rangeOf("stuck"), shownMost);
  return found.map((row) => {
    const { word, why, at } = row.value as Stuck;
    const [first = ""] = redact(why).split("\n");
    return { id: word.id, at, registry: alias, what: "word", of: word.kind, why: first };
  });
}
