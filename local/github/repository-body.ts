import { accountBody, noreplyEmail, organizationBody } from "./account-body.ts";
import { nodeId } from "./node-id.ts";
import { fullNameOf, ownerOf } from "./repositories.ts";
import type { Account, Repository } from "./state.ts";
import type { World } from "./world.ts";

/** Link name → rest of the path below the repository's API URL. */
const links: Record<string, string> = {
  forks_url: "/forks",
  keys_url: "/keys{/key_id}",
  collaborators_url: "/collaborators{/collaborator}",
  teams_url: "/teams",
  hooks_url: "/hooks",
  issue_events_url: "/issues/events{/number}",
  events_url: "/events",
  assignees_url: "/assignees{/user}",
  branches_url: "/branches{/branch}",
  tags_url: "/tags",
  blobs_url: "/git/blobs{/sha}",
  git_tags_url: "/git/tags{/sha}",
  git_refs_url: "/git/refs{/sha}",
  trees_url: "/git/trees{/sha}",
  statuses_url: "/statuses/{sha}",
  languages_url: "/languages",
  stargazers_url: "/stargazers",
  contributors_url: "/contributors",
  subscribers_url: "/subscribers",
  subscription_url: "/subscription",
  commits_url: "/commits{/sha}",
  git_commits_url: "/git/commits{/sha}",
  comments_url: "/comments{/number}",
  issue_comment_url: "/issues/comments{/number}",
  contents_url: "/contents/{+path}",
  compare_url: "/compare/{base}...{head}",
  merges_url: "/merges",
  archive_url: "/{archive_format}{/ref}",
  downloads_url: "/downloads",
  issues_url: "/issues{/number}",
  pulls_url: "/pulls{/number}",
  milestones_url: "/milestones{/number}",
  notifications_url: "/notifications{?since,all,participating}",
  labels_url: "/labels{/name}",
  releases_url: "/releases{/id}",
  deployments_url: "/deployments",
};

export function repositoryApiUrl(world: World, repository: Repository): string {
  return `${world.apiUrl}/repos/${fullNameOf(world, repository)}`;
}

export function repositoryHtmlUrl(world: World, repository: Repository): string {
  return `${world.url}/${fullNameOf(world, repository)}`;
}

function isoSeconds(epochMs: number): string {
  return new Date(epochMs).toISOString().replace(/\.\d{3}Z$/, "Z");
}

/** A repository as the REST API gives it: times are ISO strings. */
export function repositoryBody(world: World, repository: Repository) {
  const owner = ownerOf(world, repository);
  const fullName = fullNameOf(world, repository);
  const api = repositoryApiUrl(world, repository);
  const html = repositoryHtmlUrl(world, repository);
  const forks = world.state.value.repositories.filter(({ parentId }) => parentId === repository.id).length;
  const open = world.pulls.list().filter((each) => each.repositoryId === repository.id && each.state === "open").length;
  const host = world.url.replace(/^http:\/\//, "");
  return {
    id: repository.id,
    node_id: nodeId("Repository", repository.id),
    name: repository.name,
    full_name: fullName,
    private: repository.private,
    owner: accountBody(world, owner),
    html_url: html,
    description: repository.description,
    fork: repository.parentId !== undefined,
    url: api,
    ...Object.fromEntries(Object.entries(links).map(([name, path]) => [name, api + path])),
    created_at: isoSeconds(repository.createdAt),
    updated_at: isoSeconds(repository.updatedAt),
    pushed_at: isoSeconds(repository.pushedAt),
    git_url: `git://${host}/${fullName}.git`,
    ssh_url: `git@${host}:${fullName}.git`,
    clone_url: `${html}.git`,
    svn_url: html,
    homepage: null,
    size: 0,
    stargazers_count: 0,
    watchers_count: 0,
    language: null,
    has_issues: true,
    has_projects: true,
    has_downloads: true,
    has_wiki: true,
    has_pages: false,
    has_discussions: false,
    forks_count: forks,
    mirror_url: null,
    archived: repository.archived ?? false,
    disabled: false,
    open_issues_count: open,
    license: null,
    allow_forking: true,
    is_template: false,
    web_commit_signoff_required: false,
    topics: [],
    visibility: repository.private ? "private" : "public",
    forks,
    open_issues: open,
    watchers: 0,
    default_branch: repository.defaultBranch,
  };
}

/** The same in a push payload, where three things differ: epoch seconds, the owner's address, some old names. */
export function pushedRepositoryBody(world: World, repository: Repository) {
  const body = repositoryBody(world, repository);
  const owner = ownerOf(world, repository);
  return {
    ...body,
    owner: { name: owner.login, email: noreplyEmail(owner), ...body.owner },
    url: repositoryHtmlUrl(world, repository),
    created_at: Math.floor(repository.createdAt / 1000),
    pushed_at: Math.floor(repository.pushedAt / 1000),
    stargazers: 0,
    master_branch: repository.defaultBranch,
    custom_properties: {},
    ...(owner.type === "Organization" ? { organization: owner.login } : {}),
  };
}

/** Who a transferred repository belonged to. */
export function ownerChange(world: World, owner: Account) {
  return owner.type === "Organization"
    ? { organization: organizationBody(world, owner) }
    : { user: accountBody(world, owner) };
}
