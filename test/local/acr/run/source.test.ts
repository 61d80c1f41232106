import { existsSync, lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { ContainerClient } from "@azure/storage-blob";
import { describe, expect, onTestFinished, test } from "vitest";
import { runLimits } from "../../../../local/acr/run/limits.ts";
import { RunFolder } from "../../../../local/acr/run/run-folder.ts";
import { sourceFetcher } from "../../../../local/acr/run/source.ts";
import { parseSourceLocation } from "../../../../local/acr/run/source-location.ts";
import { Clock } from "../../../../local/clock.ts";
import { testGitOverHttp } from "../../../support/git-over-http.ts";
import { git, gitHub } from "../../github/github-fixture.ts";
import { tarOf } from "./tar-of.ts";
import { temporaryFolder } from "./task-run.ts";
import { underUmask } from "./under-umask.ts";

/** A run that fetches its source, and what is outside of it and must stay as it is. */
async function scene() {
  const root = temporaryFolder();
  writeFileSync(join(root, "outside"), "untouched");
  const runDir = join(root, "run");
  mkdirSync(runDir);
  const folder = await RunFolder.at(runDir);
  const sources = {} as ContainerClient;
  const fetcher = sourceFetcher({ sources, folder, clock: new Clock(1000), limits: runLimits });
  const { dir } = folder.workspace;
  return {
    dir,
    outside: () => readFileSync(join(root, "outside"), "utf8"),
    fetch: (location: string, into = dir, signal = new AbortController().signal) =>
      fetcher(parseSourceLocation(location), into, signal),
  };
}

const modeOf = (path: string) => (lstatSync(path).mode & 0o7777).toString(8);

describe("a Git context", () => {
  /** A repository of the local GitHub and a clone of it to work in. */
  async function repository(options = {}) {
    const github = await gitHub();
    const { cloneUrl } = await github.createRepository("acme/app", options);
    const work = join(temporaryFolder(), "work");
    const token = github.createAccount("octo").token;
    await git("/", "clone", "--quiet", cloneUrl, work);
    const commit = async (files: Readonly<Record<string, string>>) => {
      for (const [name, content] of Object.entries(files)) {
        mkdirSync(join(work, name, ".."), { recursive: true });
        writeFileSync(join(work, name), content);
      }
      await git(work, "add", "--all");
      await git(work, "commit", "--quiet", "--message", "change");
      return await git(work, "rev-parse", "HEAD");
    };
    const push = () => git(work, "push", "--quiet", "origin", "refs/heads/*:refs/heads/*", "refs/tags/*:refs/tags/*");
    return { github, cloneUrl, work, token, commit, push };
  }

  testGitOverHttp("is a branch, a tag or a commit, with what the checkout shows of it", async () => {
    const { cloneUrl, work, commit, push } = await repository();
    const first = await commit({ "app/version": "1" });
    await git(work, "branch", "--move", "main");
    await git(work, "tag", "--annotate", "--message", "two", "v1-annotated");
    const second = await commit({ "app/version": "2" });
    await git(work, "checkout", "--quiet", "-b", "dev/side");
    const third = await commit({ "app/version": "3" });
    await push();
    for (const [fragment, commitId, branch, version] of [
      ["", second, "HEAD", "2"],
      ["#dev/side:app", third, "dev/side", "3"],
      ["#v1-annotated", first, "HEAD", "1"],
      [`#${first}`, first, "HEAD", "1"],
    ] as const) {
      const { dir, fetch } = await scene();
      expect(await fetch(cloneUrl + fragment), fragment).toEqual({ commit: commitId, branch });
      expect(readFileSync(join(dir, "app/version"), "utf8")).toBe(version);
    }
    const { fetch } = await scene();
    for (const wrong of ["#none", "#main:app/version", "#main:../.."]) {
      await expect(fetch(cloneUrl + wrong)).rejects.toThrow(/error checking out none|error setting git context/);
    }
  });

  testGitOverHttp("has the modes of ACR's machine, whatever our umask", async () => {
    const { cloneUrl, work, commit, push } = await repository();
    writeFileSync(join(work, "run.sh"), "", { mode: 0o755 });
    await commit({ "app/file": "x" });
    await push();
    for (const umask of [0o002, 0o077]) {
      const dir = await underUmask(umask, async () => {
        const { dir, fetch } = await scene();
        await fetch(cloneUrl);
        return dir;
      });
      expect(["", "app", "app/file", "run.sh"].map((name) => modeOf(join(dir, name)))).toEqual([
        "755",
        "755",
        "644",
        "755",
      ]);
    }
  });

  testGitOverHttp("that is private opens with a token, which no message tells", async () => {
    const { github, work, commit, token } = await repository();
    await commit({ file: "x" });
    const { cloneUrl: hidden } = await github.createRepository("octo/hidden", { private: true });
    const withToken = hidden.replace("http://", `http://${token}@`);
    await git(work, "push", "--quiet", withToken.replace(token, `dummy:${token}`), "HEAD:main");
    const { fetch } = await scene();
    expect(await fetch(`${withToken}#main`)).toMatchObject({ branch: "main" });
    const refused = hidden.replace("http://", "http://wr0ng-t0ken@");
    for (const location of [hidden, refused]) {
      const error = await fetch(location).catch((thrown: Error) => thrown);
      expect(error).toMatchObject({ name: "SourceError", message: expect.stringMatching(/^error fetching/) });
      expect((error as Error).message).not.toContain("wr0ng");
    }
  });

  testGitOverHttp("brings its submodules, over http only, and runs nothing that the repository names", async () => {
    const { github, cloneUrl, work, commit, push } = await repository();
    await commit({ inner: "inner" });
    await git(work, "branch", "--move", "main");
    await push();
    const { cloneUrl: outer } = await github.createRepository("acme/outer");
    const canary = join(temporaryFolder(), "canary");
    const clone = join(temporaryFolder(), "outer");
    await git("/", "clone", "--quiet", outer, clone);
    const head = await git(work, "rev-parse", "HEAD");
    await git(clone, "update-index", "--add", "--cacheinfo", `160000,${head},sub`);
    for (const [branch, url] of [
      ["good", cloneUrl],
      ["ext", `ext::sh -c touch% ${canary}`],
      ["local", work],
      ["ssh", "ssh://127.0.0.1:1/o/r.git"],
      ["command", `${cloneUrl}\n\tupdate = !touch ${canary}`],
    ]) {
      writeFileSync(join(clone, ".gitmodules"), `[submodule "sub"]\n\tpath = sub\n\turl = ${url}\n`);
      await git(clone, "add", ".gitmodules");
      await git(clone, "commit", "--quiet", "--message", "x");
      await git(clone, "branch", branch!);
    }
    await git(clone, "push", "--quiet", "origin", "refs/heads/*:refs/heads/*");
    const good = await scene();
    await good.fetch(`${outer}#good`);
    expect(readFileSync(join(good.dir, "sub/inner"), "utf8")).toBe("inner");

    const bad = await scene();
    for (const [branch, why] of [
      ["ext", "transport 'ext' not allowed"],
      ["local", "transport 'file' not allowed"],
      ["ssh", "transport 'ssh' not allowed"],
      ["command", "invalid value for 'submodule.sub.update'"],
    ] as const) {
      const error = await bad.fetch(`${outer}#${branch}`).catch((thrown: Error) => thrown);
      expect((error as Error).message).toMatch(/^error initializing submodules/);
      expect((error as Error).message).toContain(why);
    }
    expect(existsSync(canary)).toBe(false);
  });

  testGitOverHttp("keeps links as links, and takes the place of whatever a step has left there", async () => {
    const { cloneUrl, work, commit, push } = await repository();
    symlinkSync("/etc/passwd", join(work, "link"));
    await commit({ file: "x" });
    await push();
    const { dir, fetch, outside } = await scene();
    mkdirSync(join(dir, "build/.git"), { recursive: true });
    writeFileSync(join(dir, "build/.git/config"), "[core]\n\tfsmonitor = touch pwned\n\tsshCommand = touch pwned\n");
    symlinkSync("../../outside", join(dir, "linked"));
    await fetch(cloneUrl, join(dir, "build"));
    await fetch(cloneUrl, join(dir, "linked"));
    expect(lstatSync(join(dir, "build/link")).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(dir, "build/.git/config"), "utf8")).not.toContain("pwned");
    expect(lstatSync(join(dir, "linked")).isDirectory()).toBe(true);
    expect(outside()).toBe("untouched");
  });

  test("ends when the run does, with everything git had started", async () => {
    const server = createServer(() => {});
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const asked = new Promise((resolve) => server.once("request", resolve));
    const gone = new Promise((resolve) => server.once("connection", (socket) => socket.once("close", resolve)));
    const stop = new AbortController();
    const { fetch, dir } = await scene();
    const fetching = fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/o/r.git`, dir, stop.signal);
    fetching.catch(() => {});
    await asked;
    stop.abort("canceled");
    await expect(fetching).rejects.toBe("canceled");
    await gone;
  });
});

describe("a remote archive", () => {
  /** Answers one after another, the last for ever. */
  async function serve(...answers: readonly (readonly [number, Buffer | string])[]) {
    let asked = 0;
    const server = createServer((_, response) => {
      const [status, body] = answers[Math.min(asked, answers.length - 1)]!;
      asked += 1;
      response.writeHead(status).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/x.tar.gz?sig=s3cret`;
    return { url, asked: () => asked };
  }

  test("is unpacked, gzipped or not", async () => {
    const tar = await tarOf({ name: "app/file", content: "x" });
    for (const archive of [tar, gzipSync(tar)]) {
      const { url } = await serve([200, archive]);
      const { dir, fetch } = await scene();
      expect(await fetch(url)).toBeUndefined();
      expect(readFileSync(join(dir, "app/file"), "utf8")).toBe("x");
    }
  });

  test("is asked for three times while the server fails, and once when the URL is wrong", async () => {
    const tar = gzipSync(await tarOf({ name: "file", content: "x" }));
    const failing = await serve([500, ""], [200, tar.subarray(0, 20)], [200, tar]);
    const { dir, fetch } = await scene();
    await fetch(failing.url);
    expect(readFileSync(join(dir, "file"), "utf8")).toBe("x");
    expect(failing.asked()).toBe(3);
    const wrong = await serve([403, "no"]);
    const error = await fetch(wrong.url).catch((thrown: Error) => thrown.message);
    expect(error).toMatch(/failed to GET .*x\.tar\.gz\?<REDACTED> with status 403/);
    expect(wrong.asked()).toBe(1);
  });

  test.each([
    ["a page", "<html></html>".repeat(200)],
    ["nothing", ""],
  ])("that is %s is none", async (_, body) => {
    const { url } = await serve([200, body]);
    const { fetch } = await scene();
    await expect(fetch(url)).rejects.toMatchObject({ name: "SourceError" });
  });
});
