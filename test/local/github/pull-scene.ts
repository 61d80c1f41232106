import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { createAppAuth } from "@octokit/auth-app";
import { request } from "@octokit/request";
import { commitFiles } from "../../../local/github/commit-files.ts";
import {
  type GitHubOptions,
  type LocalAccount,
  type LocalGitHub,
  startGitHub,
} from "../../../local/github/start-github.ts";
import { api, git, gitHub, receiver, temporaryDir } from "./github-fixture.ts";

/** Everything an App can be granted here, for tests in which it acts. */
export const writes = {
  checks: "write",
  contents: "write",
  issues: "write",
  pull_requests: "write",
  statuses: "write",
  administration: "write",
} as const;

/** Asks the API as somebody: `call("POST", "/repos/…", { … })`. */
export function caller(github: LocalGitHub, token: string) {
  return (method: string, path: string, body?: object, headers: Record<string, string> = {}) =>
    api(github, path, {
      method,
      redirect: "manual",
      headers: { authorization: `Bearer ${token}`, ...headers },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
}

/** Made once and written for every test: its commits take longer than most tests. */
let template: Promise<Template> | undefined;
interface Template {
  /** In memory, because no test file knows that it is the last to need it; a folder has no content. */
  files: readonly (readonly [path: string, content: Buffer | undefined])[];
  octo: LocalAccount;
  mallory: LocalAccount;
  base: string;
  head: string;
}

async function makeTemplate(): Promise<Template> {
  const dir = mkdtempSync(join(tmpdir(), "slipway-github-template-"));
  const github = await startGitHub({ dir, app: { id: 4242 } });
  const octo = github.createAccount("octo", { installed: true });
  const mallory = github.createAccount("mallory");
  const { gitDir } = await github.createRepository("octo/hello");
  const base = await commitFiles(gitDir, { branch: "main", files: { a: "1\n" }, message: "one" });
  await git(gitDir, "update-ref", "refs/heads/feature", base);
  const head = await commitFiles(gitDir, { branch: "feature", files: { b: "2\n" }, message: "two" });
  await github.announce("octo/hello");
  await github.close();
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).map((entry) => {
    const path = join(entry.parentPath, entry.name);
    return [relative(dir, path), entry.isDirectory() ? undefined : readFileSync(path)] as const;
  });
  rmSync(dir, { recursive: true });
  return { files, octo, mallory, base, head };
}

/**
 * A repository of a person, octo, with a main branch and a feature branch one commit ahead; mallory, who may nothing; and a
 * hook that listens.
 */
export async function pullScene(options: Partial<GitHubOptions> = {}) {
  template ??= makeTemplate();
  const { files, octo, mallory, base, head } = await template;
  const dir = options.dir ?? temporaryDir();
  for (const [path, content] of files) {
    if (content === undefined) mkdirSync(join(dir, path), { recursive: true });
    else writeFileSync(join(dir, path), content);
  }
  const hook = await receiver();
  const github = await gitHub({ webhook: { url: hook.url, secret: "s3cret" }, ...options, dir });
  const { gitDir } = await github.createRepository("octo/hello");
  const commitTo = async (branch: string, files: Record<string, string>) => {
    const sha = await commitFiles(gitDir, { branch, files, message: `change ${branch}` });
    await github.announce("octo/hello");
    return sha;
  };
  const branchFrom = async (branch: string, start: string, files: Record<string, string>) => {
    await git(gitDir, "update-ref", `refs/heads/${branch}`, start);
    return commitTo(branch, files);
  };
  const asOcto = caller(github, octo.token);
  const told = async (event: string) => {
    await github.settled();
    return hook.received.filter(({ headers }) => headers["x-github-event"] === event).map(({ payload }) => payload);
  };
  const open = async (more: object = {}) =>
    asOcto("POST", "/repos/octo/hello/pulls", { title: "Feature", head: "feature", base: "main", ...more });
  const asMallory = caller(github, mallory.token);
  return { hook, github, octo, mallory, gitDir, base, head, commitTo, branchFrom, told, open, asOcto, asMallory };
}

/** The API as the App sees it, through Octokit's own way to a token. */
export async function asApp(github: LocalGitHub, narrow: object = {}) {
  return caller(github, await installationToken(github, narrow));
}

export async function installationToken(github: LocalGitHub, narrow: object = {}): Promise<string> {
  const auth = createAppAuth({
    appId: github.app.id,
    privateKey: github.app.privateKeyPem,
    installationId: github.state.installations.find(
      ({ accountId }) => github.state.accounts.find(({ id }) => id === accountId)?.login === "octo",
    )!.id,
    request: request.defaults({ baseUrl: github.apiUrl }),
  });
  return (await auth({ type: "installation", ...narrow })).token;
}
