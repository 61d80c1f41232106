import { createHash } from "node:crypto";
import { inspect } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import { PermanentError, TransientError } from "../../src/errors.ts";
import type { RegistryCredential } from "../../src/oci/credential.ts";
import { createOciClient } from "../../src/oci/registry-client.ts";
import { Secret } from "../../src/secret.ts";
import { lookUp } from "../support/look-up.ts";
import { type Answer, type Peer, type SeenRequest, startPeer } from "../support/scripted-peer.ts";

const digest = `sha256:${"ab".repeat(32)}`;
const indexType = "application/vnd.oci.image.index.v1+json";
const peers: Peer[] = [];
afterEach(async () => {
  await Promise.all(peers.splice(0).map((peer) => peer.close()));
});

async function peer(answer: (request: SeenRequest, index: number) => Answer): Promise<Peer> {
  const started = await startPeer(answer);
  peers.push(started);
  return started;
}
const anonymous = { credentials: () => undefined };
const password: RegistryCredential = { kind: "password", username: "joe", password: new Secret("hunter2") };
const found: Answer = { headers: { "docker-content-digest": digest, "content-type": `${indexType}; charset=utf-8` } };
const challenge = (realm: string): Answer => ({
  status: 401,
  headers: { "www-authenticate": `Bearer realm="${realm}",service="reg,istry",scope="repository:team/app:pull"` },
});
const reference = (registry: Peer, change = {}) => ({
  registry: registry.host,
  repository: "team/app",
  tag: "main",
  ...change,
});

describe("look", () => {
  test("asks with HEAD for all four manifest types", async () => {
    const registry = await peer(() => found);
    const client = createOciClient(anonymous);
    expect(await lookUp(client, reference(registry))).toEqual({ kind: "found", digest });
    const [sent] = registry.seen;
    expect(`${sent!.method} ${sent!.url}`).toBe("HEAD /v2/team/app/manifests/main");
    for (const type of [
      "oci.image.index.v1",
      "distribution.manifest.list.v2",
      "oci.image.manifest.v1",
      "distribution.manifest.v2",
    ])
      expect(sent!.headers.accept).toContain(type);
    expect(sent!.headers.authorization).toBeUndefined();
  });

  test("a digest wins over a tag; neither means latest", async () => {
    const registry = await peer(() => found);
    const client = createOciClient(anonymous);
    await lookUp(client, reference(registry, { digest }));
    await lookUp(client, reference(registry, { tag: undefined }));
    expect(registry.seen.map(({ url }) => url.split("/").at(-1))).toEqual([digest, "latest"]);
  });

  test("without a digest header: GET, and the hash of the very bytes", async () => {
    const manifest = `{"schemaVersion":2,  "mediaType":"${indexType}"}`;
    const registry = await peer((request) => (request.method === "HEAD" ? {} : { body: manifest }));
    expect(await lookUp(createOciClient(anonymous), reference(registry))).toEqual({
      kind: "found",
      digest: `sha256:${createHash("sha256").update(manifest).digest("hex")}`,
    });
  });

  test("a registry without HEAD is asked with GET", async () => {
    const registry = await peer((request) => (request.method === "HEAD" ? { status: 405 } : { body: "{}" }));
    expect(await lookUp(createOciClient(anonymous), reference(registry))).toMatchObject({ kind: "found" });
  });

  test("a digest header of another kind is not believed", async () => {
    const registry = await peer((request) =>
      request.method === "HEAD" ? { headers: { "docker-content-digest": "md5:123" } } : { body: "{}" },
    );
    expect(await lookUp(createOciClient(anonymous), reference(registry))).toMatchObject({
      digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    });
  });

  test("an over-long manifest is unknown", async () => {
    const registry = await peer((request) =>
      request.method === "HEAD" ? {} : { body: Buffer.alloc(4 * 1024 * 1024 + 1) },
    );
    expect(await lookUp(createOciClient(anonymous), reference(registry))).toMatchObject({ kind: "unknown" });
  });

  test.each<[string, Answer, string]>([
    ["404", { status: 404 }, "absent"],
    ["403", { status: 403 }, "unknown"],
    ["401 without a challenge", { status: 401 }, "unknown"],
    ["429", { status: 429 }, "unknown"],
    ["500", { status: 500 }, "unknown"],
    ["304", { status: 304 }, "unknown"],
    ["a lost reply", "reset", "unknown"],
  ])("%s", async (_what, answer, kind) => {
    const registry = await peer(() => answer);
    expect(await lookUp(createOciClient(anonymous), reference(registry))).toMatchObject({ kind });
    expect(registry.seen).toHaveLength(1);
  });

  test.each([
    { repository: "Team/App" },
    { repository: "../admin" },
    { tag: "a b" },
    { digest: "sha256:short" },
    { registry: "user@host" },
    { registry: "host/path" },
    { registry: "" },
  ])("a reference that is none is unknown and asks nobody: %j", async (change) => {
    const registry = await peer(() => found);
    expect(await lookUp(createOciClient(anonymous), reference(registry, change))).toMatchObject({
      kind: "unknown",
    });
    expect(registry.seen).toHaveLength(0);
  });
});

describe("an ETag", () => {
  const before = { etag: '"v1"', digest: `sha256:${"cd".repeat(32)}` };
  const offering = (etag: string): Answer => ({ headers: { "docker-content-digest": digest, etag } });

  test("is kept with the digest it came with", async () => {
    const registry = await peer(() => offering('W/"v2"'));
    const { offered } = await createOciClient(anonymous).look(reference(registry), before);
    expect(registry.seen[0]!.headers["if-none-match"]).toBe('"v1"');
    expect(offered).toEqual({ etag: 'W/"v2"', digest });
  });

  test.each(["", "v2", '"v2', `"${"v".repeat(201)}"`, '"v 2"', '"ü"', '"v", "w"'])(
    "like %j is not kept",
    async (etag) => {
      const registry = await peer(() => offering(etag));
      expect(await createOciClient(anonymous).look(reference(registry))).not.toHaveProperty("offered");
    },
  );

  test("that still holds is the digest it came with, also behind a token", async () => {
    const registry: Peer = await peer((request) => {
      if (request.url.startsWith("/token")) return { body: { token: "t1" } };
      return request.headers.authorization ? { status: 304 } : challenge(`${registry.url}/token`);
    });
    const look = await createOciClient(anonymous).look(reference(registry), before);
    expect(look).toMatchObject({ lookup: { kind: "found", digest: before.digest }, offered: before });
    expect(registry.seen.map(({ method }) => method)).toEqual(["HEAD", "GET", "HEAD"]);
  });

  test("is not asked for when we have none, so a 304 says nothing", async () => {
    const registry = await peer(() => ({ status: 304 }));
    expect(await lookUp(createOciClient(anonymous), reference(registry))).toMatchObject({ kind: "unknown" });
    expect(registry.seen[0]!.headers).not.toHaveProperty("if-none-match");
  });
});

describe("a registry that wants to be left alone", () => {
  const answered = async (status: number, headers: Record<string, string>) => {
    const registry = await peer(() => ({ status, headers: { "docker-content-digest": digest, ...headers } }));
    return createOciClient(anonymous).look(reference(registry));
  };
  const budget = (left: string, limit = "100;w=21600") => ({ "ratelimit-limit": limit, "ratelimit-remaining": left });

  test.each([
    ["at half", budget("50;w=21600"), undefined],
    ["above a tenth", budget("11;w=21600"), undefined],
    ["at a tenth", budget("10;w=21600"), 2160],
    ["at nothing", budget("0;w=21600"), 2160],
    ["with the window at the limit only", budget("0"), 2160],
    ["with a window longer than we wait", budget("0", "100;w=999999"), 3600],
    ["without a window", budget("0", "100"), undefined],
    ["with a limit that is none", budget("0", "-1;w=x"), undefined],
    ["without a limit", { "ratelimit-remaining": "0" }, undefined],
  ])("says so with its answer: %s", async (_what, headers, seconds) => {
    const { lookup, leaveAloneSeconds } = await answered(200, headers);
    expect(lookup).toMatchObject({ kind: "found" });
    expect(leaveAloneSeconds).toBe(seconds);
  });

  test.each([
    ["when to come back", { "retry-after": "7", ...budget("0") }, 7],
    ["what is left", budget("0"), 2160],
    ["nothing", {}, 60],
  ])("or refuses with a 429 and says %s", async (_what, headers, retryAfterSeconds) => {
    expect((await answered(429, headers)).lookup).toMatchObject({ kind: "unknown", retryAfterSeconds });
  });

  test("or its token server does", async () => {
    const registry: Peer = await peer((request) =>
      request.url.startsWith("/token") ? { status: 429 } : challenge(`${registry.url}/token`),
    );
    const lookup = await lookUp(createOciClient(anonymous), reference(registry));
    expect(lookup).toMatchObject({ kind: "unknown", retryAfterSeconds: 60 });
  });
});

describe("hosts", () => {
  const asked = async (registry: string) => {
    const urls: string[] = [];
    const fetch = async (input: unknown) => {
      urls.push(String(input));
      return new Response(null, { headers: { "docker-content-digest": digest } });
    };
    await lookUp(createOciClient({ ...anonymous, fetch }), { registry, repository: "library/node", tag: "20" });
    return urls[0]?.replace("/v2/library/node/manifests/20", "");
  };
  test.each([
    ["docker.io", "https://registry-1.docker.io"],
    ["registry.hub.docker.com", "https://registry-1.docker.io"],
    ["AcmeProd.azurecr.io", "https://acmeprod.azurecr.io"],
    ["registry.example:5000", "https://registry.example:5000"],
    ["10.0.0.1:5000", "https://10.0.0.1:5000"],
    ["127.0.0.1:5000", "http://127.0.0.1:5000"],
    ["127.8.9.1", "http://127.8.9.1"],
    ["localhost:5000", "http://localhost:5000"],
    ["[::1]:5000", "http://[::1]:5000"],
  ])("%s is asked at %s", async (registry, origin) => {
    expect(await asked(registry)).toBe(origin);
  });
});

describe("tokens", () => {
  /** Registry and token server in one; the token is good for as long as it says. */
  async function withTokens(grant: object = { token: "t1" }) {
    const registry: Peer = await peer((request) => {
      if (request.url.startsWith("/token")) return { body: grant };
      return request.headers.authorization === "Bearer t1" ? found : challenge(`${registry.url}/token?a=b`);
    });
    return registry;
  }
  const urls = (registry: Peer) => registry.seen.map(({ method, url }) => `${method} ${url.split("?")[0]}`);

  test("follows a Bearer challenge, then uses the cached token at once", async () => {
    const registry = await withTokens();
    const client = createOciClient(anonymous);
    await lookUp(client, reference(registry));
    expect(await lookUp(client, reference(registry, { tag: "next" }))).toMatchObject({ kind: "found" });
    expect(urls(registry)).toEqual([
      "HEAD /v2/team/app/manifests/main",
      "GET /token",
      "HEAD /v2/team/app/manifests/main",
      "HEAD /v2/team/app/manifests/next",
    ]);
    const query = new URL(registry.seen[1]!.url, "http://x").searchParams;
    expect(Object.fromEntries(query)).toEqual({ a: "b", service: "reg,istry", scope: "repository:team/app:pull" });
    expect(registry.seen[1]!.headers.authorization).toBeUndefined();
  });

  test.each([
    ["60 s when the answer says nothing", { access_token: "t1" }, 50, 61],
    ["as long as the answer says", { token: "t1", expires_in: 300 }, 200, 301],
  ])("keeps a token %s", async (_what, grant, stillGood, expired) => {
    const registry = await withTokens(grant);
    let now = 1_000_000;
    const client = createOciClient({ ...anonymous, now: () => now });
    const tokensAsked = async () => {
      await lookUp(client, reference(registry));
      return urls(registry).filter((url) => url === "GET /token").length;
    };
    expect(await tokensAsked()).toBe(1);
    now += stillGood * 1000;
    expect(await tokensAsked()).toBe(1);
    now += (expired - stillGood) * 1000;
    expect(await tokensAsked()).toBe(2);
  });

  test("tokens are per repository", async () => {
    const registry = await withTokens();
    const client = createOciClient(anonymous);
    await lookUp(client, reference(registry));
    await lookUp(client, reference(registry, { repository: "team/other" }));
    expect(urls(registry).filter((url) => url === "GET /token")).toHaveLength(2);
  });

  test("a token that is not taken either is unknown, after one try", async () => {
    const registry = await withTokens({ token: "wrong" });
    expect(await lookUp(createOciClient(anonymous), reference(registry))).toMatchObject({
      kind: "unknown",
      why: expect.stringContaining("401"),
    });
    expect(registry.seen).toHaveLength(3);
  });

  test("a password goes to the token server on the registry's own host", async () => {
    const registry = await withTokens();
    await lookUp(createOciClient({ credentials: () => password }), reference(registry));
    expect(registry.seen[0]!.headers.authorization).toBeUndefined();
    expect(registry.seen[1]!.headers.authorization).toBe(`Basic ${Buffer.from("joe:hunter2").toString("base64")}`);
  });

  test("and to no other host, unless that is allowed", async () => {
    const thief = await peer(() => ({ body: { token: "t1" } }));
    const registry = await peer((request) =>
      request.headers.authorization === "Bearer t1" ? found : challenge(`${thief.url}/token`),
    );
    const lookup = await lookUp(createOciClient({ credentials: () => password }), reference(registry));
    expect(lookup).toMatchObject({ kind: "unknown", why: expect.stringContaining(thief.host) });
    expect(thief.seen).toHaveLength(0);
    const client = createOciClient({ credentials: () => password, tokenHosts: () => [thief.host] });
    expect(await lookUp(client, reference(registry))).toMatchObject({ kind: "found" });
  });

  test("without a password another host is not asked either, unless that is allowed", async () => {
    const tokens = await peer(() => ({ body: { token: "t1" } }));
    const registry = await peer((request) =>
      request.headers.authorization === "Bearer t1" ? found : challenge(`${tokens.url}/token`),
    );
    const lookup = await lookUp(createOciClient(anonymous), reference(registry));
    expect(lookup).toMatchObject({ kind: "unknown", why: expect.stringContaining(`${tokens.host} for a token`) });
    expect(tokens.seen).toHaveLength(0);
    const client = createOciClient({
      ...anonymous,
      tokenHosts: (host) => (host === registry.host ? [tokens.host] : []),
    });
    expect(await lookUp(client, reference(registry))).toMatchObject({ kind: "found" });
  });

  test.each([
    ["docker.io", "https://auth.docker.io/token", true],
    ["docker.io", "https://auth.docker.io.example/token", false],
    ["ghcr.io", "https://ghcr.io/token", true],
    ["ghcr.io", "https://auth.docker.io/token", false],
    ["ghcr.io", "https://10.0.0.8/token", false],
    ["ghcr.io", "https://169.254.169.254/metadata", false],
    ["ghcr.io", "https://ghcr.io:8443/token", false],
  ])("%s may send us to %s for one: %s", async (registry, realm, may) => {
    const asked: string[] = [];
    const fetch: typeof globalThis.fetch = async (input) => {
      asked.push(String(input).split("?")[0]!);
      return new Response(null, { status: 401, headers: { "www-authenticate": `Bearer realm="${realm}"` } });
    };
    await lookUp(createOciClient({ ...anonymous, fetch }), { registry, repository: "x", tag: "y" });
    expect(asked.includes(realm)).toBe(may);
  });

  test("a token server cannot send us on to another host", async () => {
    const inner = await peer(() => ({ body: { token: "t1" } }));
    const registry: Peer = await peer((request) =>
      request.url.startsWith("/token")
        ? { status: 302, headers: { location: `${inner.url}/token` } }
        : challenge(`${registry.url}/token`),
    );
    expect(await lookUp(createOciClient(anonymous), reference(registry))).toMatchObject({ kind: "unknown" });
    expect(inner.seen).toHaveLength(0);
  });

  test.each([
    "http://auth.example/token",
    "ftp://auth.example/token",
    "https://user:pw@auth.example/token",
    "nonsense",
  ])("the realm %s is not asked", async (realm) => {
    const registry = await peer(() => challenge(realm));
    expect(await lookUp(createOciClient(anonymous), reference(registry))).toMatchObject({ kind: "unknown" });
    expect(registry.seen).toHaveLength(1);
  });

  test("a registry on the internet cannot point us at loopback", async () => {
    const local = await peer(() => ({ body: { token: "t1" } }));
    const fetch: typeof globalThis.fetch = async (input, init) =>
      String(input).startsWith("https://evil.example")
        ? new Response(null, { status: 401, headers: { "www-authenticate": `Bearer realm="${local.url}/msi/token"` } })
        : await globalThis.fetch(input, init);
    const evil = { registry: "evil.example", repository: "x", tag: "y" };
    expect(await lookUp(createOciClient({ ...anonymous, fetch }), evil)).toMatchObject({ kind: "unknown" });
    // Not even where somebody listed such a host for it.
    const listed = createOciClient({ ...anonymous, fetch, tokenHosts: () => [local.host] });
    expect(await lookUp(listed, evil)).toMatchObject({ kind: "unknown" });
    expect(local.seen).toHaveLength(0);
  });

  test("Basic, for registries that have nothing else", async () => {
    const registry = await peer((request) =>
      request.headers.authorization ? found : { status: 401, headers: { "www-authenticate": 'Basic realm="r"' } },
    );
    expect(await lookUp(createOciClient({ credentials: () => password }), reference(registry))).toMatchObject({
      kind: "found",
    });
  });

  test("neither password nor token shows in what comes back", async () => {
    const registry = await peer((request) =>
      request.url.startsWith("/token")
        ? { status: 403, body: "hunter2" }
        : challenge(`${registry.url}/token?secret=hunter2`),
    );
    const client = createOciClient({ credentials: () => password });
    expect(inspect(await lookUp(client, reference(registry)), { depth: 9 })).not.toContain("hunter2");
    const error = await client.moveTag(reference(registry), digest, "t").catch((reason) => reason);
    expect(error).toBeInstanceOf(PermanentError);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/hunter2|am9lO/);
  });
});

describe("redirects", () => {
  const tokenSource: RegistryCredential = { kind: "token-source", token: async () => new Secret("t1") };

  test("to another host are not followed, unless it is allowed, and then without the token", async () => {
    const mirror = await peer(() => found);
    const registry = await peer(() => ({ status: 307, headers: { location: `${mirror.url}/v2/x` } }));
    const lookup = await lookUp(createOciClient({ credentials: () => tokenSource }), reference(registry));
    expect(lookup).toMatchObject({ kind: "unknown", why: expect.stringContaining(mirror.host) });
    expect(mirror.seen).toHaveLength(0);
    registry.seen.length = 0;
    const client = createOciClient({ credentials: () => tokenSource, tokenHosts: () => [mirror.host] });
    expect(await lookUp(client, reference(registry))).toMatchObject({ kind: "found" });
    expect(registry.seen[0]!.headers.authorization).toBe("Bearer t1");
    expect(mirror.seen[0]!.headers.authorization).toBeUndefined();
  });

  test("on the same host keep it", async () => {
    const registry = await peer((_request, index) =>
      index === 0 ? { status: 302, headers: { location: "/v2/moved" } } : found,
    );
    await lookUp(createOciClient({ credentials: () => tokenSource }), reference(registry));
    expect(registry.seen[1]).toMatchObject({ url: "/v2/moved", headers: { authorization: "Bearer t1" } });
  });

  test.each([
    ["https://us-west1-docker.pkg.dev/v2/k8s/pause/manifests/3.9", "found"],
    ["https://docker.pkg.dev.example/v2/k8s/pause/manifests/3.9", "unknown"],
    ["https://10.0.0.8/v2/k8s/pause/manifests/3.9", "unknown"],
  ])("of registry.k8s.io to %s: %s", async (location, kind) => {
    const fetch: typeof globalThis.fetch = async (input) =>
      String(input).startsWith("https://registry.k8s.io/")
        ? new Response(null, { status: 307, headers: { location } })
        : new Response(null, { headers: { "docker-content-digest": digest } });
    const pause = { registry: "registry.k8s.io", repository: "pause", tag: "3.9" };
    expect(await lookUp(createOciClient({ ...anonymous, fetch }), pause)).toMatchObject({ kind });
  });

  test("without end are unknown", async () => {
    const registry = await peer(() => ({ status: 302, headers: { location: "/again" } }));
    expect(await lookUp(createOciClient(anonymous), reference(registry))).toMatchObject({ kind: "unknown" });
    expect(registry.seen.length).toBeLessThan(10);
  });

  test("that come back to the host they left have lost the token on the way", async () => {
    const mirror: Peer = await peer(({ url }) => ({
      status: 307,
      headers: { location: url === "/v2/away" ? "/v2/further" : `${registry.url}/v2/back` },
    }));
    const registry: Peer = await peer(({ url }) =>
      url === "/v2/back" ? found : { status: 307, headers: { location: `${mirror.url}/v2/away` } },
    );
    const client = createOciClient({
      credentials: () => tokenSource,
      tokenHosts: () => [mirror.host, registry.host],
    });
    expect(await lookUp(client, reference(registry))).toMatchObject({ kind: "found" });
    expect([...registry.seen, ...mirror.seen].map(({ url, headers }) => [url, headers.authorization])).toEqual([
      ["/v2/team/app/manifests/main", "Bearer t1"],
      ["/v2/back", undefined],
      ["/v2/away", undefined],
      ["/v2/further", undefined],
    ]);
  });

  test("to plain http on the very same host are not followed", async () => {
    const asked: string[] = [];
    const fetch: typeof globalThis.fetch = async (input) => {
      asked.push(String(input));
      return new Response(null, { status: 302, headers: { location: "http://registry.example/v2/x" } });
    };
    const there = { registry: "registry.example", repository: "x", tag: "y" };
    expect(await lookUp(createOciClient({ ...anonymous, fetch }), there)).toMatchObject({ kind: "unknown" });
    expect(asked).toEqual(["https://registry.example/v2/x/manifests/y"]);
  });

  test("to plain http on the internet are not followed", async () => {
    const registry = await peer(() => ({ status: 302, headers: { location: "http://registry.example/v2/x" } }));
    expect(await lookUp(createOciClient(anonymous), reference(registry))).toMatchObject({ kind: "unknown" });
  });
});

describe("moveTag", () => {
  const manifest = Buffer.from('{ "schemaVersion": 2 }\n');
  const manifestDigest = `sha256:${createHash("sha256").update(manifest).digest("hex")}`;
  const stored: Answer = { body: manifest, headers: { "content-type": indexType } };
  const put = (answer: Answer) => (request: SeenRequest) => (request.method === "PUT" ? answer : stored);

  test("puts the same bytes under the tag with the same type", async () => {
    const registry = await peer(put({ status: 201 }));
    await createOciClient(anonymous).moveTag(reference(registry), manifestDigest, "stable");
    expect(registry.seen.map(({ method, url }) => `${method} ${url}`)).toEqual([
      `GET /v2/team/app/manifests/${manifestDigest}`,
      "PUT /v2/team/app/manifests/stable",
    ]);
    expect(registry.seen[1]!.body.equals(manifest)).toBe(true);
    expect(registry.seen[1]!.headers["content-type"]).toBe(indexType);
  });

  test("says the type that the manifest itself names, when its registry says less", async () => {
    const typed = Buffer.from(`{"mediaType":"${indexType}"}`);
    const answer: Answer = { body: typed, headers: { "content-type": "application/json" } };
    const registry = await peer((request) => (request.method === "PUT" ? { status: 201 } : answer));
    const typedDigest = `sha256:${createHash("sha256").update(typed).digest("hex")}`;
    await createOciClient(anonymous).moveTag(reference(registry), typedDigest, "stable");
    expect(registry.seen[1]!.headers["content-type"]).toBe(indexType);
  });

  test("asks for one token that may push", async () => {
    const scopes: string[] = [];
    const registry = await peer(put({ status: 201 }));
    const credential: RegistryCredential = {
      kind: "token-source",
      token: async (scope) => {
        scopes.push(scope);
        return new Secret("t1");
      },
    };
    await createOciClient({ credentials: () => credential }).moveTag(reference(registry), manifestDigest, "stable");
    expect(new Set(scopes)).toEqual(new Set(["repository:team/app:pull,push"]));
  });

  test.each<[string, Answer, object]>([
    ["403", { status: 403 }, { name: "PermanentError", code: "registry-denied" }],
    ["405 for a locked tag", { status: 405 }, { name: "PermanentError", code: "registry-refused" }],
    ["429", { status: 429, headers: { "retry-after": "9" } }, { name: "TransientError", retryAfterSeconds: 9 }],
    ["502", { status: 502 }, { name: "TransientError" }],
    ["a lost reply", "reset", { name: "TransientError" }],
  ])("a PUT answered with %s", async (_what, answer, expected) => {
    const registry = await peer(put(answer));
    await expect(
      createOciClient(anonymous).moveTag(reference(registry), manifestDigest, "stable"),
    ).rejects.toMatchObject(expected);
  });

  test("a digest the registry does not have", async () => {
    const registry = await peer(() => ({ status: 404 }));
    await expect(
      createOciClient(anonymous).moveTag(reference(registry), manifestDigest, "stable"),
    ).rejects.toMatchObject({
      code: "manifest-absent",
    });
  });

  test("other bytes than the digest says are never put", async () => {
    const registry = await peer(put({ status: 201 }));
    await expect(createOciClient(anonymous).moveTag(reference(registry), digest, "stable")).rejects.toBeInstanceOf(
      TransientError,
    );
    expect(registry.seen.filter(({ method }) => method === "PUT")).toHaveLength(0);
  });

  test("a tag that is none is refused before asking", async () => {
    const registry = await peer(put({ status: 201 }));
    await expect(createOciClient(anonymous).moveTag(reference(registry), manifestDigest, "a/b")).rejects.toMatchObject({
      code: "bad-reference",
    });
    expect(registry.seen).toHaveLength(0);
  });
});
