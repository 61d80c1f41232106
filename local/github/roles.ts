import { ownerOf } from "./repositories.ts";
import { type Account, type Repository, type Role, roles } from "./state.ts";
import type { World } from "./world.ts";

/** What this person may do here. A member of the owning organization may read, as is GitHub's default for members. */
export function roleOf(world: World, repository: Repository, account: Account): Role {
  const owner = ownerOf(world, repository);
  if (owner.id === account.id || isSiteAdmin(world, account)) return "admin";
  const given = repository.collaborators?.[account.id] ?? "none";
  const least = !repository.private || isMember(owner, account) ? "read" : "none";
  return atLeast(given, least) ? given : least;
}

export function atLeast(role: Role, wanted: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(wanted);
}

export function isMember(owner: Account, account: Account): boolean {
  return owner.memberIds?.includes(account.id) ?? false;
}

/** Who owns one of the tokens named in the options. */
function isSiteAdmin(world: World, account: Account): boolean {
  return [...world.personalTokens.values()].some((login) => login.toLowerCase() === account.login.toLowerCase());
}

/** How an author stands to a repository. Advisory, as on GitHub. https://docs.github.com/graphql/reference/enums#commentauthorassociation */
export function authorAssociation(world: World, repository: Repository, account: Account): string {
  const owner = ownerOf(world, repository);
  if (owner.id === account.id) return "OWNER";
  if (isMember(owner, account)) return "MEMBER";
  if (repository.collaborators?.[account.id]) return "COLLABORATOR";
  const merged = world.pulls
    .list()
    .some((pull) => pull.repositoryId === repository.id && pull.authorId === account.id && pull.mergedAt !== null);
  return merged ? "CONTRIBUTOR" : "NONE";
}
