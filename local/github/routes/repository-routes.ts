import type { Hono } from "hono";
import { actorOf } from "../access.ts";
import { accountByLogin } from "../account-body.ts";
import { deliver } from "../deliver.ts";
import { prepareEvents, saveAndSend, type WebhookEvent } from "../emit.ts";
import { flagField, requiredField, textField, wordField } from "../fields.ts";
import { gitIn } from "../git.ts";
import { GitHubHttpError, validationFailed } from "../http-error.ts";
import { reselect } from "../installations.ts";
import { addRepository, removeFromDisk } from "../make-repository.ts";
import { pageOf } from "../paging.ts";
import { pullsOf } from "../pulls.ts";
import {
  findRepository,
  fullNameOf,
  gitDirOf,
  installationOf,
  networkIdOf,
  ownerOf,
  parseFullName,
} from "../repositories.ts";
import { ownerChange, repositoryBody } from "../repository-body.ts";
import { type ApiContext, type ApiEnv, jsonBody, repositoryFor } from "../request.ts";
import type { Account, Repository } from "../state.ts";
import type { World } from "../world.ts";

const repo = "/repos/:owner/:repo";

/** https://docs.github.com/rest/repos/repos and …/repos/forks */
export function repositoryRoutes(app: Hono<ApiEnv>, world: World): void {
  app.get(repo, (c) => {
    const repository = repositoryFor(world, c, "metadata");
    c.header("Last-Modified", new Date(repository.updatedAt).toUTCString());
    return c.json(repositoryBody(world, repository));
  });
  app.patch(repo, (c) => updateRepository(world, c));
  app.delete(repo, (c) => deleteRepository(world, c));
  app.post(`${repo}/transfer`, (c) => transfer(world, c));
  app.get(`${repo}/forks`, (c) => {
    const { id } = repositoryFor(world, c, "metadata");
    const forks = world.state.value.repositories.filter(({ parentId }) => parentId === id).reverse();
    return c.json(pageOf(world, c, forks).map((fork) => repositoryBody(world, fork)));
  });
  app.post(`${repo}/forks`, (c) => fork(world, c));
  app.post("/user/repos", (c) => create(world, c, actorOf(world, c.get("caller"))));
  app.post("/orgs/:org/repos", (c) => {
    const owner = accountByLogin(world, c.req.param("org"));
    const caller = c.get("caller");
    const member = caller.kind === "user" && owner?.memberIds?.includes(caller.account.id);
    if (!owner || !member) throw new GitHubHttpError(404, "Not Found");
    return create(world, c, owner);
  });
}

async function create(world: World, c: ApiContext, owner: Account): Promise<Response> {
  if (c.get("caller").kind !== "user") throw new GitHubHttpError(401, "Requires authentication");
  const body = await jsonBody(c);
  const name = freeName(world, owner, requiredField("Repository", body, "name"));
  const description = textField("Repository", body, "description");
  const repository = await addRepository(world, owner, name, {
    private: flagField(body, "private") ?? false,
    ...(description === null ? {} : { description }),
  });
  tellOfNew(world, repository, owner);
  c.set("did", { repository: repository.id });
  return c.json(repositoryBody(world, repository), 201);
}

/** A fork by the same owner again is the one there is. GitHub answers before the objects are there; here they are. */
async function fork(world: World, c: ApiContext): Promise<Response> {
  const parent = repositoryFor(world, c, "contents");
  const caller = c.get("caller");
  if (caller.kind !== "user") throw new GitHubHttpError(401, "Requires authentication");
  const body = await jsonBody(c);
  const organization = textField("Repository", body, "organization");
  const owner = organization === null ? caller.account : accountByLogin(world, organization);
  if (!owner || (owner.id !== caller.account.id && !owner.memberIds?.includes(caller.account.id))) {
    throw validationFailed("Fork", "organization", `'${organization}' is the login for a user or does not exist`);
  }
  if (owner.id === parent.ownerId) throw new GitHubHttpError(403, "A repository cannot be forked by its own owner.");
  const forked = await world.pushes.run(networkIdOf(parent), async () => {
    const known = world.state.value.repositories.find(
      (each) => each.ownerId === owner.id && networkIdOf(each) === networkIdOf(parent),
    );
    const name = textField("Repository", body, "name") ?? parent.name;
    if (known) return known;
    const made = await addRepository(world, owner, freeName(world, owner, name), {}, parent);
    tellOfNew(world, made, owner);
    return made;
  });
  c.set("did", { fork: forked.id, of: parent.id });
  return c.json(repositoryBody(world, forked), 202);
}

async function updateRepository(world: World, c: ApiContext): Promise<Response> {
  const repository = repositoryFor(world, c, "administration", "write", "admin");
  const body = await jsonBody(c);
  const name = textField("Repository", body, "name") ?? repository.name;
  const visibility = wordField("Repository", body, "visibility", ["public", "private"]);
  const hidden = visibility ? visibility === "private" : (flagField(body, "private") ?? repository.private);
  const archived = flagField(body, "archived") ?? repository.archived ?? false;
  const branch = textField("Repository", body, "default_branch") ?? repository.defaultBranch;
  const description =
    body.description === undefined ? repository.description : textField("Repository", body, "description");
  if (branch !== repository.defaultBranch && !repository.refs[`refs/heads/${branch}`]) {
    throw validationFailed("Repository", "default_branch", `The branch ${branch} was not found.`);
  }
  const renamed = name !== repository.name && freeName(world, ownerOf(world, repository), name, repository);
  if (branch !== repository.defaultBranch) {
    await gitIn(gitDirOf(world, repository), ["symbolic-ref", "HEAD", `refs/heads/${branch}`]);
  }

  const happened: [action: string, changes?: object][] = [];
  if (renamed) {
    happened.push(["renamed", { repository: { name: { from: repository.name } } }]);
    leaveName(world, repository);
  }
  if (hidden !== repository.private) happened.push([hidden ? "privatized" : "publicized"]);
  if (archived !== (repository.archived ?? false)) happened.push([archived ? "archived" : "unarchived"]);
  const edits = {
    ...(branch === repository.defaultBranch ? {} : { default_branch: { from: repository.defaultBranch } }),
    ...(description === repository.description ? {} : { description: { from: repository.description } }),
  };
  if (Object.keys(edits).length > 0) happened.push(["edited", edits]);
  Object.assign(repository, { name, private: hidden, archived, defaultBranch: branch, description });
  repository.updatedAt = world.now();
  takeName(world, repository);
  const sender = actorOf(world, c.get("caller"));
  saveAndSend(
    world,
    happened.map(([action, changes]) => repositoryEvent(repository, action, sender, changes)),
  );
  c.set("did", { repository: repository.id, happened: happened.map(([action]) => action) });
  return c.json(repositoryBody(world, repository));
}

/** Where GitHub asks the new owner first, it is done at once. */
async function transfer(world: World, c: ApiContext): Promise<Response> {
  const repository = repositoryFor(world, c, "administration", "write", "admin");
  const body = await jsonBody(c);
  const former = ownerOf(world, repository);
  const owner = accountByLogin(world, requiredField("Repository", body, "new_owner"));
  if (!owner) throw validationFailed("Repository", "new_owner", "Invalid new_owner");
  const name = freeName(world, owner, textField("Repository", body, "new_name") ?? repository.name, repository);
  leaveName(world, repository);
  repository.ownerId = owner.id;
  repository.name = name;
  repository.updatedAt = world.now();
  takeName(world, repository);
  const changes = { owner: { from: ownerChange(world, former) } };
  saveAndSend(world, [repositoryEvent(repository, "transferred", actorOf(world, c.get("caller")), changes)]);
  c.set("did", { repository: repository.id, from: former.login, to: owner.login });
  return c.json(repositoryBody(world, repository), 202);
}

/** Its forks live on, and so do pull requests from it, without a head repository. */
async function deleteRepository(world: World, c: ApiContext): Promise<Response> {
  const repository = repositoryFor(world, c, "administration", "write", "admin");
  const sender = actorOf(world, c.get("caller"));
  await world.pushes.run(networkIdOf(repository), async () => {
    const { value } = world.state;
    // The event is written while the repository is still there to be described.
    const deliveries = prepareEvents(world, [repositoryEvent(repository, "deleted", sender)]);
    value.repositories = value.repositories.filter(({ id }) => id !== repository.id);
    for (const pull of pullsOf(world, repository)) world.pulls.remove(pull.id);
    world.state.save();
    for (const delivery of deliveries) deliver(world, delivery);
    removeFromDisk(world, repository);
  });
  c.set("did", { deleted: repository.id, fullName: fullNameOf(world, repository) });
  return c.body(null, 204);
}

/** An installation for all repositories reaches the new one too, and is told so. */
function tellOfNew(world: World, repository: Repository, owner: Account): void {
  const installation = installationOf(world, repository);
  saveAndSend(world, [
    repositoryEvent(repository, "created", owner),
    ...(installation ? [reselect(world, installation, { added: [repository] }, owner)] : []),
  ]);
}

function repositoryEvent(repository: Repository, action: string, sender: Account, changes?: object): WebhookEvent {
  return { event: "repository", action, repository, sender, fields: changes ? { changes } : {} };
}

function freeName(world: World, owner: Account, name: string, except?: Repository): string {
  try {
    parseFullName(`${owner.login}/${name}`);
  } catch {
    throw validationFailed("Repository", "name", "name is invalid");
  }
  const taken = findRepository(world, owner.login, name);
  if (taken && taken !== except) {
    throw validationFailed("Repository", "name", "name already exists on this account");
  }
  return name;
}

/** The old name leads to the repository until somebody else takes it. */
function leaveName(world: World, repository: Repository): void {
  world.state.value.formerNames ??= {};
  world.state.value.formerNames[fullNameOf(world, repository).toLowerCase()] = repository.id;
}

function takeName(world: World, repository: Repository): void {
  delete world.state.value.formerNames?.[fullNameOf(world, repository).toLowerCase()];
}
