import { createPrivateKey, sign } from "node:crypto";
import { createAppAuth } from "@octokit/auth-app";
import { request } from "@octokit/request";
import { expect, it } from "vitest";
import { loadAppKey } from "../../../local/github/app-key.ts";
import { pushFiles } from "../../../local/github/push-files.ts";
import type { LocalGitHub } from "../../../local/github/start-github.ts";
import { testGitOverHttp } from "../../support/git-over-http.ts";
import { api, gitHub, receiver, temporaryDir } from "./github-fixture.ts";

/** Octokit as a GitHub App uses it, pointed at the twin. */
function octokit(github: LocalGitHub, installationId?: number) {
  const client = request.defaults({ baseUrl: github.apiUrl });
  const auth = createAppAuth({
    appId: github.app.id,
    privateKey: github.app.privateKeyPem,
    // Octokit takes an undefined id for a forgotten one.
    ...(installationId ? { installationId } : {}),
    request: client,
  });
  return { auth, request: client.defaults({ request: { hook: auth.hook } }) };
}

function jwt(key: string, claims: object, alg = "RS256"): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${part({ alg, typ: "JWT" })}.${part(claims)}`;
  return `${text}.${sign("RSA-SHA256", Buffer.from(text), createPrivateKey(key)).toString("base64url")}`;
}

const asked = (github: LocalGitHub, path: string, token: string, init: RequestInit = {}) =>
  api(github, path, { ...init, headers: { authorization: `Bearer ${token}` } });

testGitOverHttp("Octokit finds the installation, gets a token and uses it", async () => {
  const github = await gitHub();
  const { installationId, cloneUrl } = await github.createRepository("demo/platform", { private: true });
  await github.createRepository("other/thing", { private: true });
  const sha = await pushFiles(cloneUrl.replace("//", `//x-access-token:${await tokenOf(github, installationId)}@`), {
    branch: "main",
    files: { a: "1" },
    message: "one",
  });

  const app = octokit(github);
  expect((await app.request("GET /app")).data).toMatchObject({ id: 4242, slug: github.app.slug });
  const installation = await app.request("GET /repos/{owner}/{repo}/installation", { owner: "demo", repo: "platform" });
  expect(installation.data.id).toBe(installationId);

  const installed = octokit(github, installationId);
  const ref = await installed.request("GET /repos/{owner}/{repo}/git/ref/{ref}", {
    owner: "demo",
    repo: "platform",
    ref: "heads/main",
  });
  expect(ref.data.object).toMatchObject({ sha, type: "commit" });
  const { data } = await installed.request("GET /installation/repositories");
  expect(data.repositories.map(({ full_name }) => full_name)).toEqual(["demo/platform"]);
  await expect(installed.request("GET /repos/{owner}/{repo}", { owner: "other", repo: "thing" })).rejects.toMatchObject(
    { status: 404 },
  );
});

async function tokenOf(github: LocalGitHub, installationId: number, narrow: object = {}): Promise<string> {
  const { token } = await octokit(github, installationId).auth({ type: "installation", ...narrow });
  return token;
}

it("a token has the long new form, an hour's life, and only what was asked for", async () => {
  let now = Date.now();
  const github = await gitHub({ clock: () => now });
  const one = await github.createRepository("demo/one", { private: true });
  await github.createRepository("demo/two", { private: true });
  const token = await tokenOf(github, one.installationId, {
    repositoryIds: [one.id],
    permissions: { contents: "read" },
  });
  expect(token).toMatch(/^ghs_4242_[\w-]+\.[\w-]+\.[\w-]+$/);
  expect(token.length).toBeGreaterThan(450);
  expect(JSON.stringify(github.state)).not.toContain(token);

  expect((await asked(github, "/repos/demo/one", token)).status).toBe(200);
  expect((await asked(github, "/repos/demo/two", token)).status).toBe(404);
  expect((await asked(github, "/installation/repositories", token)).body).toMatchObject({
    total_count: 1,
    repository_selection: "selected",
  });
  const status = await asked(github, `/repos/demo/one/statuses/${"a".repeat(40)}`, token, {
    method: "POST",
    body: "{}",
  });
  expect(status).toMatchObject({ status: 403, body: { message: "Resource not accessible by integration" } });

  now += 60 * 60 * 1000;
  expect(await asked(github, "/repos/demo/one", token)).toMatchObject({
    status: 401,
    body: { message: "Bad credentials", status: "401" },
  });
});

it("refuses tokens for more than the App has", async () => {
  const github = await gitHub();
  const { installationId } = await github.createRepository("demo/one");
  const { id } = await github.createRepository("other/thing");
  const path = "POST /app/installations/{installation_id}/access_tokens";
  const wanted = { installation_id: installationId };
  const app = octokit(github);
  await expect(app.request(path, { ...wanted, permissions: { contents: "write" } })).rejects.toMatchObject({
    status: 422,
  });
  await expect(app.request(path, { ...wanted, repository_ids: [id] })).rejects.toMatchObject({ status: 422 });
});

it("checks the App's JWT: key, algorithm, issuer and times", async () => {
  const now = Date.parse("2026-11-23T12:00:00Z");
  const github = await gitHub({ clock: () => now });
  const key = github.app.privateKeyPem;
  const seconds = now / 1000;
  const good = { iss: 4242, iat: seconds - 30, exp: seconds + 570 };
  const { privateKeyPem: other } = loadAppKey(temporaryDir());
  const refused = async (token: string) => {
    const { status, body } = await asked(github, "/app", token);
    expect(status).toBe(401);
    return body.message as string;
  };
  expect((await asked(github, "/app", jwt(key, good))).status).toBe(200);
  expect((await asked(github, "/app", jwt(key, { ...good, iss: github.app.clientId }))).status).toBe(200);
  expect(await refused(jwt(other, good))).toBe("A JSON web token could not be decoded");
  expect(await refused(jwt(key, good, "none"))).toBe("A JSON web token could not be decoded");
  expect(await refused(jwt(key, { ...good, iss: 1 }))).toBe("Integration not found");
  expect(await refused(jwt(key, { ...good, exp: seconds + 601 }))).toMatch(/too far in the future/);
  expect(await refused(jwt(key, { ...good, exp: seconds }))).toMatch(/'exp'/);
  expect(await refused(jwt(key, { ...good, iat: seconds + 60 }))).toMatch(/'iat'/);
  expect(await api(github, "/app")).toMatchObject({ status: 401 });
});

testGitOverHttp("lists deliveries page by page and sends one again, for the App only", async () => {
  const hook = await receiver();
  const github = await gitHub({ webhook: { url: hook.url, secret: "s" } });
  const { cloneUrl } = await github.createRepository("demo/platform");
  for (const n of ["1", "2"]) await pushFiles(cloneUrl, { branch: "main", files: { n }, message: n });
  await github.settled();
  const app = octokit(github);

  const first = await app.request("GET /app/hook/deliveries", { per_page: 2 });
  expect(first.data.map(({ event, status }) => `${event} ${status}`)).toEqual(["push OK", "push OK"]);
  const next = /<([^>]+)>; rel="next"/.exec(first.headers.link!)![1]!;
  const second = await app.request(`GET ${next.replace(github.apiUrl, "")}`);
  expect(second.data).toMatchObject([{ event: "ping" }]);
  expect(second.headers.link).toBeUndefined();

  const [latest] = first.data;
  const detail = await app.request("GET /app/hook/deliveries/{delivery_id}", { delivery_id: Number(latest!.id) });
  expect(detail.data.request.payload).toMatchObject({ ref: "refs/heads/main" });
  expect(detail.data.request.headers).toMatchObject({ "X-GitHub-Event": "push" });
  const attempt = await app.request("POST /app/hook/deliveries/{delivery_id}/attempts", {
    delivery_id: Number(latest!.id),
  });
  expect(attempt.status).toBe(202);
  await github.settled();
  const after = await app.request("GET /app/hook/deliveries", { per_page: 1 });
  expect(after.data).toMatchObject([{ guid: latest!.guid, redelivery: true }]);
  expect((await api(github, "/app/hook/deliveries")).status).toBe(401);
});
