/** Takes secrets out of text that others wrote (error messages, run logs' last words) before it is kept or shown. */
import { named, shaped } from "./secret-patterns.ts";

/** Longer text is cut first: nobody reads it, and the patterns must not be made to work for minutes. */
const lengthLimit = 16 * 1024;

/** The text, at most 16 KiB of it, with URL queries and user names, bearer values, GitHub tokens, JWTs and SAS signatures replaced by `***`. */
export function redact(text: string): string {
  const words = cut(text).split(/([\s"'<>]+)/);
  const unnamed = named.reduce((t, secret) => t.replace(secret, "$1***"), words.map(redactUrls).join(""));
  return shaped.reduce((t, secret) => t.replace(secret, "***"), unnamed);
}

/** At a blank, so that no half of a token escapes the patterns. */
function cut(text: string): string {
  if (text.length <= lengthLimit) return text;
  const kept = text.slice(0, lengthLimit);
  return `${kept.slice(0, Math.max(0, kept.lastIndexOf(" ")))}…`;
}

/** In one word: user names go, and everything after a `?`. */
function redactUrls(word: string): string {
  return word
    .split("://")
    .map((part, index) => {
      if (index === 0) return part;
      const [beforeQuery = "", ...query] = part.split("?");
      const [authority = "", ...path] = beforeQuery.split("/");
      const host = authority.includes("@") ? `***@${authority.slice(authority.lastIndexOf("@") + 1)}` : authority;
      return [host, ...path].join("/") + (query.length > 0 ? "?***" : "");
    })
    .join("://");
}

/**
 * What of an error may travel on as a `cause`: its name, code and redacted message.
 * The error itself may not: SDK errors hold the request, and the request holds the token and the SAS.
 */
export function safeCause(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(redact(String(error)));
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  const cause = error.cause instanceof Error ? safeCause(error.cause) : undefined;
  const copy = new Error(redact(error.message).slice(0, 500), cause && { cause });
  copy.name = error.name;
  return code === undefined ? copy : Object.assign(copy, { code });
}
