import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { createGunzip } from "node:zlib";
import { extract } from "tar-stream";
import { afterAll, beforeAll, expect, it } from "vitest";
import { commitFiles } from "../../../local/github/commit-files.ts";
import type { GitHubOptions } from "../../../local/github/start-github.ts";
import { api, git, gitHub } from "./github-fixture.ts";

const work = mkdtempSync(join(tmpdir(), "slipway-work-"));
let sha = "";

/** Files, links, a submodule entry and both kinds of tag, made once; tests push from here and commit elsewhere. */
beforeAll(async () => {
  mkdirSync(join(work, "images/web"), { recursive: true });
  writeFileSync(join(work, "slipway.yaml"), "version: 1\n");
  writeFileSync(join(work, "images/web/Dockerfile"), "FROM scratch\n");
  symlinkSync("../../slipway.yaml", join(work, "images/web/link"));
  symlinkSync("/etc/passwd", join(work, "outside"));
  writeFileSync(join(work, ".gitmodules"), '[submodule "lib"]\n\tpath = lib\n\turl = https://example.com/lib.git\n');
  await git(work, "init", "--quiet");
  await git(work, "add", "--all");
  await git(work, "update-index", "--add", "--cacheinfo", `160000,${"1".repeat(40)},lib`);
  await git(work, "commit", "--quiet", "-m", "first");
  await git(work, "tag", "light");
  await git(work, "tag", "-a", "-m", "one\n\nmore", "v1");
  sha = await git(work, "rev-parse", "HEAD");
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

async function scene(options: Partial<GitHubOptions> = {}) {
  const github = await gitHub(options);
  const { gitDir, id } = await github.createRepository("demo/platform");
  await git(work, "push", "--quiet", gitDir, "HEAD:main", "HEAD:feature/a", "HEAD:feature/b", "light", "v1");
  await github.announce("demo/platform");
  const repo = (path: string, init?: RequestInit) => api(github, `/repos/demo/platform${path}`, init);
  return { github, gitDir, repo, id };
}

it("a repository is found by name in any case and by id, under both roots", async () => {
  const { github, repo, id } = await scene();
  const { body } = await repo("");
  expect(body).toMatchObject({ id, full_name: "demo/platform", default_branch: "main", visibility: "public" });
  expect(body.created_at).toMatch(/Z$/);
  expect((await api(github, "/repos/Demo/PLATFORM")).body.id).toBe(id);
  expect((await api(github, `/repositories/${id}`)).body.full_name).toBe("demo/platform");
  expect(await (await fetch(`${github.url}/repos/demo/platform`)).json()).toMatchObject({ id });
  expect(await api(github, "/repos/demo/none")).toMatchObject({
    status: 404,
    body: { message: "Not Found", status: "404", documentation_url: expect.any(String) },
  });
});

it("refs are read by full name, nested and percent-encoded, and an annotated tag through its object", async () => {
  const { repo } = await scene();
  expect((await repo("/git/ref/heads/feature/a")).body).toMatchObject({
    ref: "refs/heads/feature/a",
    object: { sha, type: "commit" },
  });
  expect((await repo("/git/ref/heads%2Ffeature%2Fa")).body.object.sha).toBe(sha);
  expect((await repo("/git/ref/heads/feature")).status).toBe(404);
  expect((await repo("/git/ref/tags/light")).body.object).toMatchObject({ sha, type: "commit" });
  const { object } = (await repo("/git/ref/tags/v1")).body;
  expect(object).toMatchObject({ type: "tag", sha: await git(work, "rev-parse", "v1") });
  expect((await repo(`/git/tags/${object.sha}`)).body).toMatchObject({
    tag: "v1",
    message: "one\n\nmore\n",
    tagger: { name: "Octo" },
    object: { sha, type: "commit" },
  });
  expect((await repo(`/git/tags/${sha}`)).status).toBe(404);
});

it("matching refs share a prefix; branches come in pages", async () => {
  const { repo } = await scene();
  const names = (body: { ref: string }[]) => body.map(({ ref }) => ref);
  expect(names((await repo("/git/matching-refs/heads/feat")).body)).toEqual([
    "refs/heads/feature/a",
    "refs/heads/feature/b",
  ]);
  expect((await repo("/git/matching-refs/heads/none")).body).toEqual([]);
  const first = await repo("/branches?per_page=2");
  expect(first.body.map(({ name }: { name: string }) => name)).toEqual(["feature/a", "feature/b"]);
  expect(first.headers.get("link")).toMatch(/branches\?per_page=2&page=2>; rel="next", <.*page=2>; rel="last"/);
  const second = await repo("/branches?per_page=2&page=2");
  expect(second.body).toMatchObject([{ name: "main", protected: false }]);
  expect(second.headers.get("link")).toMatch(/page=1>; rel="prev", <.*page=1>; rel="first"/);
});

it("a tree is read by commit or branch, recursive or not, and says when it is cut", async () => {
  const { repo } = await scene({ limits: { treeEntries: 8 } });
  const { body } = await repo(`/git/trees/${sha}?recursive=1`);
  const entries = Object.fromEntries(body.tree.map((each: { path: string }) => [each.path, each]));
  expect(Object.keys(entries)).toEqual([
    ".gitmodules",
    "images",
    "images/web",
    "images/web/Dockerfile",
    "images/web/link",
    "lib",
    "outside",
    "slipway.yaml",
  ]);
  expect(body.truncated).toBe(false);
  expect(entries["images/web"]).toMatchObject({ type: "tree", mode: "040000" });
  expect(entries["images/web/Dockerfile"]).toMatchObject({ type: "blob", mode: "100644", size: 13 });
  expect(entries["images/web/link"]).toMatchObject({ type: "blob", mode: "120000" });
  expect(entries.lib).toEqual({ path: "lib", mode: "160000", type: "commit", sha: "1".repeat(40) });
  expect((await repo("/git/trees/feature/a")).body.tree.map(({ path }: { path: string }) => path)).not.toContain(
    "images/web",
  );
  expect((await repo(`/git/trees/${"2".repeat(40)}`)).status).toBe(404);

  const small = await scene({ limits: { treeEntries: 3 } });
  const cut = (await small.repo("/git/trees/main?recursive=1")).body;
  expect(cut.truncated).toBe(true);
  expect(cut.tree).toHaveLength(3);
});

it("contents: files, raw, directories, links and submodules", async () => {
  const { repo } = await scene();
  const file = (await repo("/contents/images/web/Dockerfile?ref=feature/a")).body;
  expect(file).toMatchObject({
    type: "file",
    name: "Dockerfile",
    path: "images/web/Dockerfile",
    size: 13,
    encoding: "base64",
  });
  expect(Buffer.from(file.content, "base64").toString()).toBe("FROM scratch\n");
  const raw = await fetch(file.url, { headers: { accept: "application/vnd.github.raw+json" } });
  expect(await raw.text()).toBe("FROM scratch\n");
  expect(await (await fetch(file.download_url)).text()).toBe("FROM scratch\n");

  const listing = (await repo(`/contents?ref=${sha}`)).body as { name: string; type: string }[];
  expect(Object.fromEntries(listing.map(({ name, type }) => [name, type]))).toEqual({
    ".gitmodules": "file",
    images: "dir",
    lib: "file",
    outside: "symlink",
    "slipway.yaml": "file",
  });
  expect((await repo("/contents/images/web/link")).body).toMatchObject({
    type: "file",
    path: "images/web/link",
    size: 11,
  });
  expect((await repo("/contents/outside")).body).toMatchObject({ type: "symlink", target: "/etc/passwd" });
  expect((await repo("/contents/lib")).body).toMatchObject({
    type: "submodule",
    sha: "1".repeat(40),
    submodule_git_url: "https://example.com/lib.git",
  });
  const object = await repo("/contents/images", { headers: { accept: "application/vnd.github.object+json" } });
  expect(object.body).toMatchObject({ type: "dir", entries: [{ path: "images/web", type: "dir" }] });
  for (const path of ["nothing", "images/nothing", "slipway.yaml/x", "..%2Fplatform", "a%0Ab"]) {
    expect((await repo(`/contents/${path}`)).status).toBe(404);
  }
  expect((await repo("/contents/slipway.yaml?ref=none")).body.message).toBe("No commit found for the ref none");
});

it("a file over the inline limit comes without content, and raw in full", async () => {
  const { github, gitDir, repo } = await scene({ limits: { inlineFileBytes: 10, rawFileBytes: 20 } });
  await commitFiles(gitDir, { branch: "main", files: { mid: "x".repeat(15), big: "x".repeat(21) }, message: "sizes" });
  await github.announce("demo/platform");
  expect((await repo("/contents/mid")).body).toMatchObject({ size: 15, content: "", encoding: "none" });
  const accept = { headers: { accept: "application/vnd.github.raw+json" } };
  const raw = await fetch(`${github.apiUrl}/repos/demo/platform/contents/mid`, accept);
  expect(await raw.text()).toBe("x".repeat(15));
  expect(await repo("/contents/big", accept)).toMatchObject({ status: 403, body: { errors: [{ code: "too_large" }] } });
});

it("a commit is named by sha, prefix, branch or tag and lists its files", async () => {
  const { repo } = await scene();
  for (const name of [sha, sha.slice(0, 7), "main", "heads/feature/a", "feature%2Fa", "v1", "tags/light"]) {
    expect((await repo(`/commits/${name}`)).body.sha).toBe(sha);
  }
  const { body } = await repo(`/commits/${sha}`);
  expect(body).toMatchObject({ parents: [], commit: { message: "first", author: { name: "Octo" } } });
  expect(body.files).toContainEqual(
    expect.objectContaining({ filename: "slipway.yaml", status: "added", additions: 1 }),
  );
  expect(await repo("/commits/none")).toMatchObject({
    status: 422,
    body: { message: "No commit found for SHA: none" },
  });
  const bare = await fetch(body.url, { headers: { accept: "application/vnd.github.sha" } });
  expect(await bare.text()).toBe(sha);
});

it("a comparison is three-dot, names renames and stops at 300 files", async () => {
  const { github, gitDir, repo } = await scene({ limits: { comparedFiles: 2 } });
  const move = { "slipway.yaml": null, "moved.yaml": "version: 1\n" };
  await commitFiles(gitDir, { branch: "feature/a", files: move, message: "move" });
  await commitFiles(gitDir, { branch: "main", files: { only: "main" }, message: "main goes on" });
  await github.announce("demo/platform");
  const { body } = await repo("/compare/main...feature%2Fa");
  expect(body).toMatchObject({ status: "diverged", ahead_by: 1, behind_by: 1, total_commits: 1 });
  expect(body.merge_base_commit.sha).toBe(sha);
  expect(body.files).toMatchObject([{ filename: "moved.yaml", status: "renamed", previous_filename: "slipway.yaml" }]);
  expect(body.commits).toMatchObject([{ commit: { message: "move" } }]);
  expect((await repo(`/compare/${sha}...main`)).body).toMatchObject({ status: "ahead", files: [{ filename: "only" }] });
  expect((await repo(`/compare/main...${sha}`)).body).toMatchObject({ status: "behind", files: [], commits: [] });
  expect((await repo("/compare/main...main")).body.status).toBe("identical");
  expect((await repo("/compare/main...none")).status).toBe(404);

  await commitFiles(gitDir, { branch: "many", files: { a: "1", b: "2", c: "3" }, message: "no relation" });
  await github.announce("demo/platform");
  expect(await repo("/compare/main...many")).toMatchObject({
    status: 404,
    body: { message: expect.stringMatching(/No common ancestor/) },
  });
  await commitFiles(gitDir, { branch: "main", files: { a: "1", b: "2", c: "3" }, message: "many files" });
  await github.announce("demo/platform");
  expect((await repo(`/compare/${sha}...main`)).body.files).toHaveLength(2);
});

async function filesOf(response: Response): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  const tar = Readable.fromWeb(response.body as never)
    .pipe(createGunzip())
    .pipe(extract());
  for await (const entry of tar) {
    files[entry.header.name] = entry.header.type === "symlink" ? `-> ${entry.header.linkname}` : await text(entry);
  }
  return files;
}

it("the tarball redirects to a link that streams one top folder", async () => {
  const { github } = await scene();
  const response = await fetch(`${github.apiUrl}/repos/demo/platform/tarball/feature/a`, { redirect: "manual" });
  expect(response.status).toBe(302);
  const archive = await fetch(response.headers.get("location")!);
  expect(archive.headers.get("content-type")).toBe("application/x-gzip");
  const top = `demo-platform-${sha.slice(0, 7)}`;
  const files = await filesOf(archive);
  expect(Object.keys(files).every((name) => name === "pax_global_header" || name.startsWith(`${top}/`))).toBe(true);
  expect(files).toMatchObject({
    [`${top}/images/web/Dockerfile`]: "FROM scratch\n",
    [`${top}/images/web/link`]: "-> ../../slipway.yaml",
    [`${top}/lib/`]: "",
  });
});

it("a private tarball's link needs no credentials and dies after five minutes", async () => {
  let now = Date.parse("2026-11-23T12:00:00Z");
  const github = await gitHub({ clock: () => now, personalTokens: { ghp_octo: "octo" } });
  const { gitDir } = await github.createRepository("demo/secret", { private: true });
  await commitFiles(gitDir, { branch: "main", files: { a: "1" }, message: "one" });
  await github.announce("demo/secret");
  const path = `${github.apiUrl}/repos/demo/secret/tarball`;
  expect((await fetch(path, { redirect: "manual" })).status).toBe(404);
  const redirect = await fetch(path, { redirect: "manual", headers: { authorization: "Bearer ghp_octo" } });
  const link = redirect.headers.get("location")!;
  expect(Object.values(await filesOf(await fetch(link)))).toContain("1");
  expect((await fetch(link.replace(/token=.*/, "token=x"))).status).toBe(404);
  now += 5 * 60 * 1000 + 1;
  expect((await fetch(link)).status).toBe(404);
});

it("answers 304 to a matching ETag, names its API version and counts requests", async () => {
  const { repo } = await scene();
  const first = await repo("/git/ref/heads/main");
  const etag = first.headers.get("etag")!;
  const second = await repo("/git/ref/heads/main", { headers: { "if-none-match": etag } });
  expect(second).toMatchObject({ status: 304, body: undefined });
  expect(second.headers.get("etag")).toBe(etag);
  expect(second.headers.get("x-ratelimit-remaining")).toBe(first.headers.get("x-ratelimit-remaining"));
  const third = await repo("/git/ref/heads/main", { headers: { "x-github-api-version": "2022-11-28" } });
  expect(third.headers.get("x-github-api-version-selected")).toBe("2022-11-28");
  expect(Number(third.headers.get("x-ratelimit-remaining"))).toBe(
    Number(first.headers.get("x-ratelimit-remaining")) - 1,
  );
  expect((await repo("", { headers: { "x-github-api-version": "1999-01-01" } })).status).toBe(400);
});

it("misbehaves on request: server errors, a rate limit, and refs that lag behind", async () => {
  let now = Date.parse("2026-11-23T12:00:00Z");
  const { github, repo, gitDir } = await scene({ clock: () => now });
  github.faults.api = [
    { status: 502, times: 1, path: "/git/ref/" },
    { status: 403, times: 1, retryAfter: 7 },
  ];
  expect((await repo("")).headers.get("retry-after")).toBe("7");
  expect((await repo("/git/ref/heads/main")).status).toBe(502);
  expect((await repo("/git/ref/heads/main")).status).toBe(200);

  github.faults.refLagMs = 1000;
  const next = await commitFiles(gitDir, { branch: "main", files: { a: "1" }, message: "two" });
  await github.announce("demo/platform");
  expect((await repo("/git/ref/heads/main")).body.object.sha).toBe(sha);
  expect((await repo("/commits/main")).body.sha).toBe(sha);
  expect((await repo(`/commits/${next}`)).body.sha).toBe(next);
  now += 1000;
  expect((await repo("/git/ref/heads/main")).body.object.sha).toBe(next);
});

it("an empty repository answers 409 for refs and takes the first branch pushed as its default", async () => {
  const github = await gitHub();
  const { gitDir } = await github.createRepository("demo/new");
  expect((await api(github, "/repos/demo/new/git/ref/heads/main")).status).toBe(409);
  expect((await api(github, "/repos/demo/new/contents/a")).body.message).toBe("This repository is empty.");
  expect((await api(github, "/repos/demo/new/branches")).body).toEqual([]);
  await commitFiles(gitDir, { branch: "trunk", files: { a: "1" }, message: "one" });
  await github.announce("demo/new");
  expect((await api(github, "/repos/demo/new")).body.default_branch).toBe("trunk");
  expect(await git(gitDir, "symbolic-ref", "HEAD")).toBe("refs/heads/trunk");
});
