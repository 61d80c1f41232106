import { createHash, randomBytes } from "node:crypto";
import { accountByLogin } from "./account-body.ts";
import { installOn } from "./installations.ts";
import type { Account } from "./state.ts";
import { takeId, type World } from "./world.ts";

export interface NewAccount {
  type?: "User" | "Organization";
  /** Logins of organizations this person is a member of. */
  memberOf?: string[];
  /** Whether the App is installed on it. Default: no, as with most people who open a pull request. */
  installed?: boolean;
}

/** The account of this name, made if there is none. It counts as having been there all along: nobody is told. */
export function ensureAccount(world: World, login: string, type: "User" | "Organization", installed: boolean): Account {
  if (!/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,37}[A-Za-z0-9])?$/.test(login)) {
    throw new Error(`not a login GitHub would take: ${login}`);
  }
  const known = accountByLogin(world, login);
  if (known) return known;
  const account: Account = { id: takeId(world), login, type };
  world.state.value.accounts.push(account);
  if (installed) installOn(world, account);
  world.state.save();
  return account;
}

/** A person (or organization) with a new token of their own, which can do what they may do and no more. */
export function createAccount(world: World, login: string, wanted: NewAccount): { account: Account; token: string } {
  const account = ensureAccount(world, login, wanted.type ?? "User", wanted.installed ?? false);
  for (const name of wanted.memberOf ?? []) {
    const organization = ensureAccount(world, name, "Organization", true);
    organization.memberIds = [...new Set([...(organization.memberIds ?? []), account.id])];
  }
  const token = `ghp_${randomBytes(18).toString("hex")}`;
  account.tokenSha256 = digestOf(token);
  world.state.save();
  return { account, token };
}

export function accountByToken(world: World, token: string): Account | undefined {
  const digest = digestOf(token);
  return world.state.value.accounts.find(({ tokenSha256 }) => tokenSha256 === digest);
}

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
