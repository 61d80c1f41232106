import type { Account, IssuedToken } from "./state.ts";

/** Who asks. `refused` had credentials, and they are no good. */
export type Caller =
  | { kind: "anonymous" }
  | { kind: "app" }
  | { kind: "installation"; token: IssuedToken }
  | { kind: "user"; account: Account }
  | { kind: "refused"; status: 401 | 403; message: string };

/** For the ledger and the rate limits: one name for each caller. */
export function callerName(caller: Caller): string {
  if (caller.kind === "installation") return `installation ID ${caller.token.installationId}`;
  return caller.kind === "user" ? `user ${caller.account.login}` : caller.kind;
}
