import type { Secret } from "../secret.ts";
import type { Token } from "./token.ts";

const entryLimit = 2000;
/** A token is dropped a tenth of its life early, so that it does not die under way. */
const usablePart = 0.9;

/** Tokens by registry and scope until shortly before they expire. Holds at most 2000; the oldest go first. */
export function createTokenCache(now: () => number) {
  const tokens = new Map<string, { value: Secret; usableUntil: number }>();
  return {
    get(key: string): Secret | undefined {
      const found = tokens.get(key);
      if (found && found.usableUntil > now()) return found.value;
      tokens.delete(key);
      return undefined;
    },
    set(key: string, token: Token): void {
      tokens.delete(key);
      tokens.set(key, { value: token.value, usableUntil: now() + token.lifetimeSeconds * 1000 * usablePart });
      if (tokens.size > entryLimit) tokens.delete(tokens.keys().next().value!);
    },
    drop(key: string): void {
      tokens.delete(key);
    },
  };
}
