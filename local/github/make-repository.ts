import { appendFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { ensureAccount } from "./accounts.ts";
import { git } from "./git.ts";
import { findRepository, fullNameOf, gitDirOf, networkIdOf, parseFullName } from "./repositories.ts";
import type { Account, Repository } from "./state.ts";
import { record, takeId, type World } from "./world.ts";

export interface NewRepository {
  private?: boolean;
  defaultBranch?: string;
  description?: string;
  /** What the owner is if it does not exist yet. */
  ownerType?: "User" | "Organization";
}

/**
 * Makes the repository with its owner and the App's installation there; the same name again returns what exists. What is
 * set up so counts as having been there all along: the App is told of what people do through the API, not of this.
 */
export async function createRepository(world: World, fullName: string, wanted: NewRepository): Promise<Repository> {
  const { login, name } = parseFullName(fullName);
  const existing = findRepository(world, login, name);
  if (existing) return existing;
  const owner = ensureAccount(world, login, wanted.ownerType ?? "Organization", true);
  const made = await addRepository(world, owner, name, wanted);
  world.state.save();
  return made;
}

/**
 * Makes a repository, or a fork when `from` says of what: a fork has the parent's refs and its object store, so a commit
 * of one can be read through the other, as on GitHub. The caller saves.
 */
export async function addRepository(
  world: World,
  owner: Account,
  name: string,
  wanted: NewRepository,
  from?: Repository,
): Promise<Repository> {
  const now = world.now();
  const repository: Repository = {
    id: takeId(world),
    ownerId: owner.id,
    name,
    private: from?.private ?? wanted.private ?? false,
    defaultBranch: from?.defaultBranch ?? wanted.defaultBranch ?? "main",
    description: from?.description ?? wanted.description ?? null,
    createdAt: now,
    updatedAt: now,
    pushedAt: now,
    refs: { ...from?.refs },
    ...(from ? { parentId: from.id, networkId: networkIdOf(from) } : {}),
  };
  await initBare(world, repository);
  if (from) {
    const input = Object.entries(repository.refs).map(([ref, sha]) => `create ${ref} ${sha}\n`);
    await git(["--git-dir", gitDirOf(world, repository), "update-ref", "--stdin"], { input: input.join("") });
  }
  // Two calls for one name may have waited for git together.
  const meanwhile = findRepository(world, owner.login, name);
  if (meanwhile) return meanwhile;
  world.state.value.repositories.push(repository);
  // The name is taken again: it leads to nobody else any more.
  delete world.state.value.formerNames?.[`${owner.login}/${name}`.toLowerCase()];
  const fullNameNow = fullNameOf(world, repository);
  record(world, { kind: "repository-created", repository: fullNameNow, id: repository.id });
  return repository;
}

/** Takes a repository off the disk, unless forks still live on its objects; a root goes with its last fork. */
export function removeFromDisk(world: World, gone: Repository): void {
  const root = networkIdOf(gone);
  if (gone.id !== root) rmSync(gitDirOf(world, gone), { recursive: true, force: true });
  const inUse = world.state.value.repositories.some((each) => networkIdOf(each) === root);
  if (!inUse) rmSync(join(world.dir, "repositories", `${root}.git`), { recursive: true, force: true });
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

async function initBare(world: World, repository: Repository): Promise<void> {
  const gitDir = gitDirOf(world, repository);
  // An attempt that was killed before the state knew of it may have left half a repository with this id.
  rmSync(gitDir, { recursive: true, force: true });
  await git(["init", "--quiet", "--bare", "--template=", `--initial-branch=${repository.defaultBranch}`, gitDir]);
  appendFileSync(join(gitDir, "config"), settings);
  const root = networkIdOf(repository);
  if (root === repository.id) return;
  rmSync(join(gitDir, "objects"), { recursive: true });
  symlinkSync(join("..", `${root}.git`, "objects"), join(gitDir, "objects"));
}
