import { named, shaped } from "./secret-patterns.ts";

const userInUrl = /(\b[a-z][a-z0-9+.-]{0,20}:\/\/)[^\s"'<>/@]{1,500}(?=@)/gi;

/**
 * Covers secrets in a build's log with as many `*` as they have characters, so that offsets into the log stay true. URL
 * queries stay, because a build's output is full of harmless ones; the signatures and tokens in them do not.
 */
export function mask(text: string): string {
  const covered = [...named, userInUrl].reduce(
    (t, secret) => t.replace(secret, (found, name: string) => name + "*".repeat(found.length - name.length)),
    text,
  );
  return shaped.reduce((t, secret) => t.replace(secret, (found) => "*".repeat(found.length)), covered);
}
