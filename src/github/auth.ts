import { createAppAuth } from "@octokit/auth-app";
import { PermanentError } from "../errors.ts";
import { Secret } from "../secret.ts";
import type { GitHubCredential } from "../settings.ts";
import { classifyGitHubFailure, createRequest, type Fetch, nextPage, refusedWith } from "./github-http.ts";
import { Installation, Installations } from "./schema.ts";

/** What a token is for; an App's installation token is narrowed to it. */
export type GitHubPermissions = Partial<Record<"contents" | "metadata", "read">> & { statuses?: "write" };

/** `fullName` may be stale: it only helps to find the installation. */
export type RepositoryHint = { readonly id: number; readonly fullName?: string };

export interface GitHubAuth {
  /** A token for one repository and no more than these permissions (a PAT is what it is). `fresh` when GitHub refused the last one. */
  tokenFor(repository: RepositoryHint, permissions: GitHubPermissions, options?: { fresh?: boolean }): Promise<Secret>;
  /** The App's JWT (at most 10 minutes), undefined with a PAT. */
  appToken(): Promise<Secret | undefined>;
}

const installationPageLimit = 10;

/** https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app */
export function createGitHubAuth(options: { apiUrl: string; credential: GitHubCredential; fetch?: Fetch }): GitHubAuth {
  const { apiUrl, credential } = options;
  if (credential.kind === "token") return { tokenFor: async () => credential.token, appToken: async () => undefined };

  const request = createRequest(apiUrl, options.fetch);
  const auth = createAppAuth({ appId: credential.appId, privateKey: credential.privateKey.expose(), request });
  const installationsByRepository = new Map<number, number>();

  const appToken = async () => new Secret((await auth({ type: "app" })).token);
  const asApp = async (url: string) =>
    await request({ method: "GET", url, headers: { authorization: `bearer ${(await appToken()).expose()}` } });

  /** undefined: this installation is gone, or does not reach the repository or the permissions. */
  const mint = async (installationId: number, id: number, permissions: GitHubPermissions, refresh: boolean) => {
    try {
      // Narrowed by id: should the name now belong to another repository, the token does not open it.
      const narrowed = { installationId, repositoryIds: [id], permissions, refresh };
      return new Secret((await auth({ type: "installation", ...narrowed })).token);
    } catch (error) {
      const status = refusedWith(error);
      if (status === 404 || status === 422) return undefined;
      throw error;
    }
  };

  const candidates = async function* (repository: RepositoryHint): AsyncGenerator<number> {
    const known = installationsByRepository.get(repository.id);
    if (known !== undefined) yield known;
    if (repository.fullName !== undefined) {
      const named = await installationNamed(repository.fullName);
      if (named !== undefined) yield named;
    }
    let url: string | undefined = "/app/installations?per_page=100";
    for (let page = 0; page < installationPageLimit && url !== undefined; page++) {
      const answer = await asApp(url);
      for (const { id } of Installations.parse(answer.data)) yield id;
      url = nextPage(answer.headers.link, apiUrl);
    }
  };

  const installationNamed = async (fullName: string): Promise<number | undefined> => {
    const path = fullName.split("/").map(encodeURIComponent).join("/");
    try {
      return Installation.parse((await asApp(`/repos/${path}/installation`)).data).id;
    } catch (error) {
      if (refusedWith(error) === 404) return undefined;
      throw error;
    }
  };

  return {
    appToken,
    async tokenFor(repository, permissions, { fresh = false } = {}) {
      const name = repository.fullName ?? `repository ${repository.id}`;
      const act = `get a GitHub token for ${name}`;
      const tried = new Set<number>();
      try {
        for await (const installationId of candidates(repository)) {
          if (tried.has(installationId)) continue;
          tried.add(installationId);
          const token = await mint(installationId, repository.id, permissions, fresh);
          if (token === undefined) continue;
          installationsByRepository.set(repository.id, installationId);
          return token;
        }
      } catch (error) {
        throw classifyGitHubFailure(act, error);
      }
      installationsByRepository.delete(repository.id);
      const wanted = Object.entries(permissions).map(([what, access]) => `${what}:${access}`);
      throw new PermanentError(
        "github-not-installed",
        `${act}: the GitHub App is not installed there, or may not do ${wanted.join(", ")}`,
      );
    },
  };
}
