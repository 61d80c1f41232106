import { existsSync } from "node:fs";
import { join } from "node:path";
import { request } from "@octokit/request";
import { expect, it } from "vitest";
import { testGitOverHttp } from "../../support/git-over-http.ts";
import { api, git, gitHub, temporaryDir } from "./github-fixture.ts";
import { asApp, caller, pullScene } from "./pull-scene.ts";

const repo = "/repos/octo/hello";

testGitOverHttp(
  "a renamed repository answers by its old name with 301, Octokit and git follow, its id stays",
  async () => {
    const { github, asOcto, told, head, octo } = await pullScene();
    const { id } = (await api(github, repo)).body;
    expect((await asOcto("PATCH", repo, { name: "hallo" })).body).toMatchObject({ id, full_name: "octo/hallo" });
    expect(await told("repository")).toMatchObject([
      {
        action: "renamed",
        changes: { repository: { name: { from: "hello" } } },
        repository: { full_name: "octo/hallo" },
      },
    ]);
    const old = await asOcto("GET", `${repo}/git/ref/heads/feature?x=1`);
    expect(old).toMatchObject({ status: 301, body: { message: "Moved Permanently" } });
    expect(old.headers.get("location")).toBe(`${github.apiUrl}/repositories/${id}/git/ref/heads/feature?x=1`);
    const followed = await request("GET /repos/{owner}/{repo}/git/ref/{ref}", {
      baseUrl: github.apiUrl,
      owner: "octo",
      repo: "hello",
      ref: "heads/feature",
    });
    expect(followed.data.object.sha).toBe(head);
    expect((await asOcto("POST", `${repo}/statuses/${head}`, { state: "success" })).status).toBe(307);
    expect(await git("/", "ls-remote", `${github.url}/octo/hello.git`, "feature")).toContain(head);
    const work = join(temporaryDir(), "work");
    await git("/", "clone", "--quiet", `${github.url}/octo/hello.git`, work);
    await git(work, "push", "--quiet", "origin", "HEAD:by-old-name");
    expect((await api(github, "/repos/octo/hallo/git/ref/heads/by-old-name")).status).toBe(200);

    // The name goes to who takes it.
    await caller(github, octo.token)("POST", "/user/repos", { name: "hello" });
    expect((await api(github, repo)).body.id).not.toBe(id);
  },
);

it("a former name that somebody took leads nowhere once they are gone, whether made or renamed to it", async () => {
  const { asOcto } = await pullScene();
  await asOcto("PATCH", repo, { name: "second" });
  await asOcto("PATCH", "/repos/octo/second", { name: "third" });
  expect((await asOcto("GET", repo)).status).toBe(301);
  await asOcto("POST", "/user/repos", { name: "hello" });
  await asOcto("DELETE", repo);
  expect((await asOcto("GET", repo)).status).toBe(404);
  await asOcto("POST", "/user/repos", { name: "other" });
  await asOcto("PATCH", "/repos/octo/other", { name: "second" });
  await asOcto("DELETE", "/repos/octo/second");
  expect((await asOcto("GET", "/repos/octo/second")).status).toBe(404);
  expect((await asOcto("GET", "/repos/octo/third")).status).toBe(200);
});

it("every path answers by the repository's id, and pages stay with it", async () => {
  const { github, head } = await pullScene();
  const { id } = (await api(github, repo)).body;
  expect((await api(github, `/repositories/${id}/commits/feature`)).body.sha).toBe(head);
  const page = await api(github, `/repositories/${id}/branches?per_page=1`);
  expect(page.headers.get("link")).toContain(`/repositories/${id}/branches`);
  expect((await api(github, "/repositories/1/branches")).status).toBe(404);
});

it("a transferred repository keeps its id and leaves the reach of the old owner's installation", async () => {
  const { github, asOcto, told } = await pullScene();
  github.createAccount("team", { type: "Organization", installed: true });
  const bot = await asApp(github);
  const { id } = (await asOcto("GET", repo)).body;
  expect((await asOcto("POST", `${repo}/transfer`, { new_owner: "nobody" })).status).toBe(422);
  expect((await asOcto("POST", `${repo}/transfer`, { new_owner: "team" })).status).toBe(202);
  expect((await api(github, "/repos/team/hello")).body.id).toBe(id);
  expect((await asOcto("GET", repo)).status).toBe(301);
  expect(await told("repository")).toMatchObject([
    {
      action: "transferred",
      changes: { owner: { from: { user: { login: "octo" } } } },
      organization: { login: "team" },
    },
  ]);
  expect((await bot("GET", "/installation/repositories")).body.total_count).toBe(0);
});

it("a deleted repository is 404 by name and id, off the disk, and told of", async () => {
  const { github, asOcto, told, gitDir } = await pullScene();
  const { id } = (await asOcto("GET", repo)).body;
  expect((await asOcto("DELETE", repo)).status).toBe(204);
  expect((await api(github, repo)).status).toBe(404);
  expect((await api(github, `/repositories/${id}`)).status).toBe(404);
  expect(existsSync(gitDir)).toBe(false);
  expect(await told("repository")).toMatchObject([{ action: "deleted", repository: { id } }]);
});

it("hiding, archiving and another default branch are told, and an archived repository takes no writes", async () => {
  const { github, asOcto, told, gitDir, head } = await pullScene();
  await asOcto("PATCH", repo, { private: true, default_branch: "feature" });
  expect((await api(github, repo)).status).toBe(404);
  expect(await git(gitDir, "symbolic-ref", "HEAD")).toBe("refs/heads/feature");
  await asOcto("PATCH", repo, { visibility: "public" });
  await asOcto("PATCH", repo, { archived: true });
  const refused = await asOcto("POST", `${repo}/statuses/${head}`, { state: "success" });
  expect(refused).toMatchObject({ status: 403, body: { message: "Repository was archived so is read-only." } });
  const push = git(gitDir, "push", "--quiet", `${github.url}/octo/hello.git`, "feature:other");
  await expect(push).rejects.toThrow(/403/);
  await asOcto("PATCH", repo, { archived: false });
  const events = await told("repository");
  expect(new Set(events.map(({ action }) => action))).toEqual(
    new Set(["privatized", "edited", "publicized", "archived", "unarchived"]),
  );
  expect(events.find(({ action }) => action === "edited").changes).toEqual({ default_branch: { from: "main" } });
  expect((await asOcto("PATCH", repo, { default_branch: "none" })).status).toBe(422);
});

it("the permission endpoint says in the old words and the new what a person may do", async () => {
  const { github, asOcto, asMallory } = await pullScene();
  const permission = async (login: string) => {
    const { body } = await asOcto("GET", `${repo}/collaborators/${login}/permission`);
    return [body.permission, body.role_name, body.user.permissions?.push];
  };
  expect(await permission("octo")).toEqual(["admin", "admin", true]);
  expect(await permission("mallory")).toEqual(["read", "read", false]);
  for (const [given, word, role] of [
    ["triage", "read", "triage"],
    ["maintain", "write", "maintain"],
    ["push", "write", "write"],
  ]) {
    await asOcto("PUT", `${repo}/collaborators/mallory`, { permission: given });
    expect((await permission("mallory")).slice(0, 2)).toEqual([word, role]);
  }
  expect((await asMallory("PUT", `${repo}/collaborators/mallory`, { permission: "admin" })).status).toBe(403);
  await asOcto("DELETE", `${repo}/collaborators/mallory`);
  await asOcto("PATCH", repo, { private: true });
  expect(await permission("mallory")).toEqual(["none", "none", false]);
  expect((await asMallory("GET", repo)).status).toBe(404);
  expect((await asOcto("GET", `${repo}/collaborators/nobody/permission`)).status).toBe(404);
  expect(github.state.accounts.find(({ login }) => login === "mallory")).not.toHaveProperty("token");
});

it("an author's association follows from membership, invitation and merged work", async () => {
  const { github, asOcto, asMallory } = await pullScene();
  const association = async () => {
    const said = await asMallory("POST", `${repo}/issues/1/comments`, { body: "hm" });
    return said.body.author_association;
  };
  await asOcto("POST", `${repo}/pulls`, { title: "t", head: "feature", base: "main" });
  expect(await association()).toBe("NONE");
  await asOcto("PUT", `${repo}/collaborators/mallory`, { permission: "pull" });
  expect(await association()).toBe("COLLABORATOR");
  await asOcto("DELETE", `${repo}/collaborators/mallory`);
  await asOcto("PATCH", `${repo}/pulls/1`, { state: "closed" });
  await asMallory("POST", `${repo}/pulls`, { title: "mine", head: "feature", base: "main" });
  await asOcto("PUT", `${repo}/pulls/2/merge`);
  expect(await association()).toBe("CONTRIBUTOR");
  github.createAccount("team", { type: "Organization", installed: true });
  const { token } = github.createAccount("mallory", { memberOf: ["team"] });
  await github.createRepository("team/thing", { private: true });
  const member = caller(github, token);
  expect((await member("GET", "/repos/team/thing")).status).toBe(200);
  expect((await member("PATCH", "/repos/team/thing", { name: "x" })).status).toBe(403);
  expect((await member("POST", "/orgs/team/repos", { name: "own" })).status).toBe(201);
});

it("If-Modified-Since gives 304 until something changes, and ETag counts for more", async () => {
  let now = Date.now();
  const { github, asOcto } = await pullScene({ clock: () => now });
  const first = await asOcto("GET", repo);
  const since = first.headers.get("last-modified")!;
  const again = (headers: Record<string, string>) => asOcto("GET", repo, undefined, headers);
  const used = async () => Number((await asOcto("GET", "/rate_limit")).body.resources.core.used);
  const before = await used();
  expect((await again({ "if-modified-since": since })).status).toBe(304);
  expect(await used()).toBe(before);
  expect((await again({ "if-modified-since": since, "if-none-match": '"other"' })).status).toBe(200);
  now += 60_000;
  await asOcto("PATCH", repo, { description: "new" });
  expect((await again({ "if-modified-since": since })).status).toBe(200);
  expect(await used()).toBe(before + 3);
  expect(github.faults.enforceRateLimits).toBe(false);
});

it("roots of fork networks stay on the disk as long as somebody lives on their objects", async () => {
  const dir = temporaryDir();
  const { github, asOcto, asMallory, gitDir, head } = await pullScene({ dir });
  await asMallory("POST", `${repo}/forks`);
  await asOcto("DELETE", repo);
  expect((await asMallory("GET", "/repos/mallory/hello/commits/feature")).body.sha).toBe(head);
  await github.close();
  const again = await gitHub({ dir });
  expect((await api(again, "/repos/mallory/hello/git/ref/heads/feature")).body.object.sha).toBe(head);
  expect((await api(again, "/repos/octo/hello")).status).toBe(404);
  expect(existsSync(gitDir)).toBe(true);
});
