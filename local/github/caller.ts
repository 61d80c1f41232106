import { checkAppJwt } from "./app-jwt.ts";
import { findToken } from "./installation-token.ts";
import type { IssuedToken, Repository } from "./state.ts";
import type { World } from "./world.ts";

/** Who asks. `refused` had credentials, and they are no good. */
export type Caller =
  | { kind: "anonymous" }
  | { kind: "app" }
  | { kind: "installation"; token: IssuedToken }
  | { kind: "user"; login: string }
  | { kind: "refused"; message: string };

/** From the Authorization header: `Bearer` or `token` for the API, `Basic` with the token as password for git. */
export function identifyCaller(world: World, authorization: string | undefined): Caller {
  const secret = secretOf(authorization);
  if (secret === undefined) return { kind: "anonymous" };
  const login = world.personalTokens.get(secret);
  if (login !== undefined) return { kind: "user", login };
  if (secret.startsWith("ghs_")) {
    const token = findToken(world, secret);
    return token ? { kind: "installation", token } : { kind: "refused", message: "Bad credentials" };
  }
  if (secret.split(".").length === 3) {
    const answer = checkAppJwt(world.app, secret, world.now());
    return answer.ok ? { kind: "app" } : { kind: "refused", message: answer.message };
  }
  return { kind: "refused", message: "Bad credentials" };
}

function secretOf(authorization: string | undefined): string | undefined {
  const [, scheme, value] = /^(\S+)\s+(\S+)\s*$/.exec(authorization ?? "") ?? [];
  if (scheme === undefined || value === undefined) return undefined;
  if (scheme.toLowerCase() !== "basic") return value;
  const [user = "", ...password] = Buffer.from(value, "base64").toString("utf8").split(":");
  return password.join(":") || user || undefined;
}

/** Whether this repository exists as far as the caller can tell. */
export function canSee(world: World, caller: Caller, repository: Repository): boolean {
  if (caller.kind === "user" || isInstalledOn(world, caller, repository)) return true;
  return !repository.private && caller.kind !== "refused";
}

/** Whether the caller may do this there. Public repositories are read without any permission. */
export function mayUse(
  world: World,
  caller: Caller,
  repository: Repository,
  permission: string,
  level: "read" | "write",
): boolean {
  if (caller.kind === "user") return true;
  if (level === "read" && !repository.private) return caller.kind !== "refused";
  if (caller.kind !== "installation" || !isInstalledOn(world, caller, repository)) return false;
  const granted = caller.token.permissions[permission];
  return granted === "write" || (granted === "read" && level === "read");
}

function isInstalledOn(world: World, caller: Caller, repository: Repository): boolean {
  if (caller.kind !== "installation") return false;
  const { installationId, repositoryIds } = caller.token;
  const installation = world.state.value.installations.find((each) => each.id === installationId);
  return (
    installation?.accountId === repository.ownerId &&
    (repositoryIds === undefined || repositoryIds.includes(repository.id))
  );
}
