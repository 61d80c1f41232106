/** What failed for good and is kept for people: messages that no function could take, words that no pass could work off. */
import { z } from "zod";
import { cut } from "../core/image/quote.ts";
import { sha256Hex } from "../core/image/sha256.ts";
import { lastSegment, rangeOf } from "../core/state/keys.ts";
import type { GivenUp, Inbox, Stuck } from "../core/state/rows.ts";
import { type InboxWriter, leaveWord } from "../handlers/inbox.ts";
import { platformPartition, type Registry } from "../handlers/registries.ts";
import type { QueueName } from "../ports.ts";
import { redact } from "../redact.ts";
import { allRegistries, type HistoryPorts } from "./history.ts";
import { answerJson, notFound, Problem } from "./problem.ts";
import { type Route, route } from "./route.ts";
import { Moment, Name, nothing } from "./schemas.ts";

/** So many of each kind are shown: health is told by one, and more than these have one reason. */
const shownMost = 100;
const foundMost = 1000;

const FailureView = z.object({
  id: z.string(),
  at: Moment,
  registry: z.string().optional().describe("alias; absent for a message"),
  what: z.enum(["message", "word"]).describe("of a queue, or of a registry's inbox"),
  of: z.string().describe("the queue, or the kind of word"),
  about: z.string().describe("the beginning of the message, or the word's own id"),
  why: z.string().optional().describe("of a word; why a message failed is in the log alone"),
});

type Kept = { readonly view: z.infer<typeof FailureView>; readonly partition: string; readonly key: string } & (
  | { readonly message: GivenUp }
  | { readonly word: Stuck["word"]; readonly registry: Registry }
);

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
        const failures = (await listKept(shownMost, ports)).map(({ view }) => view);
        return answerJson({ failures: failures.sort((a, b) => (a.at < b.at ? -1 : 1)) });
      },
    }),
  ];
}

export function failureRequests(ports: InboxWriter & HistoryPorts): readonly Route[] {
  const forget = async ({ partition, key }: Kept) => {
    await ports.rows.transact(partition, [{ kind: "remove", key }]);
  };
  const retry = async (kept: Kept) => {
    if ("message" in kept) {
      await ports.queues.send(kept.message.queue as QueueName, asNew(kept.message.body));
      return forget(kept);
    }
    const { word, registry, key } = kept;
    // Only its name is kept of one that fitted no row with the reason beside it.
    if (Object.keys(word).length === 2)
      throw new Problem(409, "Cannot be tried again", `of ${word.id} only the name is kept`);
    // Put back by somebody else meanwhile, it is there, too.
    await leaveWord(ports, registry, word as Inbox, [{ kind: "remove", key }]);
  };
  const act = (action: string, summary: string, each: (kept: Kept) => Promise<void>) =>
    route({
      method: "POST",
      template: `failures/{id}/${action}`,
      summary,
      params: z.object({ id: Name }),
      query: nothing,
      answers: z.object({ id: z.string() }),
      answersAtOnce: true,
      async handle({ params: { id } }) {
        const found = (await listKept(foundMost, ports)).filter(({ view }) => view.id === id);
        if (found.length === 0) throw notFound(`nothing that failed is called ${id}`);
        for (const kept of found) await each(kept);
        return answerJson({ id });
      },
    });
  return [
    act("retry", "Put it back where it failed, once its cause is mended", retry),
    act("forget", "Drop it: what it stood for is found again, or is to be asked for again", forget),
  ];
}

/** With its days of trying before it again. */
function asNew(body: unknown): unknown {
  if (typeof body !== "object" || body === null) return body;
  const { tries, since, ...rest } = body as Record<string, unknown>;
  return rest;
}

async function listKept(most: number, ports: HistoryPorts): Promise<readonly Kept[]> {
  const { rows } = ports;
  const messages = (await rows.list(platformPartition, rangeOf("poison"), most)).map(({ key, value }): Kept => {
    const message = value as GivenUp;
    // Azure's message ids are GUIDs: nothing in them is escaped.
    const about = cut(redact(JSON.stringify(message.body)), 200);
    const view = { id: lastSegment(key), at: message.at, what: "message", of: message.queue, about } as const;
    return { view, partition: platformPartition, key, message };
  });
  const words = (await allRegistries(ports)).map(async (registry) => {
    const { alias, partition } = registry;
    return (await rows.list(partition, rangeOf("stuck"), most)).map(({ key, value }): Kept => {
      const { word, why: stack, at } = value as Stuck;
      // Its own id may hold the slashes of a ref, and be longer than a path may.
      const id = sha256Hex(new TextEncoder().encode(`${alias} ${word.id}`)).slice(0, 16);
      const [why = ""] = redact(stack).split("\n");
      const view = { id, at, registry: alias, what: "word", of: word.kind, about: word.id, why } as const;
      return { view, partition, key, word, registry };
    });
  });
  return [...messages, ...(await Promise.all(words)).flat()];
}
