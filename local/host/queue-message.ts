import type { DequeuedMessageItem } from "@azure/storage-queue";
import type { TypedData } from "./core-types.ts";
import { textOrBytes } from "./typed-data.ts";

export type ReceivedMessage = Pick<
  DequeuedMessageItem,
  "messageId" | "popReceipt" | "dequeueCount" | "insertedOn" | "expiresOn" | "nextVisibleOn"
>;

/** The trigger's value: text, or bytes when it is not UTF-8 or the binding asks for binary. */
export function queueTriggerData(body: Buffer, binary: boolean): TypedData {
  return binary ? { bytes: body } : textOrBytes(body);
}

/**
 * Trigger metadata under the host's names; the library makes them camelCase. Top-level properties of a JSON object body
 * other than arrays are merged over them without regard to case, scalars as C# text: a body with `id` hides the message's own.
 */
export function queueTriggerMetadata(message: ReceivedMessage, body: Buffer): Record<string, TypedData> {
  const metadata = new Map<string, { name: string; data: TypedData }>();
  const set = (name: string, data: TypedData): void => {
    const key = name.toLowerCase();
    metadata.set(key, { name: metadata.get(key)?.name ?? name, data });
  };
  set("QueueTrigger", textOrBytes(body));
  set("DequeueCount", { json: String(message.dequeueCount) });
  set("ExpirationTime", { json: dateJson(message.expiresOn) });
  set("Id", { string: message.messageId });
  set("InsertionTime", { json: dateJson(message.insertedOn) });
  set("NextVisibleTime", { json: dateJson(message.nextVisibleOn) });
  set("PopReceipt", { string: message.popReceipt });
  for (const [name, value] of Object.entries(parseObject(body))) {
    if (!Array.isArray(value)) set(name, mergedValue(value));
  }
  return Object.fromEntries([...metadata.values()].map(({ name, data }) => [name, data]));
}

function mergedValue(value: unknown): TypedData {
  if (value === null) return {};
  if (typeof value === "object") return { json: JSON.stringify(value) };
  return { string: typeof value === "boolean" ? (value ? "True" : "False") : String(value) };
}

function parseObject(body: Buffer): Record<string, unknown> {
  const text = body.toString("utf8");
  if (!text.trimStart().startsWith("{")) return {};
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** `"2026-11-23T15:00:00+00:00"`: .NET's DateTimeOffset, whole seconds. */
function dateJson(date: Date): string {
  return JSON.stringify(date.toISOString().replace(/\.\d+Z$/, "+00:00"));
}
