import { createHash, timingSafeEqual } from "node:crypto";
import type { Secret } from "../secret.ts";

/** Whether a key is one of the secrets. Every one is tried, in constant time whatever the lengths; none set: false. */
export function isOneOf(secrets: readonly Secret[], key: string | undefined): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  const given = digest(key ?? "");
  let matched = false;
  for (const secret of secrets) {
    const same = timingSafeEqual(digest(secret.expose()), given);
    matched ||= same && secret.expose() !== "" && key !== undefined;
  }
  return matched;
}
