import { Webhooks } from "@octokit/webhooks";
import { expect, it } from "vitest";
import { pushFiles } from "../../../local/github/push-files.ts";
import { signatureHeaders } from "../../../local/github/webhook-signature.ts";
import { testGitOverHttp } from "../../support/git-over-http.ts";
import { git, gitHub, receiver, temporaryDir } from "./github-fixture.ts";

async function scene() {
  const hook = await receiver();
  const github = await gitHub({ webhook: { url: hook.url, secret: "s3cret" } });
  const { cloneUrl } = await github.createRepository("demo/platform");
  let count = 0;
  const push = async () => {
    count += 1;
    const sha = await pushFiles(cloneUrl, { branch: "main", files: { n: String(count) }, message: `push ${count}` });
    await github.settled();
    return sha;
  };
  return { hook, github, push };
}

it("signs as GitHub's documentation shows", () => {
  expect(signatureHeaders("It's a Secret to Everybody", "Hello, World!")["X-Hub-Signature-256"]).toBe(
    "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
  );
  expect(signatureHeaders("", "Hello, World!")).toEqual({});
});

testGitOverHttp("sends the documented headers and a signature that Octokit accepts over the raw bytes", async () => {
  const { hook, github, push } = await scene();
  await push();
  const { headers, body } = hook.pushes()[0]!;
  const webhooks = new Webhooks({ secret: "s3cret" });
  expect(await webhooks.verify(body, headers["x-hub-signature-256"] as string)).toBe(true);
  expect(await webhooks.verify(`${body} `, headers["x-hub-signature-256"] as string)).toBe(false);
  expect(headers).toMatchObject({
    "content-type": "application/json",
    "user-agent": expect.stringMatching(/^GitHub-Hookshot\/[0-9a-f]+$/),
    "x-github-event": "push",
    "x-github-delivery": expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
    "x-github-hook-id": String(github.state.hook!.id),
    "x-github-hook-installation-target-id": "4242",
    "x-github-hook-installation-target-type": "integration",
    "x-hub-signature": expect.stringMatching(/^sha1=[0-9a-f]{40}$/),
  });
});

it("pings when the webhook is set, and not again for the same one", async () => {
  const { hook, github } = await scene();
  github.setWebhook(hook.url, "s3cret");
  await github.settled();
  expect(hook.received.map(({ headers }) => headers["x-github-event"])).toEqual(["ping"]);
  expect(hook.received[0]!.payload).toMatchObject({
    hook_id: github.state.hook!.id,
    hook: { type: "App", app_id: 4242 },
  });
  expect(hook.received[0]!.body).not.toContain("s3cret");
});

it("refuses to send webhooks to another machine", async () => {
  const { github } = await scene();
  expect(() => github.setWebhook("https://example.com/hook", "s")).toThrow(/this machine only/);
});

testGitOverHttp("records a failure, does not retry, and a redelivery has the same GUID and body", async () => {
  const { hook, github, push } = await scene();
  hook.answer.status = 500;
  await push();
  const [failed] = github.deliveries();
  expect(failed).toMatchObject({ event: "push", redelivery: false });
  expect(failed!.outcome).toMatchObject({
    statusCode: 500,
    status: "Invalid HTTP Response: 500",
    responseBody: "seen",
  });
  expect(hook.pushes()).toHaveLength(1);

  hook.answer.status = 202;
  const again = github.redeliver(failed!.id);
  await github.settled();
  const [first, second] = hook.pushes();
  expect(second!.headers["x-github-delivery"]).toBe(first!.headers["x-github-delivery"]);
  expect(second!.body).toBe(first!.body);
  expect(again).toMatchObject({ guid: failed!.guid, redelivery: true, outcome: { status: "OK", statusCode: 202 } });
  expect(again.id).not.toBe(failed!.id);
});

it.each([301, 404, 503])("an answer of %i is a failure, asked once", async (status) => {
  const hook = await receiver();
  hook.answer.status = status;
  const github = await gitHub({ webhook: { url: hook.url, secret: "s" } });
  await github.settled();
  expect(github.deliveries().map(({ outcome }) => outcome)).toMatchObject([
    { statusCode: status, status: `Invalid HTTP Response: ${status}` },
  ]);
  expect(hook.received.map(({ path }) => path)).toEqual(["/hook"]);
});

it("without a secret nothing is signed, and nothing claims to be", async () => {
  const hook = await receiver();
  const github = await gitHub({ webhook: { url: hook.url, secret: "" } });
  await github.settled();
  expect(Object.keys(hook.received[0]!.headers).filter((name) => name.includes("signature"))).toEqual([]);
});

it("gives up on a receiver that does not answer in time", async () => {
  const hook = await receiver();
  hook.answer.status = null;
  const github = await gitHub({ webhook: { url: hook.url, secret: "s" }, limits: { webhookTimeoutMs: 100 } });
  await github.settled();
  expect(github.deliveries()[0]!.outcome).toMatchObject({ status: "timed out", responseHeaders: null });
});

it("records a receiver that is not there", async () => {
  const github = await gitHub({ webhook: { url: "http://127.0.0.1:1/hook", secret: "s" } });
  await github.settled();
  expect(github.deliveries()[0]!.outcome).toMatchObject({ status: "failed to connect to host", statusCode: 502 });
});

testGitOverHttp("loses, fails, doubles and delays webhooks on request", async () => {
  const { hook, github, push } = await scene();
  github.faults.lose = 1;
  await push();
  expect(github.deliveries().filter(({ event }) => event === "push")).toHaveLength(0);

  github.faults.refuse = 1;
  await push();
  expect(hook.pushes()).toHaveLength(0);
  expect(github.deliveries()[0]!.outcome).toMatchObject({ status: "failed to connect to host" });

  github.faults.duplicate = 1;
  await push();
  expect(hook.pushes()).toHaveLength(2);
  expect(new Set(hook.pushes().map(({ headers }) => headers["x-github-delivery"])).size).toBe(1);

  github.faults.delayMs = 30;
  const started = performance.now();
  await push();
  expect(performance.now() - started).toBeGreaterThanOrEqual(29);
  expect(hook.pushes()).toHaveLength(3);
});

it("forgets deliveries after three days", async () => {
  const hook = await receiver();
  let now = Date.parse("2026-11-23T12:00:00Z");
  const github = await gitHub({ webhook: { url: hook.url, secret: "s" }, clock: () => now });
  await github.settled();
  const [ping] = github.deliveries();
  now += 3 * 24 * 60 * 60 * 1000 + 1;
  expect(github.deliveries()).toEqual([]);
  expect(() => github.redeliver(ping!.id)).toThrow(/no delivery/);
});

it("tells of refs that were moved in the bare repository directly", async () => {
  const { hook, github } = await scene();
  const { gitDir } = await github.createRepository("demo/platform");
  const work = temporaryDir();
  await git(work, "init", "--quiet", "--initial-branch=main");
  await git(work, "commit", "--quiet", "--allow-empty", "-m", "empty");
  await git(work, "push", "--quiet", gitDir, "HEAD:main");
  expect(hook.pushes()).toHaveLength(0);
  expect(await github.announce("demo/platform")).toHaveLength(1);
  await github.settled();
  expect(hook.pushes()[0]!.payload.head_commit).toMatchObject({ message: "empty", added: [] });
});
