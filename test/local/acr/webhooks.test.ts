import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { concerns, type Webhook, type WebhookBody } from "../../../local/acr/webhooks/webhook.ts";
import { type SentWebhook, Webhooks, type WebhooksOptions } from "../../../local/acr/webhooks/webhooks.ts";
import type { RegistryEvent } from "../../../local/registry/registry-event.ts";
import { type Receiver, startReceiver } from "../event-grid/receiver.ts";
import { ociIndex, pushImage, putManifest, temporaryDirectory, temporaryRegistry } from "../registry/support.ts";

const now = "2026-11-23T10:00:00.000Z";

function webhook(serviceUri: string, more: Partial<Webhook> = {}): Webhook {
  return {
    name: "builds",
    location: "westeurope",
    tags: {},
    serviceUri,
    customHeaders: {},
    status: "enabled",
    scope: "",
    actions: ["push", "delete"],
    createdAt: now,
    lastModifiedAt: now,
    ...more,
  };
}

/** A registry whose webhook goes to a receiver of its own. */
async function world(more: Partial<Webhook> = {}, options: Partial<WebhooksOptions> = {}, receiver?: Receiver) {
  const to = receiver ?? (await startReceiver());
  const dir = join(await temporaryDirectory(), "webhooks");
  const webhooks = new Webhooks({ dir, ...options });
  onTestFinished(() => webhooks.close());
  webhooks.put(webhook(to.url, more));
  const registry = await temporaryRegistry();
  registry.onEvent((event) => webhooks.tell(event));
  return { dir, webhooks, registry, receiver: to };
}

function pushed(repository: string, tag?: string): RegistryEvent {
  const id = `${repository}:${tag ?? ""}`;
  const target = { mediaType: "m", size: 1, digest: "sha256:0", length: 1, repository, ...(tag && { tag }) };
  const request = { id, host: "127.0.0.1:5000", method: "PUT", useragent: "test" } as const;
  return { id, timestamp: "2026-11-23T10:00:00.0000000Z", action: "push", target, request };
}

const keys = (value: object) => Object.keys(value);
const ids = (receiver: Receiver) => receiver.bodies<WebhookBody>().map(({ id }) => id);

describe("what ACR posts", () => {
  test("a push has exactly the keys of the facts, in their order", async () => {
    const { webhooks, registry, receiver } = await world();
    const { digest, text } = await pushImage(registry.url, "team/base", "3.1");
    await webhooks.settled();
    const [body] = receiver.bodies<RegistryEvent>();
    expect(keys(body!)).toEqual(["id", "timestamp", "action", "target", "request"]);
    expect(keys(body!.target)).toEqual(["mediaType", "size", "digest", "length", "repository", "tag"]);
    expect(keys(body!.request)).toEqual(["id", "host", "method", "useragent"]);
    expect(body).toMatchObject({ action: "push", target: { size: text.length, length: text.length, digest } });
    expect(body).toMatchObject({ request: { host: registry.loginServer, method: "PUT" } });
    expect(body!.timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$/);
  });

  test("a delete has no tag and no sizes, and comes for a manifest, not for a tag", async () => {
    const { webhooks, registry, receiver } = await world({ actions: ["delete"] });
    const { digest } = await pushImage(registry.url, "team/base", "3.1");
    await fetch(`${registry.url}/v2/team/base/manifests/3.1`, { method: "DELETE" });
    await webhooks.settled();
    expect(receiver.received).toEqual([]);
    await fetch(`${registry.url}/v2/team/base/manifests/${digest}`, { method: "DELETE" });
    await webhooks.settled();
    const [body] = receiver.bodies<RegistryEvent>();
    expect(keys(body!.target)).toEqual(["mediaType", "digest", "repository"]);
    expect(body).toMatchObject({ action: "delete", request: { method: "DELETE" } });
  });

  test("an index brings an event without a tag for each child, and the same digest pushed again one more", async () => {
    const { webhooks, registry, receiver } = await world();
    const child = await pushImage(registry.url, "team/multi", "unused");
    await webhooks.settled();
    receiver.received.length = 0;
    await putManifest(registry.url, "team/multi", child.digest, child.text);
    const manifests = [
      { mediaType: "application/vnd.oci.image.manifest.v1+json", digest: child.digest, size: child.text.length },
    ];
    const index = JSON.stringify({ schemaVersion: 2, mediaType: ociIndex, manifests });
    for (let again = 0; again < 2; again += 1) await putManifest(registry.url, "team/multi", "v1", index, ociIndex);
    await webhooks.settled();
    const bodies = receiver.bodies<RegistryEvent>();
    const told = bodies.map(({ target }) => ["tag" in target ? target.tag : "no tag", target.mediaType]);
    expect(told.toSorted()).toEqual([
      ["no tag", "application/vnd.oci.image.manifest.v1+json"],
      ["v1", ociIndex],
      ["v1", ociIndex],
    ]);
    expect(new Set(bodies.map(({ id }) => id)).size).toBe(3);
  });

  test("a ping is an id, a time and the word, 104 bytes as recorded, and is sent though the webhook is disabled", async () => {
    const { webhooks, receiver } = await world({ status: "disabled", scope: "elsewhere" });
    const id = webhooks.ping("builds");
    await webhooks.settled();
    const [ping] = receiver.received;
    expect(keys(JSON.parse(ping!.text))).toEqual(["id", "timestamp", "action"]);
    expect(JSON.parse(ping!.text)).toMatchObject({ id, action: "ping" });
    expect(ping!.headers["content-length"]).toBe("104");
  });

  test("headers: ACR's own, the custom ones verbatim, and a custom Content-Type instead of ACR's", async () => {
    const { webhooks, receiver } = await world({ customHeaders: { "X-Secret": "a, b" } });
    webhooks.tell(pushed("a", "1"));
    await webhooks.settled();
    webhooks.put(webhook(receiver.url, { customHeaders: { "content-TYPE": "application/vnd.mine+json" } }));
    webhooks.tell(pushed("a", "2"));
    await webhooks.settled();
    const [first, second] = receiver.received;
    expect(first!.method).toBe("POST");
    expect(first!.headers).toMatchObject({
      "content-type": "application/json; charset=utf-8",
      "user-agent": "AzureContainerRegistry/1.0",
    });
    expect(first!.rawHeaders).toEqual(expect.arrayContaining(["X-Secret", "a, b"]));
    expect(second!.headers["content-type"]).toBe("application/vnd.mine+json");
    expect(second!.rawHeaders.filter((name) => name.toLowerCase() === "content-type").length).toBe(1);
  });
});

describe("which events a webhook is for", () => {
  const is = (scope: string, repository: string, tag?: string) =>
    concerns({ status: "enabled", scope, actions: ["push"] }, pushed(repository, tag));

  test.each([
    ["", "any/thing", "1", true],
    ["team/base:*", "team/base", "1", true],
    ["team/base:*", "team/base", undefined, true],
    ["team/base:*", "team/base-2", "1", false],
    ["team/base:1", "team/base", "1", true],
    ["team/base:1", "team/base", "10", false],
    ["team/base:1", "team/base", undefined, false],
    ["team/base", "team/base", "latest", true],
    ["team/base", "team/base", "1", false],
    ["team/*", "team/base", "latest", false],
  ])("scope %j and %s:%s: %s", (scope, repository, tag, expected) => {
    expect(is(scope, repository, tag)).toBe(expected);
  });

  test("a scope with a tag is never wider than the repository's, and that never wider than none", () => {
    const name = fc.constantFrom("a", "a/b", "ab", "latest", "1", "*");
    fc.assert(
      fc.property(name, name, name, fc.option(name, { nil: undefined }), (repository, tag, pushedTo, pushedTag) => {
        if (is(`${repository}:${tag}`, pushedTo, pushedTag))
          expect(is(`${repository}:*`, pushedTo, pushedTag)).toBe(true);
        if (is(`${repository}:*`, pushedTo, pushedTag)) expect(is("", pushedTo, pushedTag)).toBe(true);
        expect(is(repository, pushedTo, pushedTag)).toBe(is(`${repository}:latest`, pushedTo, pushedTag));
      }),
    );
  });

  test("a disabled webhook hears nothing, and each only the actions it asked for", () => {
    const event = pushed("a", "1");
    expect(concerns({ status: "disabled", scope: "", actions: ["push"] }, event)).toBe(false);
    expect(concerns({ status: "enabled", scope: "", actions: ["delete", "quarantine"] }, event)).toBe(false);
  });
});

describe("one attempt", () => {
  test("a receiver that fails is not asked again, and the history has its answer in ACR's words", async () => {
    const sent: SentWebhook[] = [];
    const failing = await startReceiver(() => ({ status: 503, headers: { "X-Why": "tired" }, body: "x".repeat(5000) }));
    const options = { onSent: (one: SentWebhook) => sent.push(one) };
    const { webhooks, receiver } = await world({ customHeaders: { key: "value" } }, options, failing);
    webhooks.tell(pushed("a", "1"));
    await webhooks.settled();
    expect(receiver.received.length).toBe(1);
    const { entry } = webhooks.history("builds")[0]!;
    expect(keys(entry)).toEqual(["eventRequestMessage", "eventResponseMessage", "id"]);
    expect(entry.id).toBe("a:1");
    expect(keys(entry.eventRequestMessage)).toEqual(["content", "headers", "method", "requestUri", "version"]);
    expect(entry.eventRequestMessage).toMatchObject({ content: pushed("a", "1"), method: "POST", version: "1.1" });
    // The recording shows these three, in this order, and no User-Agent.
    expect(keys(entry.eventRequestMessage.headers)).toEqual(["key", "Content-Type", "Content-Length"]);
    const response = entry.eventResponseMessage;
    expect(keys(response)).toEqual(["content", "headers", "reasonPhrase", "statusCode", "version"]);
    expect(response).toMatchObject({ reasonPhrase: "Service Unavailable", statusCode: "503", version: "1.1" });
    expect([response.content.length, response.headers?.["x-why"]]).toEqual([4096, "tired"]);
    expect(sent).toEqual([{ webhook: "builds", id: "a:1", action: "push", statusCode: "503" }]);
  });

  test("a silent receiver is recorded as a gateway timeout, as seen on Azure", async () => {
    const silent = await startReceiver(() => "silence");
    const { webhooks } = await world({}, { answerWithinMs: 100 }, silent);
    webhooks.ping("builds");
    await webhooks.settled();
    const recorded = { content: "Operation timed out.", reasonPhrase: "GatewayTimeout", statusCode: "504" };
    expect(webhooks.history("builds")[0]!.entry.eventResponseMessage).toEqual(recorded);
  });

  test("a slow receiver holds up nobody else", async () => {
    let answer = () => {};
    const first = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const slow = await startReceiver(async (_, count) => {
      if (count === 1) await first;
      return {};
    });
    const { webhooks, receiver } = await world({}, {}, slow);
    webhooks.tell(pushed("a", "1"));
    webhooks.tell(pushed("a", "2"));
    await receiver.until(2);
    answer();
    await webhooks.settled();
    expect(webhooks.history("builds").map(({ entry }) => entry.id)).toEqual(["a:1", "a:2"]);
  });

  test("nobody outside this machine is called", async () => {
    const { webhooks } = await world();
    const away = ["http://192.0.2.1/", "https://example.com/", "http://127.0.0.1.example.com/", "http://[::1]:9/"];
    for (const [index, url] of away.entries()) {
      webhooks.put(webhook(url, { name: `away${index}` }));
      webhooks.ping(`away${index}`);
    }
    await webhooks.settled();
    for (const [index] of away.entries()) {
      const { eventResponseMessage } = webhooks.history(`away${index}`)[0]!.entry;
      expect(eventResponseMessage).toMatchObject({ statusCode: "502", content: expect.stringContaining("Not sent") });
    }
  });

  test("a redirect is an answer, not a way on", async () => {
    const elsewhere = await startReceiver();
    const redirecting = await startReceiver(() => ({ status: 307, headers: { Location: elsewhere.url } }));
    const { webhooks } = await world({}, {}, redirecting);
    webhooks.ping("builds");
    await webhooks.settled();
    expect(elsewhere.received).toEqual([]);
    expect(webhooks.history("builds")[0]!.entry.eventResponseMessage.statusCode).toBe("307");
  });

  test("a webhook that was just made is there after a crash", async () => {
    const { dir, webhooks } = await world();
    expect(new Webhooks({ dir }).list()).toEqual(webhooks.list());
  });

  test("what was on its way at a stop is lost; webhooks and history come back", async () => {
    const { dir, webhooks, receiver } = await world({}, {}, await startReceiver((_, n) => (n === 2 ? "silence" : {})));
    webhooks.tell(pushed("a", "1"));
    await webhooks.settled();
    webhooks.tell(pushed("a", "2"));
    await receiver.until(2);
    await webhooks.close();
    const again = new Webhooks({ dir });
    await again.settled();
    expect(again.list()).toEqual(webhooks.list());
    expect(again.history("BUILDS").map(({ entry }) => entry.id)).toEqual(["a:1"]);
    expect(receiver.received.length).toBe(2);
    again.remove("builds");
    expect(new Webhooks({ dir }).list()).toEqual([]);
  });

  test("the history keeps the newest 200, in places that stay", async () => {
    const { webhooks } = await world();
    for (let n = 0; n < 205; n += 1) webhooks.tell(pushed("a", String(n)));
    await webhooks.settled();
    const history = webhooks.history("builds");
    expect([history.length, history[0]!.place, history.at(-1)!.place]).toEqual([200, 204, 5]);
  });
});

describe("told to misbehave", () => {
  async function arrivals(prepare: (webhooks: Webhooks) => void, tags: readonly string[]): Promise<string[]> {
    const { webhooks, receiver } = await world();
    prepare(webhooks);
    for (const tag of tags) {
      webhooks.tell(pushed("a", tag));
      await webhooks.settled();
    }
    return ids(receiver);
  }

  test("loses the next events, and no history has them", async () => {
    expect(await arrivals(({ faults }) => Object.assign(faults, { lose: 2 }), ["1", "2", "3"])).toEqual(["a:3"]);
  });

  test("sends the next one twice, with the same id", async () => {
    expect(await arrivals(({ faults }) => Object.assign(faults, { duplicate: 1 }), ["1", "2"])).toEqual([
      ...["a:1", "a:1"],
      "a:2",
    ]);
  });

  test("turns the order of the next three around", async () => {
    expect(await arrivals(({ faults }) => Object.assign(faults, { reverse: 3 }), ["1", "2", "3", "4"])).toEqual([
      ...["a:3", "a:2", "a:1"],
      "a:4",
    ]);
  });

  test("brings an old event again after a newer one", async () => {
    const { webhooks, receiver } = await world();
    webhooks.tell(pushed("a", "1"));
    await webhooks.settled();
    webhooks.faults.replay = 1;
    webhooks.tell(pushed("a", "2"));
    await webhooks.settled();
    expect(ids(receiver)).toEqual(["a:1", "a:2", "a:1"]);
  });

  test("a delay on one sender lets the other come first", async () => {
    const receiver = await startReceiver();
    const [slow, quick] = [await world({}, {}, receiver), await world({}, {}, receiver)];
    slow.webhooks.faults.delayMs = 1_000;
    slow.webhooks.tell(pushed("slow", "1"));
    quick.webhooks.tell(pushed("quick", "1"));
    await Promise.all([slow.webhooks.settled(), quick.webhooks.settled()]);
    expect(ids(receiver)).toEqual(["quick:1", "slow:1"]);
  });
});
