import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { testGitOverHttp } from "../../support/git-over-http.ts";
import { api, git, gitHub, temporaryDir } from "./github-fixture.ts";
import { asApp, caller, pullScene, writes } from "./pull-scene.ts";

const pulls = "/repos/octo/hello/pulls";

it("a pull request from a branch is opened, told of and read back with its test merge", async () => {
  const { open, told, asOcto, base, head, gitDir } = await pullScene();
  const opened = await open({ body: "why" });
  expect(opened).toMatchObject({ status: 201, body: { number: 1, mergeable: null, merge_commit_sha: null } });
  expect(await told("pull_request")).toMatchObject([
    {
      action: "opened",
      number: 1,
      pull_request: { head: { sha: head, label: "octo:feature" }, base: { sha: base }, author_association: "OWNER" },
      installation: { id: expect.any(Number) },
    },
  ]);
  const { body } = await asOcto("GET", `${pulls}/1`);
  expect(body).toMatchObject({ mergeable: true, commits: 1, changed_files: 1, additions: 1, body: "why" });
  expect(await git(gitDir, "rev-parse", "refs/pull/1/merge")).toBe(body.merge_commit_sha);
  expect(await git(gitDir, "rev-parse", "refs/pull/1/merge^1", "refs/pull/1/merge^2")).toBe(`${base}\n${head}`);
  expect((await asOcto("GET", `${pulls}/1/files`)).body).toMatchObject([{ filename: "b", status: "added" }]);
  expect((await asOcto("GET", `${pulls}/1/commits`)).body).toMatchObject([{ sha: head }]);
  expect((await asOcto("GET", `${pulls}?head=octo:feature`)).body).toHaveLength(1);
  expect((await asOcto("GET", `${pulls}?head=octo:other`)).body).toEqual([]);
});

it("API version 2026-03-10 has no merge_commit_sha", async () => {
  const { open, asOcto } = await pullScene();
  await open();
  const { body } = await asOcto("GET", `${pulls}/1`, undefined, { "x-github-api-version": "2026-03-10" });
  expect(body).not.toHaveProperty("merge_commit_sha");
  expect(body.mergeable).toBe(true);
});

it.each([
  ["a base that is not there", { base: "none" }, "base"],
  ["a head that is not there", { head: "none" }, "head"],
  ["somebody's repository that is no fork", { head: "mallory:feature" }, "head"],
  ["no commits", { head: "main" }, "head"],
  ["no title", { title: "" }, "title"],
])("refuses %s", async (_, body, field) => {
  const { open } = await pullScene();
  expect(await open(body)).toMatchObject({ status: 422, body: { errors: [{ resource: "PullRequest", field }] } });
});

it("refuses a second one for the same branches while the first is open", async () => {
  const { open, asOcto } = await pullScene();
  await open();
  expect((await open()).body.errors[0].message).toBe("A pull request already exists for octo:feature.");
  await asOcto("PATCH", `${pulls}/1`, { state: "closed" });
  expect((await open()).body.number).toBe(2);
});

it("a push to the head is a synchronize with before and after, and one to the base is not told", async () => {
  const { open, told, asOcto, commitTo, head, gitDir } = await pullScene();
  await open();
  const next = await commitTo("feature", { b: "3\n" });
  expect((await told("pull_request")).at(-1)).toMatchObject({
    action: "synchronize",
    before: head,
    after: next,
    pull_request: { head: { sha: next }, merge_commit_sha: null },
  });
  expect(await git(gitDir, "rev-parse", "refs/pull/1/head")).toBe(next);
  const base = await commitTo("main", { b: "other\n" });
  expect(await told("pull_request")).toHaveLength(2);
  expect((await asOcto("GET", `${pulls}/1`)).body).toMatchObject({
    mergeable: false,
    mergeable_state: "dirty",
    base: { sha: base },
  });
  await expect(git(gitDir, "rev-parse", "--verify", "--quiet", "refs/pull/1/merge")).rejects.toThrow();
});

it("closing, reopening, editing, labelling and leaving draft are each told with what changed", async () => {
  const { github, open, told, asOcto } = await pullScene();
  await open({ draft: true });
  await asOcto("PATCH", `${pulls}/1`, { title: "Better" });
  github.setDraft("octo/hello", 1, false, "octo");
  await asOcto("POST", "/repos/octo/hello/issues/1/labels", { labels: ["ok-to-build"] });
  await asOcto("POST", "/repos/octo/hello/issues/1/labels", { labels: ["OK-to-build"] });
  await asOcto("DELETE", "/repos/octo/hello/issues/1/labels/ok-to-build");
  await asOcto("PATCH", `${pulls}/1`, { state: "closed" });
  await asOcto("PATCH", `${pulls}/1`, { state: "open" });
  const events = await told("pull_request");
  expect(new Set(events.map(({ action }) => action))).toEqual(
    new Set(["opened", "edited", "ready_for_review", "labeled", "unlabeled", "closed", "reopened"]),
  );
  expect(events).toHaveLength(7);
  expect(events.find(({ action }) => action === "edited").changes).toEqual({ title: { from: "Feature" } });
  expect(events.find(({ action }) => action === "labeled").label).toMatchObject({ name: "ok-to-build" });
  expect(events.find(({ action }) => action === "closed").pull_request).toMatchObject({ merged: false });
});

it("another base is measured anew and told as edited", async () => {
  const { open, asOcto, branchFrom, base, told } = await pullScene();
  const release = await branchFrom("release", base, { r: "1" });
  await open();
  await asOcto("PATCH", `${pulls}/1`, { base: "release" });
  expect((await told("pull_request")).at(-1)).toMatchObject({
    action: "edited",
    changes: { base: { ref: { from: "main" }, sha: { from: base } } },
    pull_request: { base: { ref: "release", sha: release } },
  });
});

it.each(["merge", "squash"])("a %s is a push to the base and closes as merged", async (method) => {
  const { open, told, asOcto, gitDir, base, head } = await pullScene();
  await open();
  expect((await asOcto("PUT", `${pulls}/1/merge`, { sha: base })).status).toBe(409);
  const { body } = await asOcto("PUT", `${pulls}/1/merge`, { merge_method: method, sha: head });
  const parents = await git(gitDir, "rev-list", "--parents", "-1", "main");
  expect(parents).toBe([body.sha, base, ...(method === "merge" ? [head] : [])].join(" "));
  expect((await told("push")).at(-1)).toMatchObject({ ref: "refs/heads/main", after: body.sha });
  expect((await told("pull_request")).at(-1)).toMatchObject({
    action: "closed",
    pull_request: { merged: true, merge_commit_sha: body.sha, merged_by: { login: "octo" } },
  });
  expect((await asOcto("GET", `${pulls}/1/merge`)).status).toBe(204);
  expect((await asOcto("PUT", `${pulls}/1/merge`)).status).toBe(405);
  expect((await asOcto("PATCH", `${pulls}/1`, { state: "open" })).status).toBe(422);
});

it("a head pushed to the base by hand is merged, a head that is deleted closes", async () => {
  const { github, open, told, branchFrom, base, gitDir, head } = await pullScene();
  await open();
  await git(gitDir, "update-ref", "refs/heads/main", head);
  await github.announce("octo/hello");
  expect((await told("pull_request")).at(-1)).toMatchObject({ action: "closed", pull_request: { merged: true } });
  await branchFrom("other", base, { o: "1" });
  await open({ head: "other" });
  await git(gitDir, "update-ref", "-d", "refs/heads/other");
  await github.announce("octo/hello");
  expect((await told("pull_request")).at(-1)).toMatchObject({
    number: 2,
    action: "closed",
    pull_request: { merged: false },
  });
});

it("files and commits are capped", async () => {
  const { open, asOcto, commitTo } = await pullScene({ limits: { pullFiles: 3, pullCommits: 2 } });
  await commitTo("feature", { c: "1", d: "1", e: "1" });
  await commitTo("feature", { f: "1" });
  await open();
  expect((await asOcto("GET", `${pulls}/1`)).body).toMatchObject({ changed_files: 5, commits: 3 });
  const first = await asOcto("GET", `${pulls}/1/files?per_page=2`);
  expect(first.body).toHaveLength(2);
  expect(first.headers.get("link")).toContain('rel="next"');
  expect((await asOcto("GET", `${pulls}/1/files?per_page=2&page=2`)).body).toHaveLength(1);
  expect((await asOcto("GET", `${pulls}/1/commits`)).body).toHaveLength(2);
});

testGitOverHttp(
  "a fork is pushed to by its owner, opens a pull request, and its commit is read through the base",
  async () => {
    const { github, mallory, asMallory, asOcto, told, gitDir } = await pullScene({ pushNeedsToken: true });
    const forked = await asMallory("POST", "/repos/octo/hello/forks");
    expect(forked).toMatchObject({ status: 202, body: { full_name: "mallory/hello", fork: true } });
    expect((await asMallory("POST", "/repos/octo/hello/forks")).body.id).toBe(forked.body.id);
    const work = join(temporaryDir(), "work");
    const url = (name: string) => `${github.url.replace("//", `//mallory:${mallory.token}@`)}/${name}.git`;
    await git("/", "clone", "--quiet", url("mallory/hello"), work);
    writeFileSync(join(work, "evil"), "1");
    await git(work, "add", "--all");
    await git(work, "commit", "--quiet", "-m", "evil");
    const sha = await git(work, "rev-parse", "HEAD");
    await expect(git(work, "push", "--quiet", url("octo/hello"), "HEAD:main")).rejects.toThrow(/403/);
    await git(work, "push", "--quiet", "origin", "HEAD:topic");
    expect((await told("push")).map(({ repository }) => repository.full_name)).not.toContain("mallory/hello");

    // Not a ref of the base, and yet to be had from it: fetchable is not trusted.
    expect((await asOcto("GET", `/repos/octo/hello/commits/${sha}`)).body.sha).toBe(sha);
    const wanted = { title: "Please", head: "mallory:topic", base: "main" };
    const opened = await asMallory("POST", pulls, wanted);
    expect(opened.body).toMatchObject({ number: 1, author_association: "NONE", maintainer_can_modify: true });
    const [event] = await told("pull_request");
    expect(event).toMatchObject({
      action: "opened",
      repository: { full_name: "octo/hello" },
      sender: { login: "mallory" },
    });
    expect(event.pull_request.head.repo).toMatchObject({ id: forked.body.id, fork: true });
    expect(event.pull_request.base.repo.id).not.toBe(forked.body.id);

    const fetched = temporaryDir();
    await git(fetched, "init", "--quiet");
    await git(
      fetched,
      "-c",
      "protocol.version=2",
      "fetch",
      "--quiet",
      "--depth=1",
      url("octo/hello"),
      "refs/pull/1/head",
    );
    expect(await git(fetched, "rev-parse", "FETCH_HEAD")).toBe(sha);
    await expect(git(work, "push", "--quiet", gitDir, "HEAD:refs/pull/1/head")).rejects.toThrow(
      /hidden ref|denied|refus/i,
    );

    writeFileSync(join(work, "evil"), "2");
    await git(work, "commit", "--quiet", "-am", "worse");
    await git(work, "push", "--quiet", "origin", "HEAD:topic");
    expect((await told("pull_request")).at(-1)).toMatchObject({ action: "synchronize", before: sha });

    expect((await asMallory("DELETE", "/repos/mallory/hello")).status).toBe(204);
    const { body } = await asOcto("GET", `${pulls}/1`);
    expect(body).toMatchObject({ state: "open", head: { repo: null, label: "mallory:topic" } });
    expect((await asOcto("GET", `/repos/octo/hello/commits/${sha}`)).status).toBe(200);
  },
);

it("a stranger may open and comment, and may not close, label or merge what is not theirs", async () => {
  const { open, asMallory } = await pullScene();
  await open();
  const issue = "/repos/octo/hello/issues/1";
  expect((await asMallory("POST", `${issue}/comments`, { body: "hi" })).status).toBe(201);
  expect((await asMallory("PATCH", `${pulls}/1`, { state: "closed" })).status).toBe(403);
  expect((await asMallory("POST", `${issue}/labels`, { labels: ["x"] })).status).toBe(403);
  expect((await asMallory("PUT", `${pulls}/1/merge`)).status).toBe(403);
  expect((await asMallory("PATCH", "/repos/octo/hello", { name: "mine" })).body.message).toBe(
    "Must have admin rights to Repository.",
  );
});

it("pull requests, their numbers, refs and comments outlive a crash, and what was never answered does not", async () => {
  const dir = temporaryDir();
  const { github, open, asOcto, gitDir, octo, head } = await pullScene({ dir });
  const { id: pullId } = (await open()).body;
  await asOcto("POST", "/repos/octo/hello/issues/1/comments", { body: "kept" });
  await github.close();
  // The state was saved and git was not told; and a line was written for a request that died before the save.
  await git(gitDir, "update-ref", "-d", "refs/pull/1/head");
  const { nextId } = github.state;
  const ghost = { sequence: nextId, value: { id: nextId, pullId, body: "never answered" } };
  writeFileSync(join(dir, "comments.jsonl"), `${JSON.stringify(ghost)}\n{"seq`, { flag: "a" });

  const again = await gitHub({ dir });
  expect(await git(gitDir, "rev-parse", "refs/pull/1/head")).toBe(head);
  const { body } = await api(again, "/repos/octo/hello/issues/1/comments");
  expect(body.map((each: { body: string }) => each.body)).toEqual(["kept"]);
  const late = caller(again, octo.token);
  expect((await late("POST", pulls, { title: "2", head: "feature", base: "main" })).status).toBe(422);
});

it("an App needs the permission for what it does to a pull request", async () => {
  const { github, open, asOcto } = await pullScene();
  await open();
  const token = await asApp(github);
  const refused = { status: 403, body: { message: "Resource not accessible by integration" } };
  expect(await token("POST", "/repos/octo/hello/issues/1/comments", { body: "x" })).toMatchObject(refused);
  expect(await token("PATCH", `${pulls}/1`, { title: "x" })).toMatchObject(refused);
  expect(await token("PUT", `${pulls}/1/merge`)).toMatchObject(refused);
  expect((await asOcto("GET", `${pulls}/1`)).status).toBe(200);

  const mighty = await pullScene({ app: { id: 4242, permissions: writes } });
  await mighty.open();
  const bot = await asApp(mighty.github);
  const made = await bot("POST", "/repos/octo/hello/issues/1/comments", { body: "built" });
  expect(made.body).toMatchObject({ user: { type: "Bot", login: "slipway-local[bot]" } });
  expect((await bot("PUT", `${pulls}/1/merge`)).body).toMatchObject({ merged: true });
});
