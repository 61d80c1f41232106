import { createAppAuth } from "@octokit/auth-app";
import { request } from "@octokit/request";
import { expect, it } from "vitest";
import { commitFiles } from "../../../local/github/commit-files.ts";
import { gitHubLimits, type Limits } from "../../../local/github/limits.ts";
import type { LocalGitHub } from "../../../local/github/start-github.ts";
import { api, git, gitHub, receiver } from "./github-fixture.ts";

/** A repository of so many commits on main, oldest first, and a hook that listens. */
async function scene(limits: Partial<Limits> = {}, commits = 1) {
  const hook = await receiver();
  const github = await gitHub({ webhook: { url: hook.url, secret: "s" }, limits });
  const { gitDir } = await github.createRepository("octo/hello");
  const shas: string[] = [];
  for (let n = 1; n <= commits; n += 1)
    shas.push(await commitFiles(gitDir, { branch: "main", files: { n: String(n) }, message: `commit ${n}` }));
  const announced = async () => {
    await github.announce("octo/hello");
    await github.settled();
  };
  await announced();
  hook.received.splice(0);
  const refs = async (...names: string[]) => {
    for (const name of names) await git(gitDir, "update-ref", name, shas.at(-1)!);
    await announced();
    return hook.pushes().map(({ payload }) => payload.ref as string);
  };
  const repo = (path: string) => api(github, `/repos/octo/hello${path}`);
  return { github, hook, gitDir, shas, refs, repo, announced };
}

const withheld = (github: LocalGitHub) => github.ledger().filter(({ kind }) => kind === "webhook-withheld");
const tags = (count: number) => Array.from({ length: count }, (_, n) => `refs/tags/v${n}`);

it("has GitHub's own numbers", () => {
  expect(gitHubLimits).toMatchObject({
    directoryEntries: 1000,
    comparedFiles: 300,
    comparedCommits: 250,
    commitFiles: 3000,
    pushTags: 3,
    pushBranches: 5000,
    payloadBytes: 26_214_400,
  });
});

it("three tags at once are told; of four none is, and a branch in the same push still is", async () => {
  expect(await (await scene()).refs(...tags(3))).toHaveLength(3);
  const { github, refs } = await scene();
  expect(await refs("refs/heads/next", ...tags(4))).toEqual(["refs/heads/next"]);
  expect(withheld(github)).toMatchObject([{ event: "push", refs: tags(4), why: "more than 3 tags in one push" }]);
});

it("more branches at once than 5000, and nothing of the push is told", async () => {
  expect(await (await scene({ pushBranches: 2 })).refs("refs/heads/a", "refs/heads/b")).toHaveLength(2);
  const { github, refs } = await scene({ pushBranches: 2 });
  expect(await refs("refs/heads/a", "refs/heads/b", "refs/heads/c", "refs/tags/v1")).toEqual([]);
  expect(withheld(github)).toMatchObject([{ why: "more than 2 branches in one push" }]);
});

it("a payload over 25 MB is never sent and in no log", async () => {
  const { github, gitDir, hook, announced } = await scene({ payloadBytes: 20_000 });
  await commitFiles(gitDir, { branch: "main", files: { n: "x" }, message: "m".repeat(20_000) });
  await announced();
  expect([hook.pushes(), github.deliveries().filter(({ event }) => event === "push").length]).toEqual([[], 1]);
  expect(withheld(github)).toMatchObject([{ event: "push", why: "the payload is over 25 MB" }]);
});

it("a comparison that is not paged has the newest commits and no pages; a paged one begins with the oldest", async () => {
  const { shas, repo } = await scene({ comparedCommits: 2 }, 5);
  const whole = await repo(`/compare/${shas[0]}...main`);
  expect(whole.body.commits.map(({ sha }: { sha: string }) => sha)).toEqual(shas.slice(-2));
  expect([whole.body.total_commits, whole.headers.get("link")]).toEqual([4, null]);
  const page = await repo(`/compare/${shas[0]}...main?per_page=3`);
  expect(page.body.commits.map(({ sha }: { sha: string }) => sha)).toEqual(shas.slice(1, 4));
  expect(page.headers.get("link")).toContain('rel="next"');
  expect((await repo(`/compare/${shas[0]}...main?per_page=3&page=2`)).body).toMatchObject({
    commits: [{ sha: shas[4] }],
    files: [],
  });
});

it("a directory lists so many entries, a commit so many files over all its pages", async () => {
  const { gitDir, repo, announced } = await scene({ directoryEntries: 3, commitFiles: 3, comparedFiles: 2 });
  const files = Object.fromEntries(["a", "b", "c", "d", "e"].map((name) => [`many/${name}`, "1"]));
  await commitFiles(gitDir, { branch: "main", files, message: "many" });
  await announced();
  const names = async (path: string) => {
    const { body } = await repo(path);
    return (body.files ?? body).map((each: { filename?: string; path: string }) => each.filename ?? each.path);
  };
  expect(await names("/contents/many")).toEqual(["many/a", "many/b", "many/c"]);
  expect(await names("/commits/main")).toEqual(["many/a", "many/b"]);
  expect(await names("/commits/main?page=2")).toEqual(["many/c"]);
  expect(await names("/commits/main?page=3")).toEqual([]);
});

it("deliveries are listed by outcome, and at most a hundred a page", async () => {
  const { github, hook, refs } = await scene();
  hook.answer.status = 500;
  await refs("refs/heads/failing");
  hook.answer.status = 202;
  await refs("refs/heads/fine");
  const [fine] = github.deliveries();
  for (let n = 0; n < 100; n += 1) github.redeliver(fine!.id);
  await github.settled();
  const auth = createAppAuth({ appId: github.app.id, privateKey: github.app.privateKeyPem });
  const { token } = await auth({ type: "app" });
  const list = async (query: string) => {
    const headers = { authorization: `Bearer ${token}` };
    const { data } = await request(`GET ${github.apiUrl}/app/hook/deliveries?${query}`, { headers });
    return data as { status: string }[];
  };
  expect(await list("status=failure")).toMatchObject([{ status: "Invalid HTTP Response: 500" }]);
  const succeeded = await list("status=success&per_page=500");
  expect(succeeded).toHaveLength(100);
  expect(new Set(succeeded.map(({ status }) => status))).toEqual(new Set(["OK"]));
});
