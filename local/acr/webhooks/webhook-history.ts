import type { Answer } from "../../delivery/send.ts";
import type { WebhookBody } from "./webhook.ts";

/** One delivery as listEvents shows it. ACR's order of properties, and its numbers as text. */
export interface HistoryEntry {
  readonly eventRequestMessage: {
    readonly content: WebhookBody;
    readonly headers: Readonly<Record<string, string>>;
    readonly method: "POST";
    readonly requestUri: string;
    readonly version: "1.1";
  };
  readonly eventResponseMessage: {
    readonly content: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly reasonPhrase: string;
    readonly statusCode: string;
    readonly version?: "1.1";
  };
  readonly id: string;
}

/** Characters of an answer that are kept; a recording shows a page of 196 063 bytes cut to about this. */
const keptContent = 4096;

/** Recorded: a silent receiver reads as this, and nothing more, after some 8 s. */
const timedOut = { content: "Operation timed out.", reasonPhrase: "GatewayTimeout", statusCode: "504" };

export function historyEntry(
  content: WebhookBody,
  requestUri: string,
  headers: Readonly<Record<string, string>>,
  answer: Answer,
): HistoryEntry {
  // Seen on the wire, and not in ACR's own record of it.
  const { "User-Agent": _, ...recorded } = headers;
  return {
    eventRequestMessage: {
      content,
      headers: recorded,
      method: "POST",
      requestUri: new URL(requestUri).href,
      version: "1.1",
    },
    eventResponseMessage: responseMessage(answer),
    id: content.id,
  };
}

function responseMessage(answer: Answer): HistoryEntry["eventResponseMessage"] {
  switch (answer.kind) {
    case "answered":
      return {
        content: answer.body.slice(0, keptContent),
        headers: answer.headers,
        reasonPhrase: answer.reason,
        statusCode: String(answer.status),
        version: "1.1",
      };
    case "timed-out":
      return timedOut;
    case "failed":
      return { content: answer.message, reasonPhrase: "BadGateway", statusCode: "502" };
    case "elsewhere":
      return {
        content: "Not sent: the local twin sends webhooks to 127.0.0.1 and localhost only.",
        reasonPhrase: "BadGateway",
        statusCode: "502",
      };
  }
}
