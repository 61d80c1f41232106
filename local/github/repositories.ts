import { join } from "node:path";
import type { Account, Installation, Repository } from "./state.ts";
import type { World } from "./world.ts";

/** Named by id, as a rename must not move anything on disk. */
export function gitDirOf(world: World, repository: Repository): string {
  return join(world.dir, "repositories", `${repository.id}.git`);
}

export function ownerOf(world: World, repository: Repository): Account {
  return world.state.value.accounts.find((account) => account.id === repository.ownerId)!;
}

export function fullNameOf(world: World, repository: Repository): string {
  return `${ownerOf(world, repository).login}/${repository.name}`;
}

/** The installation that reaches this repository, suspended or not. */
export function installationOf(world: World, repository: Repository): Installation | undefined {
  return world.state.value.installations.find((installation) => coveredBy(installation, repository));
}

export function coveredBy({ accountId, repositoryIds }: Installation, repository: Repository): boolean {
  return accountId === repository.ownerId && (repositoryIds === undefined || repositoryIds.includes(repository.id));
}

export function repositoryById(world: World, id: number): Repository | undefined {
  return world.state.value.repositories.find((repository) => repository.id === id);
}

/** The root of its fork network: whose objects it shares, and the key under which its pushes wait for each other. */
export function networkIdOf(repository: Repository): number {
  return repository.networkId ?? repository.id;
}

/** Owner and name are compared without regard to case, as GitHub does. */
export function findRepository(world: World, owner: string, name: string): Repository | undefined {
  const wanted = `${owner}/${name}`.toLowerCase();
  return world.state.value.repositories.find((each) => fullNameOf(world, each).toLowerCase() === wanted);
}

/** By "owner/name"; an unknown one is the caller's mistake and thrown. */
export function getRepository(world: World, fullName: string): Repository {
  const [owner = "", name = ""] = fullName.split("/");
  const repository = findRepository(world, owner, name);
  if (!repository) throw new Error(`the local GitHub has no repository ${fullName}`);
  return repository;
}

/** Who used to be called this and has been renamed or transferred since. */
export function formerly(world: World, owner: string, name: string): Repository | undefined {
  const id = world.state.value.formerNames?.[`${owner}/${name}`.toLowerCase()];
  return id === undefined ? undefined : repositoryById(world, id);
}

/** Owner and name, or an Error saying that GitHub would not take them. */
export function parseFullName(fullName: string): { login: string; name: string } {
  const [, login, name] = /^([A-Za-z0-9][A-Za-z0-9-]{0,38})\/([A-Za-z0-9._-]{1,100})$/.exec(fullName) ?? [];
  if (!login || !name || name.endsWith(".git") || name === "." || name === "..") {
    throw new Error(`not an owner/name GitHub would take: ${fullName}`);
  }
  return { login, name };
}
