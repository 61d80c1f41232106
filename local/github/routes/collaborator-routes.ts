import type { Hono } from "hono";
import { accountBody, accountByLogin } from "../account-body.ts";
import { wordField } from "../fields.ts";
import { notFound } from "../http-error.ts";
import { pageOf } from "../paging.ts";
import { flagsOf, permissionWord } from "../permission-body.ts";
import { ownerOf } from "../repositories.ts";
import { type ApiContext, type ApiEnv, jsonBody, repositoryFor } from "../request.ts";
import { isMember, roleOf } from "../roles.ts";
import type { Account, Repository, Role } from "../state.ts";
import type { World } from "../world.ts";

const all = "/repos/:owner/:repo/collaborators";

/** https://docs.github.com/rest/collaborators/collaborators and https://docs.github.com/rest/users/users */
export function collaboratorRoutes(app: Hono<ApiEnv>, world: World): void {
  app.get("/users/:user", (c) => c.json(accountBody(world, accountFor(world, c))));
  app.get(`${all}/:user/permission`, (c) => {
    const repository = repositoryFor(world, c, "metadata");
    const account = accountFor(world, c);
    const role = roleOf(world, repository, account);
    const body = { ...accountBody(world, account), permissions: flagsOf(role), role_name: role };
    return c.json({ permission: permissionWord(role), role_name: role, user: body });
  });
  app.get(all, (c) => {
    const repository = repositoryFor(world, c, "metadata");
    const people = world.state.value.accounts.filter((each) => isCollaborator(world, repository, each));
    const page = pageOf(world, c, people);
    return c.json(
      page.map((each) => {
        const role = roleOf(world, repository, each);
        return { ...accountBody(world, each), permissions: flagsOf(role), role_name: role };
      }),
    );
  });
  app.get(`${all}/:user`, (c) => {
    const repository = repositoryFor(world, c, "metadata");
    if (!isCollaborator(world, repository, accountFor(world, c))) throw notFound();
    return c.body(null, 204);
  });
  app.put(`${all}/:user`, (c) => addCollaborator(world, c));
  app.delete(`${all}/:user`, (c) => {
    const repository = repositoryFor(world, c, "administration", "write", "admin");
    const account = accountFor(world, c);
    delete repository.collaborators?.[account.id];
    world.state.save();
    c.set("did", { noCollaborator: account.login });
    return c.body(null, 204);
  });
}

const given: Record<string, Role> = {
  pull: "read",
  read: "read",
  triage: "triage",
  push: "write",
  write: "write",
  maintain: "maintain",
  admin: "admin",
};

/** Where GitHub sends an invitation (201), this one is accepted at once. */
async function addCollaborator(world: World, c: ApiContext): Promise<Response> {
  const repository = repositoryFor(world, c, "administration", "write", "admin");
  const account = accountFor(world, c);
  const word = wordField("Repository", await jsonBody(c), "permission", Object.keys(given)) ?? "push";
  repository.collaborators = { ...repository.collaborators, [account.id]: given[word]! };
  world.state.save();
  c.set("did", { collaborator: account.login, role: given[word] });
  return c.body(null, 204);
}

function isCollaborator(world: World, repository: Repository, account: Account): boolean {
  const owner = ownerOf(world, repository);
  return repository.collaborators?.[account.id] !== undefined || owner.id === account.id || isMember(owner, account);
}

function accountFor(world: World, c: ApiContext): Account {
  const account = accountByLogin(world, c.req.param("user"));
  if (!account) throw notFound();
  return account;
}
