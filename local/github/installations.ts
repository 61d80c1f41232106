import { accountBody } from "./account-body.ts";
import type { WebhookEvent } from "./emit.ts";
import { nodeId } from "./node-id.ts";
import { coveredBy, fullNameOf } from "./repositories.ts";
import type { Account, Installation, Repository } from "./state.ts";
import { takeId, type World } from "./world.ts";

/** Installs the App on an account and returns the event that says so. The caller saves. */
export function installOn(world: World, account: Account, repositoryIds?: number[]): WebhookEvent {
  const installation: Installation = {
    id: takeId(world),
    accountId: account.id,
    createdAt: world.now(),
    ...(repositoryIds ? { repositoryIds } : {}),
  };
  world.state.value.installations.push(installation);
  return installationEvent(world, installation, "created", account);
}

/** The App is gone from the account, and its tokens with it. */
export function uninstall(world: World, installation: Installation, sender: Account): WebhookEvent {
  const event = installationEvent(world, installation, "deleted", sender);
  const { state } = world;
  state.value.installations = state.value.installations.filter(({ id }) => id !== installation.id);
  state.value.tokens = state.value.tokens.filter(({ installationId }) => installationId !== installation.id);
  return event;
}

export function suspend(world: World, installation: Installation, sender: Account): WebhookEvent {
  installation.suspendedAt = world.now();
  installation.suspendedById = sender.id;
  return installationEvent(world, installation, "suspend", sender);
}

export function unsuspend(world: World, installation: Installation, sender: Account): WebhookEvent {
  delete installation.suspendedAt;
  delete installation.suspendedById;
  return installationEvent(world, installation, "unsuspend", sender);
}

/** Adds or removes repositories of an installation for selected ones. */
export function reselect(
  world: World,
  installation: Installation,
  change: { added?: Repository[]; removed?: Repository[] },
  sender: Account,
): WebhookEvent {
  const { added = [], removed = [] } = change;
  const gone = new Set(removed.map(({ id }) => id));
  if (installation.repositoryIds) {
    const kept = installation.repositoryIds.filter((id) => !gone.has(id));
    installation.repositoryIds = [...new Set([...kept, ...added.map(({ id }) => id)])];
  }
  installation.updatedAt = world.now();
  return {
    event: "installation_repositories",
    action: added.length > 0 ? "added" : "removed",
    repository: null,
    installation,
    sender,
    fields: {
      installation: installationBody(world, installation, "payload"),
      repository_selection: selectionOf(installation),
      repositories_added: added.map((each) => shortRepository(world, each)),
      repositories_removed: removed.map((each) => shortRepository(world, each)),
      requester: null,
    },
  };
}

function installationEvent(world: World, installation: Installation, action: string, sender: Account): WebhookEvent {
  const repositories = world.state.value.repositories.filter((each) => coveredBy(installation, each));
  const listed = action === "created" || action === "deleted";
  return {
    event: "installation",
    action,
    repository: null,
    installation,
    sender,
    fields: {
      installation: installationBody(world, installation, "payload"),
      ...(listed ? { repositories: repositories.map((each) => shortRepository(world, each)) } : {}),
      ...(action === "created" ? { requester: null } : {}),
    },
  };
}

function shortRepository(world: World, repository: Repository) {
  const { id, name } = repository;
  const full_name = fullNameOf(world, repository);
  return { id, node_id: nodeId("Repository", id), name, full_name, private: repository.private };
}

export function selectionOf(installation: Installation): "all" | "selected" {
  return installation.repositoryIds ? "selected" : "all";
}

/** In payloads the times are epoch seconds, in the REST API ISO strings. */
export function installationBody(world: World, installation: Installation, where: "payload" | "rest") {
  const account = world.state.value.accounts.find(({ id }) => id === installation.accountId)!;
  const suspender = world.state.value.accounts.find(({ id }) => id === installation.suspendedById);
  const iso = (ms: number) => new Date(ms).toISOString().replace(/\.\d{3}Z$/, "Z");
  const time = (ms: number) => (where === "rest" ? iso(ms) : Math.floor(ms / 1000));
  return {
    id: installation.id,
    account: accountBody(world, account),
    access_tokens_url: `${world.apiUrl}/app/installations/${installation.id}/access_tokens`,
    repositories_url: `${world.apiUrl}/installation/repositories`,
    html_url: `${world.url}/settings/installations/${installation.id}`,
    app_id: world.app.id,
    app_slug: world.app.slug,
    client_id: world.app.clientId,
    target_id: account.id,
    target_type: account.type,
    repository_selection: selectionOf(installation),
    permissions: world.app.permissions,
    events: world.app.events,
    created_at: time(installation.createdAt),
    updated_at: time(installation.updatedAt ?? installation.createdAt),
    single_file_name: null,
    has_multiple_single_files: false,
    single_file_paths: [],
    suspended_by: suspender ? accountBody(world, suspender) : null,
    suspended_at: installation.suspendedAt === undefined ? null : iso(installation.suspendedAt),
  };
}
