import type { OutputValue } from "./typed-data.ts";

/**
 * The messages a queue output binding makes of a handler's value (facts/functions-host.md §2.5): an object is one message of
 * indented JSON, an array one per element, text that parses as an object or array is treated as that, numbers and booleans
 * are written the C# way.
 */
export function queueOutputMessages(value: OutputValue): Buffer[] {
  switch (value.kind) {
    case "none":
      return [];
    case "bytes":
      return [value.bytes];
    case "text":
      return messagesOfText(value.text);
    case "json":
      return messagesOfJson(value.value);
  }
}

function messagesOfText(text: string): Buffer[] {
  const trimmed = text.trim();
  const looksLikeJson =
    (trimmed.startsWith("{") && trimmed.endsWith("}")) || (trimmed.startsWith("[") && trimmed.endsWith("]"));
  if (looksLikeJson) {
    try {
      return messagesOfJson(JSON.parse(trimmed));
    } catch {
      // Not JSON after all: sent as it is.
    }
  }
  return [Buffer.from(text, "utf8")];
}

function messagesOfJson(value: unknown): Buffer[] {
  if (Array.isArray(value)) return value.filter((element) => element !== null).map(messageOfElement);
  return value === null ? [] : [messageOfElement(value)];
}

function messageOfElement(value: unknown): Buffer {
  if (typeof value === "string") return Buffer.from(value, "utf8");
  if (typeof value === "boolean") return Buffer.from(value ? "True" : "False");
  return Buffer.from(JSON.stringify(value, null, 2), "utf8");
}
