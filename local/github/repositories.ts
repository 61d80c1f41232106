import { appendFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { git } from "./git.ts";
import type { Account, Installation, Repository } from "./state.ts";
import { record, takeId, type World } from "./world.ts";

export interface NewRepository {
  private?: boolean;
  defaultBranch?: string;
  description?: string;
  /** What the owner is if it does not exist yet. */
  ownerType?: Account["type"];
}

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

export function installationOf(world: World, repository: Repository): Installation | undefined {
  return world.state.value.installations.find((installation) => installation.accountId === repository.ownerId);
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

/** Makes the repository with its owner and the App's installation there; the same name again returns what exists. */
export async function createRepository(world: World, fullName: string, wanted: NewRepository): Promise<Repository> {
  const match = /^([A-Za-z0-9][A-Za-z0-9-]{0,38})\/([A-Za-z0-9._-]{1,100})$/.exec(fullName);
  if (!match || match[2]!.endsWith(".git") || match[2] === "." || match[2] === "..") {
    throw new Error(`not an owner/name GitHub would take: ${fullName}`);
  }
  const [, login, name] = match as unknown as [string, string, string];
  const existing = findRepository(world, login, name);
  if (existing) return existing;

  const now = world.now();
  const repository: Repository = {
    id: takeId(world),
    ownerId: ensureAccount(world, login, wanted.ownerType ?? "Organization").id,
    name,
    private: wanted.private ?? false,
    defaultBranch: wanted.defaultBranch ?? "main",
    description: wanted.description ?? null,
    createdAt: now,
    updatedAt: now,
    pushedAt: now,
    refs: {},
  };
  await initBare(gitDirOf(world, repository), repository.defaultBranch);
  // Two calls for one name may have waited for git together.
  const meanwhile = findRepository(world, login, name);
  if (meanwhile) return meanwhile;
  world.state.value.repositories.push(repository);
  world.state.save();
  record(world, { kind: "repository-created", repository: fullNameOf(world, repository), id: repository.id });
  return repository;
}

function ensureAccount(world: World, login: string, type: Account["type"]): Account {
  const { accounts, installations } = world.state.value;
  const known = accounts.find((account) => account.login.toLowerCase() === login.toLowerCase());
  if (known) return known;
  const account: Account = { id: takeId(world), login, type };
  accounts.push(account);
  installations.push({ id: takeId(world), accountId: account.id, createdAt: world.now() });
  return account;
}

/** What GitHub's repositories allow; written at once, as five `git config` calls would be five processes. */
const settings = `
[http]
\treceivepack = true
[uploadpack]
\tallowAnySHA1InWant = true
\tallowFilter = true
# A commit dropped by a force-push stays readable, as on GitHub; \`before\` of a push event must resolve.
[gc]
\tauto = 0
[receive]
\tautogc = false
# Pull request refs are GitHub's own: nobody pushes them.
\thideRefs = refs/pull
`;

async function initBare(gitDir: string, defaultBranch: string): Promise<void> {
  // An attempt that was killed before the state knew of it may have left half a repository with this id.
  rmSync(gitDir, { recursive: true, force: true });
  await git(["init", "--quiet", "--bare", "--template=", `--initial-branch=${defaultBranch}`, gitDir]);
  appendFileSync(join(gitDir, "config"), settings);
}
