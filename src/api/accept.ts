/** Takes what people ask for: it is left as a word in the inbox, and answered 202 with the decision to ask for. */
import { sha256Hex } from "../core/image/sha256.ts";
import type { Cause } from "../core/plan/reason.ts";
import type { Inbox } from "../core/state/rows.ts";
import { type InboxWriter, leaveWord } from "../handlers/inbox.ts";
import type { HistoryPorts } from "./history.ts";
import { answerJson, badRequest } from "./problem.ts";

/** Names and refs may hold whatever one could put between them, and together be too long for an id. */
function hashOf(parts: readonly (string | undefined)[]): string {
  return sha256Hex(new TextEncoder().encode(JSON.stringify(parts))).slice(0, 32);
}

export type Accept = ReturnType<typeof accepting>;

export function accepting(ports: InboxWriter & HistoryPorts) {
  const leave = async (alias: string, word: Inbox) => leaveWord(ports, await ports.registries.find(alias), word);
  return {
    /** The same Idempotency-Key for the same is the same request, however often it is sent. */
    request(header: (name: string) => string | undefined, action: string, ...about: readonly (string | undefined)[]) {
      const given = header("idempotency-key");
      if (given !== undefined && !/^[A-Za-z0-9._-]{1,100}$/.test(given))
        throw badRequest({ at: "Idempotency-Key", message: "takes 1 to 100 of A-Z a-z 0-9 . _ -" });
      const id = `request-${given === undefined ? ports.newId() : `${given}-${hashOf([action, given, ...about])}`}`;
      const cause: Cause = { kind: "request", id, action, at: new Date(ports.now()).toISOString() };
      return { id, cause };
    },
    async word(alias: string, word: Inbox) {
      await leave(alias, word);
      return answerJson({ id: word.id, decision: `decisions/${word.id}` }, 202);
    },
    async words(aliases: readonly string[], word: Inbox) {
      for (const alias of aliases) await leave(alias, word);
      return answerJson({ id: word.id, decision: `decisions/${word.id}`, registries: aliases }, 202);
    },
  };
}
