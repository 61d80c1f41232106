import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { TransientError } from "../../src/errors.ts";
import { readPushEvent } from "../../src/github/push-event.ts";
import { verifySignature } from "../../src/github/verify-signature.ts";
import { deliveryBytesMost, receiveGitHubDelivery } from "../../src/handlers/receive-github-delivery.ts";
import { Secret } from "../../src/secret.ts";
import { Outside } from "./outside.ts";

const secret = "the webhook's secret";
const push = {
  ref: "refs/heads/main",
  before: "a".repeat(40),
  after: "b".repeat(40),
  deleted: false,
  repository: { id: 7, full_name: "acme/platform" },
  sender: { login: "ada" },
  commits: [{ added: ["a.txt"], removed: [], modified: ["images/web/Dockerfile"] }],
};

interface Asked {
  readonly body?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string | undefined>>;
}

/** A delivery that is right in everything; each test spoils what it is about. */
async function deliver(outside: Outside, { body = JSON.stringify(push), headers = {} }: Asked = {}) {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const all: Record<string, string | undefined> = {
    "content-type": "application/json",
    "x-github-event": "push",
    "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
    "x-hub-signature-256": `sha256=${createHmac("sha256", secret).update(bytes).digest("hex")}`,
    ...headers,
  };
  let reads = 0;
  const answer = await receiveGitHubDelivery(
    {
      header: (name) => all[name],
      bytes: async () => {
        reads++;
        return bytes;
      },
    },
    {
      queues: outside.queues,
      isSigned: (signed, signature) => verifySignature([new Secret(secret)], signed, signature),
      readPush: readPushEvent,
      now: outside.clock,
      log: outside.log,
    },
  );
  return { ...answer, reads };
}

describe("a push that is signed", () => {
  it("is stored as one small event before it is answered 202, and nothing else is touched", async () => {
    const outside = new Outside();
    expect((await deliver(outside)).status).toBe(202);
    expect(outside.sent).toEqual([
      {
        queue: "events",
        delaySeconds: undefined,
        body: {
          kind: "ref-moved",
          eventId: "72d3162e-cc78-11e3-81ab-4c9367dc0958",
          origin: "delivery",
          receivedAt: "2026-11-23T12:00:00.000Z",
          sourceId: 7,
          fullName: "acme/platform",
          ref: "refs/heads/main",
          before: "a".repeat(40),
          after: "b".repeat(40),
          deleted: false,
          changedPaths: ["a.txt", "images/web/Dockerfile"],
          by: "ada",
        },
      },
    ]);
    expect(outside.rows.reads + outside.rows.transactions).toBe(0);
  });

  it("that cannot be stored is answered 503, so that it counts as failed and is delivered again", async () => {
    const outside = new Outside();
    outside.queueFault = new TransientError("queue: 500");
    expect(await deliver(outside)).toMatchObject({ status: 503, headers: { "retry-after": "30" } });
    outside.queueFault = new Error("anything at all");
    expect((await deliver(outside)).status).toBe(503);
  });

  it("is taken with a charset after the content type", async () => {
    const headers = { "content-type": "Application/JSON; charset=utf-8" };
    expect((await deliver(new Outside(), { headers })).status).toBe(202);
  });
});

describe("headers that refuse", () => {
  it.each([
    [415, "another content type", { "content-type": "application/x-www-form-urlencoded" }],
    [415, "no content type", { "content-type": undefined }],
    [413, "a length beyond the cap", { "content-length": String(deliveryBytesMost + 1) }],
  ])("answer %i for %s without reading the body", async (status, _name, headers) => {
    const outside = new Outside();
    expect(await deliver(outside, { headers })).toMatchObject({ status, reads: 0 });
    expect(outside.sent).toEqual([]);
  });
});

describe("a body", () => {
  it("that is larger than it said is refused before its signature is computed", async () => {
    const body = new Uint8Array(deliveryBytesMost + 1);
    const answer = await deliver(new Outside(), {
      body,
      headers: { "content-length": "5", "x-hub-signature-256": "" },
    });
    expect(answer.status).toBe(413);
  });

  it.each([
    ["no signature", undefined],
    ["a wrong one", `sha256=${"0".repeat(64)}`],
    ["an old SHA-1 one", "sha1=0"],
  ])("with %s is refused 401, whatever else is wrong with it", async (_name, signature) => {
    const outside = new Outside();
    const headers = { "x-hub-signature-256": signature, "x-github-event": undefined };
    expect((await deliver(outside, { body: "not JSON", headers })).status).toBe(401);
    expect(outside.sent).toEqual([]);
    expect(JSON.stringify(outside.logs)).not.toContain("not JSON");
  });

  it("with an id that is none hears that, and not that it is missing", async () => {
    const answer = await deliver(new Outside(), { headers: { "x-github-delivery": "g1" } });
    expect(answer).toMatchObject({ status: 400, body: expect.stringMatching(/^X-GitHub-Delivery must be 8 to 64/) });
  });

  it.each([
    ["the event's name", { "x-github-event": undefined }],
    ["the delivery's id", { "x-github-delivery": undefined }],
    ["an id that is one", { "x-github-delivery": "../../etc" }],
  ])("without %s is refused 400", async (_name, headers) => {
    expect((await deliver(new Outside(), { headers })).status).toBe(400);
  });

  it.each([["not JSON"], ["[]"], ["null"], ['"text"'], ["{"]])("that is %s is refused 400", async (body) => {
    expect((await deliver(new Outside(), { body })).status).toBe(400);
  });

  it("that is no UTF-8 is refused 400", async () => {
    expect((await deliver(new Outside(), { body: Uint8Array.of(0x7b, 0xff, 0x7d) })).status).toBe(400);
  });

  it("that is JSON but no push says what is missing", async () => {
    const answer = await deliver(new Outside(), { body: "{}" });
    const { status, body } = await deliver(new Outside(), {
      body: JSON.stringify({ ...push, repository: { id: "7" } }),
    });
    expect([answer, { status, body }]).toMatchObject([
      { status: 400, body: "not a push payload: missing or malformed: ref, before, after, repository" },
      { status: 400, body: "not a push payload: missing or malformed: repository.id, repository.full_name" },
    ]);
  });
});

describe("events that are not used", () => {
  it("are taken and say so: a 4xx would be delivered again for ever", async () => {
    const outside = new Outside();
    const answer = await deliver(outside, { headers: { "x-github-event": "workflow_run<script>" } });
    expect(answer).toMatchObject({ status: 202, body: "ignored: workflow_runscript is not used" });
    expect(outside.sent).toEqual([]);
  });

  it("of notes and pull refs are taken too", async () => {
    const outside = new Outside();
    const body = JSON.stringify({ ...push, ref: "refs/notes/commits" });
    expect((await deliver(outside, { body })).status).toBe(202);
    expect(outside.sent).toEqual([]);
  });

  it("a ping is answered, once its signature is right", async () => {
    const headers = { "x-github-event": "ping" };
    expect(await deliver(new Outside(), { body: "{}", headers })).toMatchObject({ status: 200, body: "pong" });
    const unsigned = { ...headers, "x-hub-signature-256": undefined };
    expect((await deliver(new Outside(), { body: "{}", headers: unsigned })).status).toBe(401);
  });
});
