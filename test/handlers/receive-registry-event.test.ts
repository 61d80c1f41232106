import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalHost } from "../../src/core/image/registry-host.ts";
import { type EventSender, eventSenders } from "../../src/core/plan/reason.ts";
import { TransientError } from "../../src/errors.ts";
import { isOneOf } from "../../src/handlers/is-one-of.ts";
import { eventBytesMost, receiveRegistryEvent, takeQueuedEvent } from "../../src/handlers/receive-registry-event.ts";
import { readAcrWebhook, readCloudEvent, readEventGridEvent } from "../../src/handlers/registry-events.ts";
import { Secret } from "../../src/secret.ts";
import { Outside } from "./outside.ts";

/** Each sender's own, current and previous; nobody has set one for `event-grid` unless a test says so. */
const keys: Readonly<Record<EventSender, readonly string[]>> = {
  "acr-webhook": ["the key of the webhook", "the key it had before"],
  "event-grid": ["the key of event grid"],
  "cloud-events": ["the key of cloud events"],
};

/** As recorded from a registry: facts/acr-tasks.md §6.2, §6.3. */
const webhook = {
  id: "0f1c2d3e-0000-4000-8000-000000000001",
  timestamp: "2026-03-24T10:15:30.1234567Z",
  action: "push",
  target: {
    mediaType: "application/vnd.docker.distribution.manifest.v2+json",
    size: 1570,
    digest: `sha256:${"ab".repeat(32)}`,
    length: 1570,
    repository: "team/base",
    tag: "3.1",
  },
  request: { id: "7d2e", host: "demo.azurecr.io", method: "PUT", useragent: "docker/26.1 go/go1.22" },
};
const pushed = "Microsoft.ContainerRegistry.ImagePushed";
const gridEvent = {
  id: "831e1650-001e-001b-66ab-eeb76e069631",
  topic: "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/demo",
  subject: "team/base:3.1",
  eventType: pushed,
  eventTime: "2026-03-24T10:15:30.1234567Z",
  data: { ...webhook, location: "westeurope", actor: {}, source: {} },
  dataVersion: "2.0",
  metadataVersion: "1",
};
const cloudEvent = {
  specversion: "1.0",
  id: "831e1650-001e-001b-66ab-eeb76e069631",
  source: gridEvent.topic,
  subject: "team/base:3.1",
  type: pushed,
  time: gridEvent.eventTime,
  data: gridEvent.data,
};
const bodyOf = { "acr-webhook": webhook, "event-grid": [gridEvent], "cloud-events": cloudEvent } as const;

interface Asked {
  readonly method?: string;
  readonly body?: unknown;
  readonly raw?: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly set?: Partial<Record<EventSender, readonly string[]>>;
}

/** A request that is right in everything; each test spoils what it is about. */
async function ask(outside: Outside, sender: string, asked: Asked = {}) {
  const own = keys[sender as EventSender]?.[0] ?? "";
  const headers = asked.headers ?? (asked.query ? {} : { "x-slipway-key": own });
  const body = "body" in asked ? asked.body : bodyOf[sender as EventSender];
  const bytes = asked.raw ?? new TextEncoder().encode(JSON.stringify(body) ?? "");
  const set = { ...keys, ...asked.set };
  let reads = 0;
  const answer = await receiveRegistryEvent(
    sender,
    {
      method: asked.method ?? "POST",
      header: (name) => headers[name],
      query: (name) => asked.query?.[name],
      bytes: async () => {
        reads++;
        return bytes;
      },
    },
    {
      queues: outside.queues,
      isKey: (route, key) => {
        const secrets = (set[route] ?? []).map((k) => new Secret(k));
        return secrets.length === 0 ? undefined : isOneOf(secrets, key);
      },
      now: outside.clock,
      log: outside.log,
    },
  );
  return { ...answer, reads };
}

const references = (outside: Outside) => outside.sentTo("events").map((s) => s.body.reference);

describe.each(eventSenders)("a push told by %s", (sender) => {
  it("is stored as one small event before it is answered", async () => {
    const outside = new Outside();
    expect(await ask(outside, sender)).toMatchObject({ status: 202, body: "1 stored, 0 ignored" });
    const id = sender === "acr-webhook" ? webhook.id : gridEvent.id;
    expect(outside.sent).toEqual([
      {
        queue: "events",
        delaySeconds: undefined,
        body: {
          kind: "tag-moved",
          eventId: `${sender}:${id}`,
          sender,
          receivedAt: "2026-11-23T12:00:00.000Z",
          reference: "demo.azurecr.io/team/base:3.1",
          hint: webhook.target.digest,
        },
      },
    ]);
  });

  it("needs the sender's own key, in a header or in the URL", async () => {
    const outside = new Outside();
    const [key] = keys[sender];
    expect((await ask(outside, sender, { query: { key: key! } })).status).toBe(202);
    expect((await ask(outside, sender, { headers: { "x-slipway-key": key! } })).status).toBe(202);
    expect(outside.sent).toHaveLength(2);
  });

  it("is refused with a wrong key, no key, an empty one or another sender's, and its body is not read", async () => {
    const outside = new Outside();
    const others = eventSenders.filter((s) => s !== sender).flatMap((s) => keys[s]);
    const wrong: Asked[] = [
      { headers: {} },
      { query: { key: "" } },
      ...["", "wrong", `${keys[sender][0]} `, ...others].map((key) => ({ headers: { "x-slipway-key": key } })),
      // The header counts, so that a right key in a URL does not make up for it.
      { headers: { "x-slipway-key": "wrong" }, query: { key: keys[sender][0]! } },
    ];
    for (const asked of wrong) expect(await ask(outside, sender, asked)).toMatchObject({ status: 401, reads: 0 });
    expect(outside.sent).toEqual([]);
  });

  it("is not listened to while no key is set for the sender, whatever key it shows", async () => {
    const outside = new Outside();
    for (const key of ["", "wrong", ...keys[sender]])
      expect(await ask(outside, sender, { set: { [sender]: [] }, headers: { "x-slipway-key": key } })).toMatchObject({
        status: 404,
        reads: 0,
      });
  });

  it("is answered 503, and nothing that means “do not come back”, when the queue is down", async () => {
    for (const fault of [new TransientError("queue: 500"), new Error("anything at all"), "not even an error"]) {
      const outside = new Outside();
      outside.queueFault = fault as Error;
      expect(await ask(outside, sender)).toMatchObject({ status: 503, headers: { "retry-after": "30" } });
    }
  });

  it("is refused as what it is when it is not JSON", async () => {
    const outside = new Outside();
    const texts = ["", "{", "\u0000", "null", "NaN"].map((text) => new TextEncoder().encode(text));
    for (const raw of [...texts, new Uint8Array([0xff, 0xfe, 0x22])])
      expect((await ask(outside, sender, { raw })).status).toBe(400);
    expect(outside.sent).toEqual([]);
  });

  it("is refused when it is too large, by what it says or by what it is", async () => {
    const outside = new Outside();
    const headers = { "x-slipway-key": keys[sender][0]!, "content-length": String(eventBytesMost + 1) };
    expect(await ask(outside, sender, { headers })).toMatchObject({ status: 413, reads: 0 });
    const raw = new Uint8Array(eventBytesMost + 1);
    const lying = { "x-slipway-key": keys[sender][0]!, "content-length": "5" };
    expect((await ask(outside, sender, { raw, headers: lying })).status).toBe(413);
  });

  it("is not lost for what stands beside it", async () => {
    const outside = new Outside();
    const good = Array.isArray(bodyOf[sender]) ? bodyOf[sender][0] : bodyOf[sender];
    const body = [1, null, good, {}, "text", [[good]], { id: 4 }];
    expect(await ask(outside, sender, { body })).toMatchObject({ status: 202, body: "1 stored, 6 ignored" });
    expect(references(outside)).toEqual(["demo.azurecr.io/team/base:3.1"]);
  });

  it("survives JSON nested a hundred thousand deep, and 5,000 events but not 5,001", async () => {
    const outside = new Outside();
    const deep = "[".repeat(100_000) + "]".repeat(100_000);
    const nested = new TextEncoder().encode(`{"id":"1","data":${deep},"eventType":"x","target":${deep}}`);
    expect((await ask(outside, sender, { raw: nested })).status).toBe(202);
    expect((await ask(outside, sender, { raw: new TextEncoder().encode(deep) })).status).toBe(202);
    expect((await ask(outside, sender, { body: Array.from({ length: 5000 }, () => 1) })).status).toBe(202);
    expect((await ask(outside, sender, { body: Array.from({ length: 5001 }, () => 1) })).status).toBe(413);
    expect(outside.sent).toEqual([]);
  });

  it("never makes us throw or answer anything but taken, whatever the JSON is", async () => {
    const almost = fc.jsonValue().map((x) => ({ ...webhook, ...(typeof x === "object" ? x : { target: x }) }));
    const typed = almost.map((data) => ({ specversion: "1.0", id: "1", type: pushed, eventType: pushed, data }));
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.jsonValue(), almost, typed, fc.array(typed)), async (body) => {
        const answer = await ask(new Outside(), sender, { body });
        expect(answer.status).toBe(body === null ? 400 : 202);
      }),
      { numRuns: 150 },
    );
  });
});

describe("keys", () => {
  it("may be rotated: the one before counts until it is taken away", async () => {
    const [current, previous] = keys["acr-webhook"];
    const outside = new Outside();
    for (const key of [current!, previous!])
      expect((await ask(outside, "acr-webhook", { headers: { "x-slipway-key": key } })).status).toBe(202);
    const set = { "acr-webhook": [current!] };
    expect((await ask(outside, "acr-webhook", { headers: { "x-slipway-key": previous! }, set })).status).toBe(401);
  });

  it("are never in an answer or in what is logged", async () => {
    const outside = new Outside();
    const answer = await ask(outside, "acr-webhook", { headers: { "x-slipway-key": "a wrong key" } });
    expect(JSON.stringify([answer, outside.logs])).not.toMatch(/a wrong key|the key of the webhook/);
    expect(outside.logs).toHaveLength(1);
  });

  it("belong to senders there are", async () => {
    for (const sender of ["", "github", "acr-webhook/", "constructor", "__proto__"])
      expect((await ask(new Outside(), sender, { body: webhook })).status).toBe(404);
  });
});

describe("Event Grid's handshake", () => {
  const validation = {
    ...gridEvent,
    eventType: "Microsoft.EventGrid.SubscriptionValidationEvent",
    data: { validationCode: "512d38b6-c7b8-40c8-89fe-f46f9e9622b6", validationUrl: "https://rp.example" },
  };

  it("is answered 200 with the code, by whoever has the key", async () => {
    const outside = new Outside();
    const answer = await ask(outside, "event-grid", { body: [validation] });
    expect(answer).toMatchObject({ status: 200, headers: { "content-type": "application/json" } });
    expect(JSON.parse(answer.body!)).toEqual({ validationResponse: validation.data.validationCode });
    expect((await ask(outside, "event-grid", { body: [validation], headers: {} })).status).toBe(401);
    expect(outside.sent).toEqual([]);
  });

  it("does not swallow a push that came with it", async () => {
    const outside = new Outside();
    const answer = await ask(outside, "event-grid", { body: [validation, gridEvent] });
    expect(JSON.parse(answer.body!)).toEqual({ validationResponse: validation.data.validationCode });
    expect([answer.status, references(outside)]).toEqual([200, ["demo.azurecr.io/team/base:3.1"]]);
    outside.queueFault = new TransientError("queue: 500");
    expect((await ask(outside, "event-grid", { body: [validation, gridEvent] })).status).toBe(503);
  });

  it("without a code is no handshake", async () => {
    for (const data of [null, {}, { validationCode: 7 }])
      expect((await ask(new Outside(), "event-grid", { body: [{ ...validation, data }] })).status).toBe(202);
  });

  it("is not what a webhook or a CloudEvent is answered with", async () => {
    for (const sender of ["acr-webhook", "cloud-events"])
      expect((await ask(new Outside(), sender, { body: [validation] })).status).toBe(202);
  });
});

describe("CloudEvents' handshake", () => {
  const handshake = (sender: string, more: Readonly<Record<string, string>>) =>
    ask(new Outside(), sender, {
      method: "OPTIONS",
      headers: { "x-slipway-key": keys[sender as EventSender][0]!, ...more },
    });

  it("allows the origin that asked, at the rate it asked for", async () => {
    const origin = { "webhook-request-origin": "eventgrid.azure.net" };
    expect(await handshake("cloud-events", { ...origin, "webhook-request-rate": "60" })).toMatchObject({
      status: 200,
      headers: { allow: "POST", "webhook-allowed-origin": "eventgrid.azure.net", "webhook-allowed-rate": "60" },
      reads: 0,
    });
    for (const rate of ["*", "0", "-1", "1e9", "1\r\nx: y"])
      expect((await handshake("cloud-events", { ...origin, "webhook-request-rate": rate })).headers).toMatchObject({
        "webhook-allowed-rate": "120",
      });
  });

  it("needs the key, and an origin that is a host", async () => {
    for (const origin of ["", "*", "a b", "x\r\nset-cookie: y", "a".repeat(254)])
      expect((await handshake("cloud-events", { "webhook-request-origin": origin })).status).toBe(400);
    const wrong = { "x-slipway-key": "wrong", "webhook-request-origin": "eventgrid.azure.net" };
    expect((await handshake("cloud-events", wrong)).status).toBe(401);
  });

  it("is for CloudEvents alone", async () => {
    for (const sender of ["acr-webhook", "event-grid"])
      expect(await handshake(sender, { "webhook-request-origin": "eventgrid.azure.net" })).toMatchObject({
        status: 405,
        headers: { allow: "POST" },
      });
    expect((await handshake("cloud-events", {})).status).toBe(405);
  });
});

describe("a batch", () => {
  const batch = Array.from({ length: 50 }, (_, i) => ({
    ...gridEvent,
    id: `event-${i}`,
    data: { ...webhook, target: { ...webhook.target, tag: `t${i}` } },
  }));

  it("is stored whole, in order", async () => {
    const outside = new Outside();
    expect((await ask(outside, "event-grid", { body: batch })).body).toBe("50 stored, 0 ignored");
    expect(references(outside)).toEqual(batch.map((_, i) => `demo.azurecr.io/team/base:t${i}`));
  });

  it("is not taken in part: one write that fails has it all delivered again, under the same ids", async () => {
    const outside = new Outside();
    const { send } = outside.queues;
    let writes = 0;
    const failing = {
      ...outside.queues,
      send: async (...args: Parameters<typeof send>) => {
        if (++writes === 30) throw new TransientError("queue: 503");
        await send(...args);
      },
    };
    const broken = Object.assign(Object.create(outside) as Outside, { queues: failing });
    expect((await ask(broken, "event-grid", { body: batch })).status).toBe(503);
    expect((await ask(outside, "event-grid", { body: batch })).status).toBe(202);
    const ids = new Set(outside.sent.map((s) => s.body.eventId));
    expect([...ids].sort()).toEqual(batch.map((e) => `event-grid:${e.id}`).sort());
  });
});

describe("what is not a tag that was pushed", () => {
  it.each<readonly [string, unknown]>([
    ["a ping", { id: "1", timestamp: "2026-03-24T10:15:30Z", action: "ping" }],
    ["a deletion", { ...webhook, action: "delete" }],
    ["a chart", { ...webhook, action: "chart_push" }],
    ["a quarantined image", { ...webhook, action: "quarantine" }],
    ["a part of an image for several platforms", { ...webhook, target: { ...webhook.target, tag: undefined } }],
    ["the same, said with null", { ...webhook, target: { ...webhook.target, tag: null } }],
    ["a push to nobody knows where", { ...webhook, request: undefined }],
    ["a push of nobody knows what", { ...webhook, target: null }],
    ["another event altogether", { hello: "world" }],
  ])("is taken and builds nothing: %s", async (_name, body) => {
    const outside = new Outside();
    expect(await ask(outside, "acr-webhook", { body })).toMatchObject({ status: 202, body: "0 stored, 1 ignored" });
    expect(outside.sent).toEqual([]);
  });

  it("does not hide one that was: an absent digest may be null", () => {
    const target = { ...webhook.target, digest: null };
    expect(readAcrWebhook({ ...webhook, target })).toMatchObject({
      kind: "moved",
      event: { reference: expect.any(String) },
    });
  });

  it("is left alone for types of events that are not pushes", async () => {
    const types = ["Microsoft.ContainerRegistry.ImageDeleted", "Microsoft.Storage.BlobCreated", `x${pushed}`];
    for (const eventType of types) expect(readEventGridEvent({ ...gridEvent, eventType }).kind).toBe("ignored");
    for (const type of types) expect(readCloudEvent({ ...cloudEvent, type }).kind).toBe("ignored");
    expect(readCloudEvent({ ...cloudEvent, type: "ImagePushed" }).kind).toBe("moved");
    expect(readCloudEvent({ ...cloudEvent, specversion: "0.3" }).kind).toBe("ignored");
  });
});

describe("hostile parts", () => {
  const read = (host: string, repository: string, tag: string) =>
    readAcrWebhook({ ...webhook, request: { host }, target: { repository, tag } });

  it.each([
    ["a user", "ada@evil.example", "team/base", "1"],
    ["a scheme", "https://evil.example", "team/base", "1"],
    ["a path in the host", "evil.example/team", "base", "1"],
    ["no host", "", "team/base", "1"],
    ["a word that is no host", "team", "base", "1"],
    ["a port that is none", "demo.azurecr.io:99999", "base", "1"],
    ["a folder above", "demo.azurecr.io", "../../team", "1"],
    ["capitals", "demo.azurecr.io", "Team/Base", "1"],
    ["a tag in the repository", "demo.azurecr.io", "team/base:2", "1"],
    ["a digest for a tag", "demo.azurecr.io", "team/base", `1@sha256:${"ab".repeat(32)}`],
    ["a line in the tag", "demo.azurecr.io", "team/base", "1\nX"],
    ["a filter in the tag", "demo.azurecr.io", "team/base", "1' or true or '"],
    ["a long tag", "demo.azurecr.io", "team/base", "t".repeat(129)],
    ["an empty tag", "demo.azurecr.io", "team/base", ""],
  ])("are not resolved: %s", (_name, host, repository, tag) => {
    expect(read(host, repository, tag).kind).toBe("ignored");
  });

  it("that are taken name the registry, repository and tag they say, and nothing else", () => {
    const piece = (more: readonly string[]) =>
      fc.oneof(
        fc.constantFrom(...more),
        fc
          .array(fc.constantFrom("a", "B", "1", ".", "-", "_", "/", ":", "@", "%", "é", `sha256:${"a".repeat(64)}`), {
            maxLength: 6,
          })
          .map((parts) => parts.join("")),
      );
    fc.assert(
      fc.property(
        piece(["demo.azurecr.io", "docker.io", "Index.Docker.io", "127.0.0.1:5000"]),
        piece(["team/base", "debian"]),
        piece(["1", "Latest"]),
        (host, repository, tag) => {
          const event = read(host, repository, tag);
          if (event.kind !== "moved") return;
          const registry = canonicalHost(host);
          const path = registry === "docker.io" && !repository.includes("/") ? `library/${repository}` : repository;
          expect(event.event.reference).toBe(`${registry}/${path}:${tag}`);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe("an event that Event Grid left in our queue", () => {
  const take = (outside: Outside, body: unknown) =>
    takeQueuedEvent(body, { queues: outside.queues, now: outside.clock, log: outside.log });

  it("is taken in both schemas, alone or in a list", async () => {
    const outside = new Outside();
    for (const body of [gridEvent, cloudEvent, [gridEvent, cloudEvent]]) await take(outside, body);
    expect(outside.sent.map((s) => s.body.sender)).toEqual([
      "event-grid",
      "cloud-events",
      "event-grid",
      "cloud-events",
    ]);
    expect(new Set(references(outside))).toEqual(new Set(["demo.azurecr.io/team/base:3.1"]));
  });

  it("stays in its queue when it cannot be handed on", async () => {
    const outside = new Outside();
    outside.queueFault = new TransientError("queue: 500");
    await expect(take(outside, gridEvent)).rejects.toThrow("queue: 500");
  });

  it("never fails for what it says, for it would come back until it is poison", async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (body) => {
        await take(new Outside(), body);
      }),
      { numRuns: 200 },
    );
    const outside = new Outside();
    for (const body of [undefined, null, "text", 7, [], [[]], { ...gridEvent, data: null }]) await take(outside, body);
    expect(outside.sent).toEqual([]);
  });
});
