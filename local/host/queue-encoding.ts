export type MessageEncoding = "base64" | "none";

/** The text that goes into the queue. */
export function encodeMessage(body: Buffer, encoding: MessageEncoding): string {
  return encoding === "base64" ? body.toString("base64") : body.toString("utf8");
}

/** The body behind a message's text, or undefined when it is not base64 as .NET would read it (white space is allowed). */
export function decodeMessage(text: string, encoding: MessageEncoding): Buffer | undefined {
  if (encoding === "none") return Buffer.from(text, "utf8");
  const compact = text.replace(/[ \t\r\n]/g, "");
  const valid = compact.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(compact);
  return valid ? Buffer.from(compact, "base64") : undefined;
}
