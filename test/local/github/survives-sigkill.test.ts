import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { pushFiles } from "../../../local/github/push-files.ts";
import { testGitOverHttp } from "../../support/git-over-http.ts";
import { api, atEnd, gitHub, receiver, temporaryDir } from "./github-fixture.ts";

const tsx = fileURLToPath(import.meta.resolve("tsx"));
const program = fileURLToPath(new URL("twin-process.ts", import.meta.url));

async function twinProcess(dir: string, hookUrl: string) {
  const child = spawn(process.execPath, ["--import", tsx, program, dir, hookUrl], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  atEnd(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return { child, ended, ...(JSON.parse(line.toString()) as { cloneUrl: string; gitDir: string; apiUrl: string }) };
}

testGitOverHttp(
  "a push whose twin was killed between Git's ref update and the webhook is announced at the next start",
  async () => {
    const hook = await receiver();
    const dir = temporaryDir();
    const { child, ended, cloneUrl, gitDir } = await twinProcess(dir, hook.url);
    const first = await pushFiles(cloneUrl, { branch: "main", files: { a: "1" }, message: "one" });

    // Git runs this hook after it has moved the refs and before its CGI program ends, so before the twin looks.
    mkdirSync(join(gitDir, "hooks"), { recursive: true });
    const killer = join(gitDir, "hooks", "post-receive");
    writeFileSync(killer, `#!/bin/sh\nkill -9 ${child.pid}\n`);
    chmodSync(killer, 0o755);
    await expect(pushFiles(cloneUrl, { branch: "main", files: { a: "2" }, message: "two" })).rejects.toThrow(/push/);
    await ended;
    rmSync(killer);
    expect(hook.pushes()).toHaveLength(1);

    const github = await gitHub({ dir });
    await github.settled();
    expect(hook.pushes()).toHaveLength(2);
    const { payload } = hook.pushes()[1]!;
    expect(payload).toMatchObject({ ref: "refs/heads/main", before: first, created: false, forced: false });
    expect(payload.head_commit).toMatchObject({ message: "two", modified: ["a"] });
    expect((await api(github, "/repos/demo/platform/git/ref/heads/main")).body.object.sha).toBe(payload.after);
  },
);

testGitOverHttp("a delivery that was under way when the twin was killed is sent again with its GUID", async () => {
  const hook = await receiver();
  const dir = temporaryDir();
  const { child, ended, cloneUrl } = await twinProcess(dir, hook.url);
  hook.answer.status = null;
  await pushFiles(cloneUrl, { branch: "main", files: { a: "1" }, message: "one" });
  await expect.poll(() => hook.pushes().length).toBe(1);
  child.kill("SIGKILL");
  await ended;

  hook.answer.status = 202;
  const github = await gitHub({ dir });
  await github.settled();
  const [first, second, ...more] = hook.pushes();
  expect(more).toEqual([]);
  expect(second!.headers["x-github-delivery"]).toBe(first!.headers["x-github-delivery"]);
  expect(second!.body).toBe(first!.body);
});

testGitOverHttp("a delivery written down but never counted comes again under the same GUID, once", async () => {
  const hook = await receiver();
  const dir = temporaryDir();
  const before = await gitHub({ dir, webhook: { url: hook.url, secret: "s3cret" } });
  const { cloneUrl } = await before.createRepository("demo/platform");
  await before.settled();
  const uncounted = readFileSync(join(dir, "github.json"));
  await pushFiles(cloneUrl, { branch: "main", files: { a: "1" }, message: "one" });
  await before.settled();
  await before.close();
  // As if the process had died after writing the delivery and before saving the state.
  writeFileSync(join(dir, "github.json"), uncounted);
  const files = readdirSync(join(dir, "deliveries"));

  const after = await gitHub({ dir });
  await after.settled();
  const [first, second, ...more] = hook.pushes();
  expect(more).toEqual([]);
  expect(second!.headers["x-github-delivery"]).toBe(first!.headers["x-github-delivery"]);
  expect(readdirSync(join(dir, "deliveries"))).toEqual(files);
});

testGitOverHttp("keeps statuses, tokens, links, ids, the key and the ledger", async () => {
  const dir = temporaryDir();
  const options = { dir, personalTokens: { ghp_octo: "octo" } };
  const before = await gitHub(options);
  const { cloneUrl, id } = await before.createRepository("demo/platform");
  const sha = await pushFiles(cloneUrl, { branch: "main", files: { a: "1" }, message: "one" });
  const headers = { authorization: "token ghp_octo" };
  const body = JSON.stringify({ state: "success", context: "slipway/a" });
  await api(before, `/repos/demo/platform/statuses/${sha}`, { method: "POST", headers, body });
  const ledger = before.ledger().map(({ kind }) => kind);
  await before.close();
  // A line torn by the kill.
  writeFileSync(join(dir, "statuses.jsonl"), `${readFileSync(join(dir, "statuses.jsonl"), "utf8")}{"id":`);

  const after = await gitHub(options);
  expect(after.app.privateKeyPem).toBe(before.app.privateKeyPem);
  expect((await after.createRepository("demo/platform")).id).toBe(id);
  expect(after.statuses("demo/platform", sha)).toMatchObject([{ context: "slipway/a", state: "success" }]);
  expect(after.ledger().map(({ kind }) => kind)).toEqual(ledger);
  expect(ledger).toEqual(["repository-created", "pushed", "webhook-withheld", "status-posted", "request"]);
  await api(after, `/repos/demo/platform/statuses/${sha}`, { method: "POST", headers, body });
  await after.close();
  expect((await gitHub(options)).statuses("demo/platform", sha)).toHaveLength(2);
});
