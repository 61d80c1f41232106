import { createVerify, generateKeyPairSync } from "node:crypto";
import { inspect } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import { createGitHubAuth } from "../../src/github/auth.ts";
import { createGitHub } from "../../src/github/github.ts";
import { Secret } from "../../src/secret.ts";
import { type Answer, type Peer, type SeenRequest, startPeer } from "../support/scripted-peer.ts";

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const pem = privateKey.export({ type: "pkcs1", format: "pem" }).toString();
const source = { provider: "github", id: 42, fullName: "acme/web" } as const;
const sha = "c".repeat(40);

let api: Peer;
afterEach(async () => {
  await api.close();
});

/** Knows which installation reaches which repository ids; gives tokens `ghs_<installation>_<number>`. */
async function app(options: {
  installations: Record<string, number[]>;
  named?: Record<string, number>;
  override?: (request: SeenRequest) => Answer | undefined;
}) {
  let tokens = 0;
  api = await startPeer((request) => {
    const told = options.override?.(request);
    if (told) return told;
    const path = request.url.split("?")[0]!;
    const named = /^\/repos\/(.+)\/installation$/.exec(path)?.[1];
    if (named) {
      const id = options.named?.[named];
      return id ? { body: { id } } : { status: 404 };
    }
    if (path === "/app/installations")
      return { body: Object.keys(options.installations).map((id) => ({ id: Number(id) })) };
    const minting = /^\/app\/installations\/(\d+)\/access_tokens$/.exec(path)?.[1];
    if (minting) {
      const [wanted] = JSON.parse(request.body.toString()).repository_ids;
      if (!options.installations[minting]?.includes(wanted))
        return { status: 422, body: { message: "not accessible" } };
      tokens += 1;
      const expires_at = new Date(Date.now() + 3_600_000).toISOString();
      return {
        status: 201,
        body: { token: `ghs_${minting}_${tokens}`, expires_at, permissions: {}, repository_selection: "selected" },
      };
    }
    return {
      body: {
        ref: "refs/heads/main",
        object: { type: "commit", sha },
        id: 42,
        full_name: "acme/web",
        default_branch: "main",
      },
    };
  });
  const auth = createGitHubAuth({
    apiUrl: api.url,
    credential: { kind: "app", appId: "99", privateKey: new Secret(pem) },
  });
  return createGitHub({ apiUrl: api.url, auth });
}
const asked = () => api.seen.map(({ method, url }) => `${method} ${url.split("?")[0]}`);
const minted = () => api.seen.filter(({ url }) => url.endsWith("/access_tokens"));

describe("as a GitHub App", () => {
  test("finds the installation by name, with a signed JWT, and narrows the token", async () => {
    const gitHub = await app({ installations: { 5: [42] }, named: { "acme/web": 5 } });
    expect(await gitHub.refHead(source, "refs/heads/main")).toEqual({ kind: "found", sha });
    expect(asked()).toEqual([
      "GET /repos/acme/web/installation",
      "POST /app/installations/5/access_tokens",
      "GET /repos/acme/web/git/ref/heads/main",
    ]);
    const jwt = api.seen[0]!.headers.authorization!.replace(/^bearer /i, "");
    const [head, body, signature] = jwt.split(".");
    expect(createVerify("RSA-SHA256").update(`${head}.${body}`).verify(publicKey, signature!, "base64url")).toBe(true);
    const claims = JSON.parse(Buffer.from(body!, "base64url").toString());
    expect(String(claims.iss)).toBe("99");
    expect(claims.exp - claims.iat).toBeLessThanOrEqual(600);
    expect(JSON.parse(minted()[0]!.body.toString())).toMatchObject({
      repository_ids: [42],
      permissions: { contents: "read" },
    });
    expect(api.seen[2]!.headers.authorization).toBe("Bearer ghs_5_1");
  });

  test("keeps installation and token; another permission is another token", async () => {
    const gitHub = await app({ installations: { 5: [42] }, named: { "acme/web": 5 } });
    await gitHub.refHead(source, "refs/heads/main");
    await gitHub.refHead(source, "refs/heads/main");
    expect(minted()).toHaveLength(1);
    await gitHub.postStatus(source, sha, { state: "success", context: "c", description: "d" });
    expect(minted()).toHaveLength(2);
    expect(JSON.parse(minted()[1]!.body.toString()).permissions).toEqual({ statuses: "write" });
    expect(asked().filter((one) => one.endsWith("/installation"))).toHaveLength(1);
  });

  test("a repository known by id alone is searched for", async () => {
    const gitHub = await app({ installations: { 3: [7], 5: [42] } });
    expect(await gitHub.repository(42)).toMatchObject({ fullName: "acme/web" });
    expect(asked().slice(-1)).toEqual(["GET /repositories/42"]);
    expect(api.seen.at(-1)!.headers.authorization).toBe("Bearer ghs_5_1");
  });

  test("a name that now belongs to somebody else gives no token for it", async () => {
    const gitHub = await app({ installations: { 3: [666], 5: [42] }, named: { "acme/web": 3 } });
    await gitHub.refHead(source, "refs/heads/main");
    expect(api.seen.at(-1)!.headers.authorization).toBe("Bearer ghs_5_1");
  });

  test("not installed: said so, and a repository that is not ours is undefined", async () => {
    const gitHub = await app({ installations: { 3: [7] } });
    await expect(gitHub.refHead(source, "refs/heads/main")).rejects.toMatchObject({
      code: "github-not-installed",
      message: expect.stringContaining("contents:read"),
    });
    expect(await gitHub.repository(42)).toBeUndefined();
  });

  test("a refused token is replaced, once", async () => {
    const old = new Set(["Bearer ghs_5_1"]);
    const gitHub = await app({
      installations: { 5: [42] },
      named: { "acme/web": 5 },
      override: ({ headers }) => (old.has(String(headers.authorization)) ? { status: 401 } : undefined),
    });
    expect(await gitHub.refHead(source, "refs/heads/main")).toEqual({ kind: "found", sha });
    expect(minted()).toHaveLength(2);
    old.add("Bearer ghs_5_2").add("Bearer ghs_5_3");
    await expect(gitHub.refHead(source, "refs/heads/main")).rejects.toMatchObject({ code: "github-credentials" });
  });

  test.each<[string, Answer, object]>([
    ["an unknown App", { status: 401 }, { code: "github-credentials" }],
    ["a limit", { status: 429, headers: { "retry-after": "5" } }, { name: "TransientError", retryAfterSeconds: 5 }],
    ["a fault", { status: 500 }, { name: "TransientError" }],
    ["a lost reply", "reset", { name: "TransientError" }],
  ])("%s while getting a token", async (_what, answer, expected) => {
    const gitHub = await app({ installations: {}, override: () => answer });
    const error = await gitHub.refHead(source, "refs/heads/main").catch((reason) => reason);
    expect(error).toMatchObject(expected);
    expect(inspect(error, { depth: 20, showHidden: true })).not.toMatch(/PRIVATE KEY|eyJ/);
  });
});

describe("deliveries", () => {
  const at = (minute: number) => `2026-01-01T00:${String(minute).padStart(2, "0")}:00Z`;
  const delivery = (id: number | string, guid: string, minute: number, status_code: number) =>
    `{"id":${id},"guid":"${guid}","delivered_at":"${at(minute)}","redelivery":false,"status":"x","status_code":${status_code}}`;
  const pageOf = (...deliveries: string[]): Answer => ({
    headers: { "content-type": "application/json" },
    body: `[${deliveries.join(",")}]`,
  });

  test("those of which no attempt was taken, until old enough", async () => {
    const gitHub = await app({
      installations: {},
      override: ({ url }) => {
        if (url.includes("cursor=c3")) return { status: 500 };
        const page: Answer = url.includes("cursor=c2")
          ? pageOf(delivery(3, "g-failed", 20, 0), delivery(2, "g-mended", 15, 500), delivery(1, "g-old", 5, 500))
          : pageOf(
              delivery(6, "g-mended", 50, 202),
              delivery(5, "g-fine", 45, 200),
              delivery("9007199254740995001", "g-failed", 40, 502),
            );
        const next = url.includes("cursor=c2") ? "c3" : "c2";
        return {
          ...(page as object),
          headers: {
            "content-type": "application/json",
            link: `<${api.url}/app/hook/deliveries?per_page=100&cursor=${next}>; rel="next"`,
          },
        };
      },
    });
    expect(await gitHub.failedDeliveries(at(10))).toEqual([{ id: "9007199254740995001", guid: "g-failed" }]);
    expect(api.seen).toHaveLength(2);
    expect(api.seen[0]!.headers.authorization).toMatch(/^Bearer eyJ/);
  });

  test("of a busy App the newest ten thousand attempts are looked through", async () => {
    const gitHub = await app({
      installations: {},
      override: () => ({
        headers: {
          "content-type": "application/json",
          link: `<${api.url}/app/hook/deliveries?per_page=100&cursor=on>; rel="next"`,
        },
        body: `[${delivery(7, "g-failed", 40, 502)}]`,
      }),
    });
    expect(await gitHub.failedDeliveries(at(10))).toEqual([{ id: "7", guid: "g-failed" }]);
    expect(api.seen).toHaveLength(100);
  });

  test("redeliver asks for another attempt", async () => {
    const gitHub = await app({ installations: {}, override: () => ({ status: 202, body: {} }) });
    await gitHub.redeliver("9007199254740995001");
    expect(asked()).toEqual(["POST /app/hook/deliveries/9007199254740995001/attempts"]);
  });
});
