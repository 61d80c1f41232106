import { createAppAuth } from "@octokit/auth-app";
import { request } from "@octokit/request";
import { expect, it } from "vitest";
import type { LocalGitHub } from "../../../local/github/start-github.ts";
import { asApp, caller, pullScene } from "./pull-scene.ts";

/** The App itself, by its JWT. */
async function appCaller(github: LocalGitHub) {
  const { id: appId, privateKeyPem: privateKey } = github.app;
  const auth = createAppAuth({ appId, privateKey, request: request.defaults({ baseUrl: github.apiUrl }) });
  return caller(github, (await auth({ type: "app" })).token);
}

it("a suspended installation has no token, takes none, hears nothing, and all comes back", async () => {
  const { github, told, commitTo } = await pullScene();
  const app = await appCaller(github);
  const bot = await asApp(github);
  const { id } = (await app("GET", "/repos/octo/hello/installation")).body;
  expect((await app("PUT", `/app/installations/${id}/suspended`)).status).toBe(204);
  const suspended = { status: 403, body: { message: "This installation has been suspended" } };
  expect(await app("POST", `/app/installations/${id}/access_tokens`)).toMatchObject(suspended);
  expect(await bot("GET", "/installation/repositories")).toMatchObject(suspended);
  expect((await app("GET", `/app/installations/${id}`)).body.suspended_at).toMatch(/Z$/);
  await commitTo("main", { quiet: "1" });
  expect(await told("push")).toEqual([]);
  expect((await app("DELETE", `/app/installations/${id}/suspended`)).status).toBe(204);
  expect((await bot("GET", "/installation/repositories")).body.total_count).toBe(1);
  await commitTo("main", { loud: "1" });
  expect(await told("push")).toHaveLength(1);
  const events = await told("installation");
  expect(new Set(events.map(({ action }) => action))).toEqual(new Set(["suspend", "unsuspend"]));
  expect(events.find(({ action }) => action === "suspend").installation.suspended_at).not.toBeNull();
});

it("an uninstalled App's tokens are bad credentials, and installing again is another installation", async () => {
  const { github, told, commitTo } = await pullScene();
  const app = await appCaller(github);
  const bot = await asApp(github);
  const { id } = (await app("GET", "/repos/octo/hello/installation")).body;
  expect((await app("DELETE", `/app/installations/${id}`)).status).toBe(204);
  expect(await bot("GET", "/installation/repositories")).toMatchObject({ status: 401 });
  expect((await app("GET", "/repos/octo/hello/installation")).status).toBe(404);
  await commitTo("main", { quiet: "1" });
  expect(await told("push")).toEqual([]);
  const again = github.install("octo");
  expect(again.id).not.toBe(id);
  const events = await told("installation");
  expect(new Set(events.map(({ action }) => action))).toEqual(new Set(["deleted", "created"]));
  expect(events[0].repositories).toMatchObject([{ full_name: "octo/hello" }]);
});

it("an installation for selected repositories reaches those, and people choose among theirs", async () => {
  const { github, asOcto, asMallory, told } = await pullScene();
  const other = await github.createRepository("octo/other", { private: true });
  const { id } = github.install("octo", ["octo/hello"]);
  expect((await told("installation_repositories")).at(-1)).toMatchObject({
    action: "removed",
    repository_selection: "selected",
    repositories_removed: [{ full_name: "octo/other" }],
  });
  const app = await appCaller(github);
  expect((await app("GET", "/repos/octo/other/installation")).status).toBe(404);
  const bot = await asApp(github);
  expect((await bot("GET", "/repos/octo/other")).status).toBe(404);
  expect((await bot("GET", "/installation/repositories")).body).toMatchObject({
    total_count: 1,
    repository_selection: "selected",
  });
  const outside = { repository_ids: [other.id] };
  expect((await app("POST", `/app/installations/${id}/access_tokens`, outside)).status).toBe(422);

  const choice = `/user/installations/${id}/repositories/${other.id}`;
  expect((await asMallory("PUT", choice)).status).toBe(404);
  expect((await asOcto("PUT", choice)).status).toBe(204);
  expect((await bot("GET", "/repos/octo/other")).status).toBe(200);
  expect((await asOcto("DELETE", choice)).status).toBe(204);
  expect((await bot("GET", "/repos/octo/other")).status).toBe(404);
  expect((await told("installation_repositories")).map(({ action }) => action)).toEqual([
    "removed",
    "added",
    "removed",
  ]);
  github.install("octo", "all");
  expect((await bot("GET", "/repos/octo/other")).status).toBe(200);
  expect((await asOcto("DELETE", choice)).status).toBe(422);
});

it("a new repository reaches an installation for all of them, and is told", async () => {
  const { asOcto, told } = await pullScene();
  await asOcto("POST", "/user/repos", { name: "new", private: true });
  expect(await told("repository")).toMatchObject([{ action: "created", repository: { full_name: "octo/new" } }]);
  expect(await told("installation_repositories")).toMatchObject([
    { action: "added", repository_selection: "all", repositories_added: [{ full_name: "octo/new", private: true }] },
  ]);
});

it.each([
  ["checks", "POST", "/check-runs", { name: "x", head_sha: "" }],
  ["statuses", "POST", "/statuses/HEAD", { state: "success" }],
  ["contents", "GET", "/git/ref/heads/main", undefined],
  ["pull_requests", "GET", "/pulls", undefined],
  ["checks", "GET", "/commits/main/check-runs", undefined],
  ["statuses", "GET", "/commits/main/statuses", undefined],
])("without %s the App gets 403 for %s %s of a private repository", async (lacking, method, path, body) => {
  const { github, asOcto } = await pullScene();
  await asOcto("PATCH", "/repos/octo/hello", { private: true });
  const permissions = Object.fromEntries(
    ["checks", "contents", "issues", "pull_requests", "statuses"].flatMap((each) =>
      each === lacking ? [] : [[each, "read"]],
    ),
  );
  const bot = await asApp(github, { permissions });
  expect(await bot(method, `/repos/octo/hello${path}`, body)).toMatchObject({
    status: 403,
    body: { message: "Resource not accessible by integration" },
  });
});
