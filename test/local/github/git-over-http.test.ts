import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { commitFiles } from "../../../local/github/commit-files.ts";
import { pushFiles } from "../../../local/github/push-files.ts";
import { testGitOverHttp } from "../../support/git-over-http.ts";
import { git, gitHub, receiver, temporaryDir } from "./github-fixture.ts";

const zeros = "0".repeat(40);

async function scene() {
  const hook = await receiver();
  const github = await gitHub({ webhook: { url: hook.url, secret: "s3cret" } });
  const { cloneUrl } = await github.createRepository("demo/platform");
  const work = join(temporaryDir(), "work");
  await git("/", "clone", "--quiet", cloneUrl, work);
  const commit = async (path: string, content: string) => {
    writeFileSync(join(work, path), content);
    await git(work, "add", "--all");
    await git(work, "commit", "--quiet", "-m", `change ${path}`);
    return git(work, "rev-parse", "HEAD");
  };
  const nextPush = async () => {
    await github.settled();
    return hook.pushes().at(-1)!.payload;
  };
  return { hook, github, cloneUrl, work, commit, nextPush };
}

testGitOverHttp("a first push creates the branch and a fresh clone has its content", async () => {
  const { work, commit, nextPush, cloneUrl, github } = await scene();
  const sha = await commit("README.md", "hello\n");
  await git(work, "push", "--quiet", "origin", "HEAD:main");
  const push = await nextPush();
  expect(push).toMatchObject({ ref: "refs/heads/main", before: zeros, after: sha, created: true, deleted: false });
  expect(push.commits).toHaveLength(1);
  expect(push.head_commit).toMatchObject({ id: sha, added: ["README.md"], distinct: true });
  expect(push.compare).toBe(`${github.url}/demo/platform/commit/${sha}`);

  const again = join(temporaryDir(), "again");
  await git("/", "-c", "protocol.version=2", "clone", "--quiet", "--depth=1", cloneUrl, again);
  expect(await git(again, "rev-parse", "HEAD")).toBe(sha);
  expect(await git(again, "branch", "--show-current")).toBe("main");
});

testGitOverHttp("lists what each commit added, modified and removed, merges against their first parent", async () => {
  const { work, commit, nextPush, github } = await scene();
  const first = await commit("a.txt", "1");
  await git(work, "push", "--quiet", "origin", "HEAD:main");
  await commit("a.txt", "2");
  await git(work, "rm", "--quiet", "a.txt");
  await commit("with space é.txt", "3");
  await git(work, "checkout", "--quiet", "-b", "side", first);
  await commit("side.txt", "4");
  await git(work, "checkout", "--quiet", "-");
  await git(work, "merge", "--quiet", "-m", "merge side", "side");
  const head = await git(work, "rev-parse", "HEAD");
  await git(work, "push", "--quiet", "origin", "HEAD:main");
  const push = await nextPush();
  expect(push).toMatchObject({ before: first, after: head, created: false, forced: false, base_ref: null });
  expect(push.compare).toBe(`${github.url}/demo/platform/compare/${first.slice(0, 12)}...${head.slice(0, 12)}`);
  const listed = push.commits.map((each: Record<string, unknown>) => [each.added, each.modified, each.removed]);
  expect(listed).toHaveLength(4);
  expect(listed).toContainEqual([[], ["a.txt"], []]);
  expect(listed).toContainEqual([["with space é.txt"], [], ["a.txt"]]);
  expect(listed).toContainEqual([["side.txt"], [], []]);
  expect(push.commits.at(-1)).toMatchObject({ id: head, message: "merge side", added: ["side.txt"] });
});

testGitOverHttp("a force-push says so and leaves the dropped commit fetchable by its id", async () => {
  const { work, commit, nextPush, cloneUrl } = await scene();
  const first = await commit("a.txt", "1");
  const dropped = await commit("a.txt", "2");
  await git(work, "push", "--quiet", "origin", "HEAD:main");
  await git(work, "reset", "--quiet", "--hard", first);
  const head = await commit("a.txt", "3");
  await git(work, "push", "--quiet", "--force", "origin", "HEAD:main");
  const push = await nextPush();
  expect(push).toMatchObject({ before: dropped, after: head, forced: true, created: false });
  expect(push.commits.map((each: { id: string }) => each.id)).toEqual([head]);

  const elsewhere = temporaryDir();
  await git(elsewhere, "init", "--quiet");
  await git(elsewhere, "fetch", "--quiet", "--depth=1", cloneUrl, dropped);
  expect(await git(elsewhere, "rev-parse", "FETCH_HEAD")).toBe(dropped);
});

testGitOverHttp("a new branch at an old commit has a head commit, a base ref and no commits", async () => {
  const { work, commit, nextPush, github } = await scene();
  const sha = await commit("a.txt", "1");
  await git(work, "push", "--quiet", "origin", "HEAD:main");
  await github.settled();
  await git(work, "push", "--quiet", "origin", "HEAD:feature/nested");
  const push = await nextPush();
  expect(push).toMatchObject({
    ref: "refs/heads/feature/nested",
    created: true,
    base_ref: "refs/heads/main",
    commits: [],
  });
  expect(push.head_commit.id).toBe(sha);
  expect(push.compare).toBe(`${github.url}/demo/platform/compare/feature/nested`);
});

testGitOverHttp("commits another branch already had are listed as not distinct", async () => {
  const { work, commit, nextPush, github } = await scene();
  await commit("a.txt", "1");
  await git(work, "push", "--quiet", "origin", "HEAD:main", "HEAD:release");
  const shared = await commit("a.txt", "2");
  await git(work, "push", "--quiet", "origin", "HEAD:main");
  await github.settled();
  const own = await commit("a.txt", "3");
  await git(work, "push", "--quiet", "origin", "HEAD:release");
  const { commits } = await nextPush();
  const listed = commits.map((each: { id: string; distinct: boolean }) => [each.id, each.distinct]);
  expect(listed).toEqual([
    [shared, false],
    [own, true],
  ]);
});

testGitOverHttp("an annotated tag is announced by its tag object, the commit being the head commit", async () => {
  const { work, commit, nextPush } = await scene();
  const sha = await commit("a.txt", "1");
  await git(work, "push", "--quiet", "origin", "HEAD:main");
  await git(work, "tag", "-a", "-m", "one", "v1.0.0");
  const tag = await git(work, "rev-parse", "v1.0.0");
  await git(work, "push", "--quiet", "origin", "v1.0.0");
  const push = await nextPush();
  expect(tag).not.toBe(sha);
  expect(push).toMatchObject({ ref: "refs/tags/v1.0.0", after: tag, created: true, commits: [] });
  expect(push.head_commit.id).toBe(sha);
});

testGitOverHttp("deleting a branch and a tag announces zeros and no head commit", async () => {
  const { work, commit, github, hook } = await scene();
  const sha = await commit("a.txt", "1");
  await git(work, "tag", "light");
  await git(work, "push", "--quiet", "origin", "HEAD:main", "HEAD:old", "light");
  await github.settled();
  await git(work, "push", "--quiet", "--delete", "origin", "old", "light");
  await github.settled();
  const deletions = hook
    .pushes()
    .slice(-2)
    .map(({ payload }) => payload);
  expect(deletions.map(({ ref }) => ref).sort()).toEqual(["refs/heads/old", "refs/tags/light"]);
  for (const push of deletions) {
    expect(push).toMatchObject({
      before: sha,
      after: zeros,
      deleted: true,
      forced: false,
      head_commit: null,
      commits: [],
    });
  }
});

testGitOverHttp("more than three tags in one push send nothing, three send three", async () => {
  const { work, commit, github, hook } = await scene();
  await commit("a.txt", "1");
  await git(work, "push", "--quiet", "origin", "HEAD:main");
  for (const tag of ["t1", "t2", "t3", "t4"]) await git(work, "tag", tag);
  await git(work, "push", "--quiet", "origin", "t1", "t2", "t3", "t4");
  await github.settled();
  expect(hook.pushes()).toHaveLength(1);
  expect(github.ledger()).toContainEqual(expect.objectContaining({ kind: "webhook-withheld" }));
  for (const tag of ["u1", "u2", "u3"]) await git(work, "tag", tag);
  await git(work, "push", "--quiet", "origin", "u1", "u2", "u3");
  await github.settled();
  expect(hook.pushes()).toHaveLength(4);
});

testGitOverHttp("pushes at the same time are announced one by one and none is lost", async () => {
  const { work, commit, github, hook } = await scene();
  await commit("a.txt", "1");
  const branches = ["b1", "b2", "b3", "b4"];
  await Promise.all(branches.map((branch) => git(work, "push", "--quiet", "origin", `HEAD:${branch}`)));
  await github.settled();
  expect(
    hook
      .pushes()
      .map(({ payload }) => payload.ref)
      .sort(),
  ).toEqual(branches.map((each) => `refs/heads/${each}`));
});

testGitOverHttp("a private repository is cloned with a token only", async () => {
  const github = await gitHub({ personalTokens: { ghp_octo: "octo" } });
  const { cloneUrl } = await github.createRepository("demo/secret", { private: true });
  const dir = temporaryDir();
  await expect(git(dir, "ls-remote", cloneUrl)).rejects.toThrow(/Authentication|could not read Username/);
  await expect(git(dir, "ls-remote", cloneUrl.replace("//", "//x-access-token:ghp_wrong@"))).rejects.toThrow();
  expect(await git(dir, "ls-remote", cloneUrl.replace("//", "//x-access-token:ghp_octo@"))).toBe("");
});

testGitOverHttp("takes a push too large for one request body, which git sends in chunks", async () => {
  const github = await gitHub();
  const { cloneUrl, gitDir } = await github.createRepository("demo/large");
  const content = randomBytes(2 * 1024 * 1024);
  const sha = await pushFiles(cloneUrl, { branch: "main", files: { "big.bin": content }, message: "big" });
  expect(await git(gitDir, "cat-file", "-s", `${sha}:big.bin`)).toBe(String(content.length));
});

testGitOverHttp(
  "makes the same commit from the same files, date and author, and keeps what it was not told to change",
  async () => {
    const github = await gitHub();
    const { cloneUrl, gitDir } = await github.createRepository("demo/exact");
    const author = { name: "A", email: "a@example.com" };
    const base = { branch: "main", author, message: "one" };
    const first = await commitFiles(gitDir, {
      ...base,
      files: { "x/y/z.txt": "1", "x/a": "2", b: "3" },
      date: 1_700_000_000,
    });
    // What `git commit` makes of them.
    expect(first).toBe("6800223b7a668772b77a89d46bd2a562e9cf1c7f");
    await github.announce("demo/exact");
    const second = await pushFiles(cloneUrl, { ...base, files: { "x/a": null, "x/y/w": "4" }, date: 1_700_000_001 });
    expect((await git(gitDir, "ls-tree", "-r", "--name-only", second)).split("\n")).toEqual([
      "b",
      "x/y/w",
      "x/y/z.txt",
    ]);
    expect(await git(gitDir, "rev-parse", `${second}^`)).toBe(first);
  },
);
