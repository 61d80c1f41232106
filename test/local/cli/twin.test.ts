/** `npm run twin` as people type it: one twin for all stories, told what to do by its own commands. */
import { type ChildProcess, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Writable } from "node:stream";
import { createAppAuth } from "@octokit/auth-app";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Misbehaving } from "../../../local/admin/fault-table.ts";
import { startAdmin } from "../../../local/admin/start-admin.ts";
import { runCommand } from "../../../local/cli/commands.ts";
import { readCommandLine } from "../../../local/cli/options.ts";
import type { CloudEndpoints } from "../../../local/cloud.ts";
import { pushFiles } from "../../../local/github/push-files.ts";
import { startRegistry } from "../../../local/registry/registry.ts";
import { startReceiver } from "../event-grid/receiver.ts";

const root = resolve(import.meta.dirname, "../../..");
const cwd = mkdtempSync(join(tmpdir(), "slipway-cli-"));
let twin: ReturnType<typeof start>;
let endpoints: CloudEndpoints;

beforeAll(async () => {
  twin = start();
  await twin.says(/Ctrl-C/);
  endpoints = JSON.parse(readFileSync(join(cwd, "twin/endpoints.json"), "utf8")) as CloudEndpoints;
});
afterEach(() => type("fault", "clear"));
afterAll(async () => {
  twin.child.kill("SIGINT");
  expect(await twin.ended).toBe(0);
  rmSync(cwd, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
});

function start(folder = "twin") {
  const args = ["--import", "tsx", join(root, "local/cli.ts"), "--dir", join(cwd, folder), "--engine", "built-in"];
  const child: ChildProcess = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  const ended = once(child, "close").then(([code]) => code as number | null);
  const says = (what: RegExp) =>
    new Promise<void>((resolve, reject) => {
      const look = (part: string) => {
        text += part;
        if (what.test(text)) resolve();
      };
      child.stdout!.setEncoding("utf8").on("data", look);
      child.stderr!.setEncoding("utf8").on("data", look);
      void ended.then(() => reject(new Error(`it ended: ${text}`)));
    });
  return { child, ended, says, text: () => text };
}

/** What a command prints. */
async function type(...words: string[]): Promise<string> {
  let text = "";
  const out = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  await runCommand(readCommandLine(["--dir", "twin", ...words], { cwd, root }), { out, cwd });
  return text;
}

const lines = (text: string) => text.split("\n").filter((line) => line !== "");
const faults = async () => lines(await type("fault", "list")).map((line) => JSON.parse(line) as object);
const status = async (path: string, method = "GET") =>
  (await fetch(`http://${endpoints.registry}${path}`, { method })).status;

const makeRepository = (name: string, token = endpoints.adminToken) =>
  fetch(`${endpoints.github}/_twin/repositories`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify({ full_name: name }),
  });

test("a second one in the same folder is refused with the pid of the first", async () => {
  const second = start();
  await second.says(new RegExp(`Already running in .*: process id ${twin.child.pid}`));
  expect(await second.ended).toBe(1);
});

test("one that is interrupted while it starts ends in order, and explains nothing any more", async () => {
  const other = start("interrupted");
  await other.says(/starting: identity/);
  other.child.kill("SIGINT");
  expect(await other.ended).toBe(0);
  expect(other.text()).toMatch(/\nStopped \(SIGINT\)\.\n$/);
  expect(other.text()).not.toContain("Ctrl-C");
  await expect(type("env", "--dir", "interrupted")).rejects.toThrow(/interrupted does not run: npm run twin/);
});

test("its files are listed, printed and saved: a new version of a base image, without Docker", async () => {
  expect(await type("push", "local/shell:2", "--text", "two")).toMatch(/^local\/shell:2@sha256:[0-9a-f]{64}\n$/);
  expect(await type("cat", "local/shell:2", "/etc/image-version")).toBe("two\n");
  expect(await type("ls", "local/shell:2", "etc")).toMatch(/^-rw-r--r-- 0:0 +4 etc\/image-version$/m);
  expect(await type("ls", "local/shell:2", "usr/bin")).toMatch(/usr\/bin -> \.\.\/bin\n$/);
  await type("pull", "local/shell:2", "files");
  expect(readFileSync(join(cwd, "files/etc/image-version"), "utf8")).toBe("two\n");
  expect(readdirSync(join(cwd, "files/bin"))).toContain("sh");
  await type("pull", "local/shell:2", "files.tar");
  expect(readFileSync(join(cwd, "files.tar"))).toHaveProperty(
    "length",
    expect.toSatisfy((size) => size > 100_000),
  );
  await expect(type("pull", "local/shell:2", "files")).rejects.toThrow("is not empty");
});

test("the same tag pushed again is another digest, and the layer on top is replaced, not added to", async () => {
  mkdirSync(join(cwd, "made/opt"), { recursive: true });
  writeFileSync(join(cwd, "made/opt/tool"), "tool");
  const first = await type("push", "team/base:1", "--text", "one");
  const second = await type("push", "team/base:1", "--from", "made");
  expect(second).not.toBe(first);
  expect(await type("cat", "team/base:1", "opt/tool")).toBe("tool");
  await expect(type("cat", "team/base:1", "etc/image-version")).rejects.toThrow("there is no file");
  expect(await type("ls", "team/base:1", "bin")).toContain("bin/sh");
});

test("a folder that is not there is named, nothing is pushed for it, and local/shell:1 stays as somebody pushed it", async () => {
  await type("push", "local/shell:1", "--text", "mine");
  writeFileSync(join(cwd, "note"), "");
  const before = await type("ledger");
  await expect(type("push", "platform/x:1", "--from", "/nonexistent")).rejects.toThrow(
    /^--from \/nonexistent: no such folder$/,
  );
  await expect(type("push", "platform/x:1", "--from", "note")).rejects.toThrow(`--from ${cwd}/note: not a folder`);
  expect(await type("ledger")).toBe(before);
  await type("push", "platform/x:1", "--text", "x");
  expect(await type("cat", "platform/x:1", "etc/image-version")).toBe("x\n");
  expect(await type("cat", "local/shell:1", "etc/image-version")).toBe("mine\n");
});

test.each([
  [["throttle", "--retry-after", "3"], 429, "3"],
  [["throttle"], 429, null],
  [["error", "--status", "503"], 503, null],
])("the registry answers as told, once: %j", async (fault, expected, retryAfter) => {
  await type("fault", "add", "registry", ...fault, "--on", "/v2/");
  const answer = await fetch(`http://${endpoints.registry}/v2/`);
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([expected, retryAfter]);
  expect(await status("/v2/")).toBe(200);
  expect(await faults()).toEqual([]);
});

test("an error after the effect, and a reset after it: it was done all the same", async () => {
  await type("fault", "add", "registry", "error-after", "--method", "POST");
  expect(await status("/v2/a/blobs/uploads/", "POST")).toBe(500);
  await type("push", "gone:1");
  await type("fault", "add", "registry", "reset-after", "--method", "DELETE");
  await expect(status("/v2/gone/manifests/1", "DELETE")).rejects.toThrow("fetch failed");
  expect(await status("/v2/gone/manifests/1")).toBe(404);
});

test("every part takes its faults, the list says what is still to come, and clear takes one part's away", async () => {
  await type("fault", "add", "acr", "stuck", "--run", "cf1");
  await type("fault", "add", "acr", "end-timeout");
  await type("fault", "add", "acr", "error", "--on", "scheduleRun", "--times", "2");
  await type("fault", "add", "github", "throttle", "--retry-after", "60");
  await type("fault", "add", "github", "duplicate");
  await type("fault", "add", "webhooks", "reorder");
  await type("fault", "add", "event-grid", "lose", "--times", "3");
  const all = [
    { part: "acr", fault: "stuck", run: "cf1" },
    { part: "acr", fault: "end-timeout", times: 1 },
    { part: "acr", fault: "error", on: "scheduleRun", times: 2 },
    { part: "github", fault: "throttle", retryAfter: 60, times: 1 },
    { part: "github", fault: "duplicate", times: 1 },
    { part: "webhooks", fault: "reorder", times: 2 },
    { part: "event-grid", fault: "lose", times: 3 },
  ].map((fault) => ({ id: expect.any(Number), ...fault }));
  expect(await faults()).toEqual(all);
  expect((await fetch(`${endpoints.githubApi}/rate_limit`)).status).toBe(429);
  await type("fault", "clear", "acr");
  expect(await faults()).toEqual(all.slice(4));
  await type("fault", "clear");
  expect(await faults()).toEqual([]);
});

test("one fault is taken away by its id, and the others stay", async () => {
  for (const fault of ["throttle", "error", "lose"]) await type("fault", "add", "github", fault);
  const [throttle, error, lose] = (await faults()) as { id: number }[];
  await type("fault", "clear", String(error!.id));
  expect(await faults()).toEqual([throttle, lose]);
  await type("fault", "clear", String(lose!.id));
  expect(await faults()).toEqual([throttle]);
  await expect(type("fault", "clear", String(error!.id))).rejects.toThrow(`no fault has the id ${error!.id}`);
  expect(await faults()).toEqual([throttle]);
});

test.each([
  [["add", "github", "stuck"], "github has no fault stuck; it is for acr"],
  [
    ["add", "acr", "gremlins"],
    "acr has no fault gremlins; it has latency, throttle, error, error-after, reset, reset-after, forbidden, " +
      "tasks-not-allowed, stuck, end-error, end-timeout, end-failed",
  ],
  [["add", "moon", "lose"], "moon is none of acr, registry, github, webhooks, event-grid, clock"],
  [["add", "acr", "error", "--on", "doEverything"], "acr has no operation doEverything"],
  [["add", "acr", "error", "--status", "200"], "200 is no 5xx status"],
  [["add", "github", "error", "--status", "599"], "not a value for api"],
  [["add", "acr", "error", "--times", "0"], "times is a whole number from 1"],
  [["add", "acr", "latency", "--seconds", "soon"], "--seconds soon: not a number"],
])("what cannot go wrong so is refused, and nothing is arranged: %j", async (words, message) => {
  await expect(type("fault", ...words)).rejects.toThrow(message);
  expect(await faults()).toEqual([]);
});

test("one ledger of all parts in the order of time", async () => {
  await type("push", "ledger:1", "--text", "x");
  await makeRepository("demo/ledger");
  const all = lines(await type("ledger")).map((line) => JSON.parse(line) as { at: string; source: string });
  expect(all).toContainEqual(expect.objectContaining({ source: "registry", repository: "ledger", action: "push" }));
  expect(all).toContainEqual(expect.objectContaining({ source: "github", kind: "repository-created" }));
  expect(all.map(({ at }) => at)).toEqual(all.map(({ at }) => at).sort());
});

test("the registry is made again: empty, and a base can be pushed into it", async () => {
  await type("push", "before:1");
  const made = JSON.parse(await type("recreate", "registry")) as { creationDate: string };
  expect(Date.parse(made.creationDate)).toBeGreaterThan(0);
  await expect(type("ls", "before:1")).rejects.toThrow(`no image before:1 in ${endpoints.registry}`);
  await type("push", "local/shell:1");
  expect(await type("ls", "local/shell:1", "bin")).toContain("bin/sh");
});

test("other programs are told where things are", async () => {
  const env = await type("env");
  expect(env).toContain(`export TWIN_REGISTRY='${endpoints.registry}'`);
  const { IDENTITY_ENDPOINT, IDENTITY_HEADER } = Object.fromEntries(
    lines(env).map((line) => /^export (\w+)='(.*)'$/.exec(line)!.slice(1)),
  );
  const asked = `${IDENTITY_ENDPOINT}?api-version=2019-08-01&resource=https://management.azure.com/`;
  expect((await fetch(asked, { headers: { "X-IDENTITY-HEADER": IDENTITY_HEADER! } })).status).toBe(200);
});

test.each([
  [{}, 401],
  [{ authorization: "Bearer wrong" }, 401],
  [{ origin: "http://127.0.0.1" }, 403],
])("the admin endpoint is for holders of the token, and never for web pages: %j", async (headers, expected) => {
  const token = { authorization: `Bearer ${endpoints.adminToken}` };
  const sent = "origin" in headers ? { ...token, ...headers } : (headers as Record<string, string>);
  expect((await fetch(`${endpoints.admin}/faults`, { headers: sent })).status).toBe(expected);
  expect((await fetch(`${endpoints.admin}/faults`, { headers: token })).status).toBe(200);
});

test("another project's App: by the variables alone it sets its webhook, and a push reaches it", async () => {
  const hook = await startReceiver();
  const told = Object.fromEntries(lines(await type("env")).map((line) => /^export (\w+)='(.*)'$/.exec(line)!.slice(1)));
  const auth = createAppAuth({
    appId: told.TWIN_GITHUB_APP_ID!,
    privateKey: readFileSync(told.TWIN_GITHUB_APP_KEY!, "utf8"),
  });
  // By fetch: Octokit's `request` takes a parameter called url for its own.
  const configured = await fetch(`${told.TWIN_GITHUB_API}/app/hook/config`, {
    method: "PATCH",
    headers: { authorization: `Bearer ${(await auth({ type: "app" })).token}` },
    body: JSON.stringify({ url: hook.url, secret: "shared" }),
  });
  expect(await configured.json()).toEqual({
    url: hook.url,
    secret: "********",
    content_type: "json",
    insecure_ssl: "0",
  });
  expect((await makeRepository("demo/hooked", "wrong")).status).toBe(401);
  expect((await makeRepository("demo/hooked", told.TWIN_ADMIN_TOKEN)).status).toBe(201);
  const cloneUrl = `${told.TWIN_GITHUB}/demo/hooked.git`;
  const after = await pushFiles(cloneUrl, { branch: "main", files: { a: "1" }, message: "first" });
  await hook.until(2);
  const [ping, push] = hook.received;
  expect(ping!.headers["x-github-event"]).toBe("ping");
  expect(JSON.parse(push!.text)).toMatchObject({ ref: "refs/heads/main", after });
  const signature = createHmac("sha256", "shared").update(push!.text).digest("hex");
  expect(push!.headers["x-hub-signature-256"]).toBe(`sha256=${signature}`);
});

test("a Functions host is killed where there is one", async () => {
  await expect(type("kill", "host")).rejects.toThrow("there is no Functions host here");
  const registry = await startRegistry({ dir: join(cwd, "other") });
  const admin = await startAdmin({ registry } as Misbehaving, "token");
  let killed = 0;
  admin.onKillHost(async () => {
    killed += 1;
  });
  const { admin: url, adminToken } = admin.endpoints;
  const headers = { authorization: `Bearer ${adminToken}` };
  expect((await fetch(`${url}/host/kill`, { method: "POST", headers })).status).toBe(204);
  expect(killed).toBe(1);
  await Promise.all([admin.close(), registry.close()]);
});

test.each([
  [["list"], "there is no command list"],
  [["ls"], "It goes: ls IMAGE [PATH]"],
  [["kill"], "It goes: kill host"],
  [["fault"], "It goes: fault add PART FAULT"],
  [["fault", "list", "acr"], "It goes: fault add PART FAULT"],
  [["fault", "clear", "acr", "--times", "2"], "It goes: fault add PART FAULT"],
  [["--port-functions", "7071"], "Unknown option '--port-functions'; npm run twin takes --dir, --fresh, --engine, "],
  [["push", "a:1", "--form", "x"], "Unknown option '--form'; push takes --dir, --from, --text"],
  [["list", "--form", "x"], "Unknown option '--form'"],
  [["ls", "a:1", "--times", "2"], "ls has no --times; ls takes --dir"],
  [["ls", "nope"], "no image nope:latest in 127.0.0.1:"],
  [["cat", "nope", "etc"], "no image nope:latest in 127.0.0.1:"],
  [["pull", "nope", "there"], "no image nope:latest in 127.0.0.1:"],
  [["kill", "azurite"], "only the host can be killed"],
  [["push", "a:1", "--from", "x", "--text", "y"], "not both"],
  [["push", "elsewhere.io/a:1"], "there is no registry elsewhere.io"],
])("a wrong command is refused in one sentence: %j", async (words, message) => {
  await expect(type(...words)).rejects.toThrow(message);
});

test("where no twin runs, that is what is said", async () => {
  const nowhere = readCommandLine(["env", "--dir", "nowhere"], { cwd, root });
  await expect(runCommand(nowhere, { out: process.stdout, cwd })).rejects.toThrow("no twin has been started");
});
