import { nodeId } from "./node-id.ts";
import type { Account } from "./state.ts";
import type { World } from "./world.ts";

/** The address GitHub gives an account that hides its own; commits made with it belong to the account. */
export function noreplyEmail(account: Account): string {
  return `${account.id}+${account.login}@users.noreply.github.com`;
}

/** "simple user" of the REST API. */
export function accountBody(world: World, account: Account) {
  const url = `${world.apiUrl}/users/${account.login}`;
  return {
    login: account.login,
    id: account.id,
    node_id: nodeId(account.type, account.id),
    avatar_url: `${world.url}/avatars/u/${account.id}?`,
    gravatar_id: "",
    url,
    html_url: `${world.url}/${account.login}`,
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`,
    subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events{/privacy}`,
    received_events_url: `${url}/received_events`,
    type: account.type,
    site_admin: false,
  };
}

/** "organization simple", as payloads carry it beside the repository. */
export function organizationBody(world: World, account: Account) {
  const url = `${world.apiUrl}/orgs/${account.login}`;
  return {
    login: account.login,
    id: account.id,
    node_id: nodeId("Organization", account.id),
    url,
    repos_url: `${url}/repos`,
    events_url: `${url}/events`,
    hooks_url: `${url}/hooks`,
    issues_url: `${url}/issues`,
    members_url: `${url}/members{/member}`,
    public_members_url: `${url}/public_members{/member}`,
    avatar_url: `${world.url}/avatars/u/${account.id}?`,
    description: "",
  };
}

/** Beyond every id that is counted here, so that nobody is taken for the bot. */
const botIdOffset = 1_000_000_000;

/** The account that acts when the App does. */
export function botAccount(world: World): Account {
  return { id: botIdOffset + world.app.id, login: `${world.app.slug}[bot]`, type: "Bot" };
}

/** Who acted: the App's bot, or somebody who may be gone by now. */
export function accountById(world: World, id: number): Account {
  if (id === botIdOffset + world.app.id) return botAccount(world);
  return world.state.value.accounts.find((account) => account.id === id) ?? { id, login: "ghost", type: "User" };
}

/** Without regard to case. */
export function accountByLogin(world: World, login: string | undefined): Account | undefined {
  return world.state.value.accounts.find((account) => account.login.toLowerCase() === login?.toLowerCase());
}
