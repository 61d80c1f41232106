import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { testGitOverHttp } from "../../support/git-over-http.ts";
import { git, temporaryDir } from "./github-fixture.ts";
import { installationToken, pullScene, writes } from "./pull-scene.ts";

const v2 = ["-c", "protocol.version=2"] as const;

/** A clone with one commit more than the server. */
async function clone(url: string, options: string[] = []) {
  const work = join(temporaryDir(), "work");
  await git("/", ...v2, "clone", "--quiet", ...options, url, work);
  const commit = async (content: string) => {
    writeFileSync(join(work, "a"), content);
    await git(work, "commit", "--quiet", "-am", content);
    return git(work, "rev-parse", "HEAD");
  };
  return { work, commit };
}

testGitOverHttp("ls-remote shows HEAD's branch, heads, and pull requests, in protocol 2", async () => {
  const { github, open, base, head } = await pullScene();
  await open();
  const url = `${github.url}/octo/hello.git`;
  const shown = (await git("/", ...v2, "ls-remote", "--symref", url)).split("\n");
  expect(shown).toEqual(
    expect.arrayContaining([
      "ref: refs/heads/main\tHEAD",
      `${base}\trefs/heads/main`,
      `${head}\trefs/heads/feature`,
      `${head}\trefs/pull/1/head`,
    ]),
  );
  expect(shown.some((line) => line.endsWith("refs/pull/1/merge"))).toBe(true);
});

testGitOverHttp("shallow, partial and by id: a commit no ref names any more is still to be had", async () => {
  const { github, head, base, gitDir } = await pullScene();
  const url = `${github.url}/octo/hello.git`;
  const { work } = await clone(url, ["--depth=1", "--filter=blob:none", "--branch=feature"]);
  expect(await git(work, "rev-list", "--count", "HEAD")).toBe("1");
  await git(work, ...v2, "fetch", "--quiet", "--unshallow");
  expect(await git(work, "rev-list", "--count", "HEAD")).toBe("2");
  await git(gitDir, "update-ref", "-d", "refs/heads/feature");
  const elsewhere = temporaryDir();
  await git(elsewhere, "init", "--quiet");
  await git(elsewhere, ...v2, "fetch", "--quiet", "--depth=1", url, head);
  expect(await git(elsewhere, "rev-parse", "FETCH_HEAD")).toBe(head);
  await expect(git(elsewhere, ...v2, "fetch", "--quiet", url, "a".repeat(40))).rejects.toThrow(/not our ref/);
  expect(base).not.toBe(head);
});

testGitOverHttp("an atomic push with one refused ref moves none, and nobody is told", async () => {
  const { github, told, commitTo } = await pullScene();
  const url = `${github.url}/octo/hello.git`;
  const { work, commit } = await clone(url);
  await commitTo("main", { a: "theirs" });
  await github.settled();
  const before = (await told("push")).length;
  await commit("ours");
  const push = git(work, "push", "--atomic", "origin", "HEAD:main", "HEAD:fresh");
  await expect(push).rejects.toThrow(/rejected|atomic/);
  expect(await git("/", "ls-remote", url, "fresh")).toBe("");
  expect(await told("push")).toHaveLength(before);
});

testGitOverHttp("a lease that is stale refuses the force, a true one grants it", async () => {
  const { github, told, commitTo, base } = await pullScene();
  const { work, commit } = await clone(`${github.url}/octo/hello.git`);
  const theirs = await commitTo("main", { a: "theirs" });
  const ours = await commit("ours");
  const stale = git(work, "push", `--force-with-lease=main:${base}`, "origin", "HEAD:main");
  await expect(stale).rejects.toThrow(/stale info/);
  await git(work, "push", "--quiet", `--force-with-lease=main:${theirs}`, "origin", "HEAD:main");
  expect((await told("push")).at(-1)).toMatchObject({ before: theirs, after: ours, forced: true });
});

testGitOverHttp("where pushes need a token: none asks for one, a reader is denied, a writer is named", async () => {
  const { github, told, octo, mallory, asOcto } = await pullScene({
    pushNeedsToken: true,
    app: { id: 4242, permissions: writes },
  });
  const url = (token?: string) =>
    `${github.url.replace("//", token ? `//x-access-token:${token}@` : "//")}/octo/hello.git`;
  const { work, commit } = await clone(url());
  await commit("one");
  await expect(git(work, "push", url(), "HEAD:main")).rejects.toThrow(/could not read Username|Authentication/);
  const denied = git(work, "push", url(mallory.token), "HEAD:main");
  await expect(denied).rejects.toThrow(/Permission to octo\/hello\.git denied to mallory|403/);
  await asOcto("PUT", "/repos/octo/hello/collaborators/mallory", { permission: "push" });
  await git(work, "push", "--quiet", url(mallory.token), "HEAD:main");
  expect((await told("push")).at(-1)).toMatchObject({ pusher: { name: "mallory" }, sender: { login: "mallory" } });
  await commit("two");
  await git(work, "push", "--quiet", url(octo.token), "HEAD:main");
  expect((await told("push")).at(-1).sender.login).toBe("octo");

  const reader = await installationToken(github, { permissions: { contents: "read" } });
  await commit("three");
  await expect(git(work, "push", url(reader), "HEAD:main")).rejects.toThrow(/denied to slipway-local\[bot\]|403/);
  await git(work, "push", "--quiet", url(await installationToken(github)), "HEAD:main");
  expect((await told("push")).at(-1).sender).toMatchObject({ login: "slipway-local[bot]", type: "Bot" });
});
