/** Who a request comes from, and what they may see and do. */
import { accountByLogin, botAccount } from "./account-body.ts";
import { accountByToken } from "./accounts.ts";
import { checkAppJwt } from "./app-jwt.ts";
import type { Caller } from "./caller.ts";
import { findToken } from "./installation-token.ts";
import { coveredBy } from "./repositories.ts";
import { atLeast, roleOf } from "./roles.ts";
import {
  type Account,
  anonymousPusher,
  type Installation,
  type IssuedToken,
  type Repository,
  type Role,
} from "./state.ts";
import type { World } from "./world.ts";

const badCredentials: Caller = { kind: "refused", status: 401, message: "Bad credentials" };

/** From the Authorization header: `Bearer` or `token` for the API, `Basic` with the token as password for git. */
export function identifyCaller(world: World, authorization: string | undefined): Caller {
  const secret = secretOf(authorization);
  if (secret === undefined) return { kind: "anonymous" };
  const account = accountByLogin(world, world.personalTokens.get(secret)) ?? accountByToken(world, secret);
  if (account) return { kind: "user", account };
  if (secret.startsWith("ghs_")) {
    const token = findToken(world, secret);
    if (!token) return badCredentials;
    const suspended = installationBy(world, token)?.suspendedAt !== undefined;
    if (suspended) return { kind: "refused", status: 403, message: "This installation has been suspended" };
    return { kind: "installation", token };
  }
  if (secret.split(".").length === 3) {
    const answer = checkAppJwt(world.app, secret, world.now());
    return answer.ok ? { kind: "app" } : { kind: "refused", status: 401, message: answer.message };
  }
  return badCredentials;
}

function secretOf(authorization: string | undefined): string | undefined {
  const [, scheme, value] = /^(\S+)\s+(\S+)\s*$/.exec(authorization ?? "") ?? [];
  if (scheme === undefined || value === undefined) return undefined;
  if (scheme.toLowerCase() !== "basic") return value;
  const [user = "", ...password] = Buffer.from(value, "base64").toString("utf8").split(":");
  return password.join(":") || user || undefined;
}

/** Whose name stands on what the caller does. */
export function actorOf(world: World, caller: Caller): Account {
  if (caller.kind === "user") return caller.account;
  if (caller.kind === "installation" || caller.kind === "app") return botAccount(world);
  return accountByLogin(world, anonymousPusher)!;
}

/** Whether this repository exists as far as the caller can tell. */
export function canSee(world: World, caller: Caller, repository: Repository): boolean {
  if (caller.kind === "user") return roleOf(world, repository, caller.account) !== "none";
  if (isInstalledOn(world, caller, repository)) return true;
  return !repository.private && caller.kind !== "refused";
}

/**
 * Whether the caller may do this there: an installation by its permissions, a person by their role. Public repositories
 * are read without either. `role` is what a person needs when it is not the one that goes with the level.
 */
export function mayUse(
  world: World,
  caller: Caller,
  repository: Repository,
  permission: string,
  level: "read" | "write",
  role: Role = level,
): boolean {
  if (caller.kind === "user") return atLeast(roleOf(world, repository, caller.account), role);
  if (level === "read" && !repository.private) return caller.kind !== "refused";
  if (caller.kind !== "installation" || !isInstalledOn(world, caller, repository)) return false;
  const granted = caller.token.permissions[permission];
  return granted === "write" || (granted === "read" && level === "read");
}

/** The repositories an installation token reaches. */
export function reachOf(world: World, caller: Caller): Repository[] {
  return world.state.value.repositories.filter((repository) => isInstalledOn(world, caller, repository));
}

function isInstalledOn(world: World, caller: Caller, repository: Repository): boolean {
  if (caller.kind !== "installation") return false;
  const installation = installationBy(world, caller.token);
  const { repositoryIds } = caller.token;
  return (
    installation !== undefined &&
    coveredBy(installation, repository) &&
    (repositoryIds === undefined || repositoryIds.includes(repository.id))
  );
}

function installationBy(world: World, { installationId }: IssuedToken): Installation | undefined {
  return world.state.value.installations.find(({ id }) => id === installationId);
}
