import { createHmac } from "node:crypto";
import { request } from "node:http";
import { createRequire } from "node:module";
import { QueueServiceClient } from "@azure/storage-queue";
import { afterEach, expect, test } from "vitest";
import { useScenario } from "../support/scenario.ts";

interface Samples {
  readonly name: string;
  readonly examples: readonly object[];
}

// CommonJS whose types claim otherwise.
const examples = createRequire(import.meta.url)("@octokit/webhooks-examples") as readonly Samples[];
const previous = "the-secret-before-the-present-one";
// No sweep and no pushes: whatever turns up in the queue came from a delivery of these tests.
const scenario = useScenario({
  env: { SLIPWAY_SWEEP_SCHEDULE: "0 0 0 29 2 *", SLIPWAY_GITHUB_WEBHOOK_SECRET_PREVIOUS: previous },
});
const push = JSON.stringify({
  ref: "refs/heads/main",
  before: "0".repeat(40),
  after: "1".repeat(40),
  repository: { id: 1, full_name: "stranger/thing" },
});
const unsigned = { "x-hub-signature-256": undefined };

async function decisions(): Promise<number> {
  return (await scenario.read<{ decisions: unknown[] }>("decisions?limit=100")).decisions.length;
}

async function queued(): Promise<number> {
  const queues = QueueServiceClient.fromConnectionString(scenario.twin.endpoints.storage);
  return (await queues.getQueueClient("events").getProperties()).approximateMessagesCount ?? 0;
}

/** Refused, in few words that give nothing away, and nothing stored. */
async function expectRefused(answer: Response, status: number): Promise<void> {
  const text = await answer.text();
  expect([answer.status, text]).toEqual([status, expect.stringMatching(/^[A-Za-z0-9 /,'-]{0,80}$/)]);
  expect(text).not.toContain(scenario.twin.endpoints.webhookSecret);
  expect(await queued()).toBe(0);
}

afterEach(async () => expect(await queued()).toBe(0));

test("no signature, a wrong one, one of SHA-1 only, one of another body", async () => {
  const sha1 = createHmac("sha1", scenario.twin.endpoints.webhookSecret).update(push).digest("hex");
  const other = createHmac("sha256", scenario.twin.endpoints.webhookSecret).update(`${push} `).digest("hex");
  await expectRefused(await scenario.deliver(push, { headers: unsigned }), 401);
  await expectRefused(await scenario.deliver(push, { secret: "some-other-secret" }), 401);
  await expectRefused(await scenario.deliver(push, { secret: " " }), 401);
  await expectRefused(
    await scenario.deliver(push, { headers: { ...unsigned, "x-hub-signature": `sha1=${sha1}` } }),
    401,
  );
  await expectRefused(await scenario.deliver(push, { headers: { "x-hub-signature-256": `sha256=${other}` } }), 401);
  await expectRefused(await scenario.deliver(push, { headers: { "x-hub-signature-256": "sha256=" } }), 401);
  expect(await decisions()).toBe(0);
});

test("garbage without a signature is 401, whatever it is", async () => {
  for (const body of ["", "{", "\u0000\u0001", "[[[[", "null"])
    await expectRefused(await scenario.deliver(body, { headers: unsigned }), 401);
  expect(await decisions()).toBe(0);
});

test("signed, but not an object: 400", async () => {
  for (const body of ["1", '"text"', "null", "true", "[]", `[${push}]`, "{", ""])
    await expectRefused(await scenario.deliver(body), 400);
  await expectRefused(await scenario.deliver(new Uint8Array([0x22, 0xff, 0xfe, 0x22])), 400);
  await expectRefused(await scenario.deliver(push, { headers: { "x-github-event": undefined } }), 400);
  await expectRefused(await scenario.deliver(push, { guid: "a guid with blanks" }), 400);
  expect(await decisions()).toBe(0);
});

test("any other content type: 415", async () => {
  for (const type of ["application/x-www-form-urlencoded", "text/plain", "application/jsonp"])
    await expectRefused(await scenario.deliver(push, { headers: { "content-type": type } }), 415);
});

test("too large: 413; with its length not said, the host gives us nothing to verify: 401", async () => {
  const large = Buffer.alloc(10 * 1024 * 1024 + 1, 0x20);
  await expectRefused(await scenario.deliver(large), 413);
  expect(await postInChunks(large)).toBe(401);
});

test("while the secret is being changed, both are accepted", async () => {
  const ignored = JSON.stringify({ action: "created" });
  expect((await scenario.deliver(ignored, { event: "star" })).status).toBe(202);
  expect((await scenario.deliver(ignored, { event: "star", secret: previous })).status).toBe(202);
});

test("every sample of @octokit/webhooks-examples is stored, answered or ignored for a reason", async () => {
  const answers = new Map<string, Set<string>>();
  for (const { name, examples: samples } of examples)
    for (const sample of samples) {
      const answer = await scenario.deliver(JSON.stringify(sample), { event: name });
      const said = `${answer.status} ${await answer.text()}`;
      answers.set(name, (answers.get(name) ?? new Set()).add(said));
    }
  expect(answers.size).toBeGreaterThan(40);
  for (const [name, said] of answers) {
    const expected =
      name === "push" ? ["202 stored"] : name === "ping" ? ["200 pong"] : [`202 ignored: ${name} is not used`];
    expect([name, ...said]).toEqual([name, ...expected]);
  }
  await scenario.rest();
});

/** Transfer-Encoding: chunked, so no Content-Length. */
function postInChunks(body: Buffer): Promise<number> {
  const { webhook, webhookSecret } = scenario.twin.endpoints;
  const signature = createHmac("sha256", webhookSecret).update(body).digest("hex");
  return new Promise((resolve, reject) => {
    const post = request(
      webhook,
      {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "x-github-event": "push",
          "x-github-delivery": "11111111-2222-3333-4444-555555555555",
          "x-hub-signature-256": `sha256=${signature}`,
        },
      },
      (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      },
    );
    post.on("error", reject);
    post.write(body.subarray(0, 1024));
    post.end(body.subarray(1024));
  });
}
