import { inspect } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import { PermanentError, TransientError } from "../../src/errors.ts";
import { createAcrCredentials } from "../../src/oci/acr-token.ts";
import { createOciClient } from "../../src/oci/registry-client.ts";
import { lookUp } from "../support/look-up.ts";
import { type Answer, type Peer, type SeenRequest, startPeer } from "../support/scripted-peer.ts";

const startedAt = 1_750_000_000_000;
const jwt = (name: string, lifetimeSeconds: number) =>
  `${Buffer.from("{}").toString("base64url")}.${Buffer.from(JSON.stringify({ name, exp: startedAt / 1000 + lifetimeSeconds })).toString("base64url")}.sig`;

let registry: Peer;
afterEach(async () => {
  await registry.close();
});

async function acr(override: (request: SeenRequest) => Answer | undefined = () => undefined) {
  registry = await startPeer((request) => {
    const told = override(request);
    if (told) return told;
    if (request.url === "/oauth2/exchange") return { body: { refresh_token: jwt("refresh", 10_800) } };
    if (request.url === "/oauth2/token") return { body: { access_token: jwt("access", 4500) } };
    return { headers: { "docker-content-digest": `sha256:${"ab".repeat(32)}` } };
  });
  const asked: string[] = [];
  const clock = { now: startedAt };
  const credentials = createAcrCredentials({
    armEndpoint: "https://management.azure.com",
    credential: {
      getToken: async (scope) => {
        asked.push(String(scope));
        return { token: "entra-hunter2", expiresOnTimestamp: 0 };
      },
    },
    now: () => clock.now,
  });
  return { client: createOciClient({ credentials }), asked, clock };
}
const reference = () => ({ registry: registry.host, repository: "team/app", tag: "main" });
const posts = () => registry.seen.filter(({ method }) => method === "POST").map(({ url }) => url);

describe("createAcrCredentials", () => {
  test("exchanges the Entra token and uses the access token", async () => {
    const { client, asked } = await acr();
    expect(await lookUp(client, reference())).toMatchObject({ kind: "found" });
    expect(asked).toEqual(["https://management.azure.com/.default"]);
    const [exchange, token, head] = registry.seen;
    expect(Object.fromEntries(new URLSearchParams(exchange!.body.toString()))).toEqual({
      grant_type: "access_token",
      service: registry.host,
      access_token: "entra-hunter2",
    });
    expect(exchange!.headers["content-type"]).toContain("application/x-www-form-urlencoded");
    expect(Object.fromEntries(new URLSearchParams(token!.body.toString()))).toEqual({
      grant_type: "refresh_token",
      service: registry.host,
      scope: "repository:team/app:pull",
      refresh_token: jwt("refresh", 10_800),
    });
    expect(head!.headers.authorization).toBe(`Bearer ${jwt("access", 4500)}`);
  });

  test("keeps tokens for as long as they live", async () => {
    const { client, clock } = await acr();
    await lookUp(client, reference());
    await lookUp(client, reference());
    expect(posts()).toEqual(["/oauth2/exchange", "/oauth2/token"]);
    clock.now += 4600_000;
    await lookUp(client, reference());
    expect(posts()).toEqual(["/oauth2/exchange", "/oauth2/token", "/oauth2/token"]);
  });

  test("a 401 gets new tokens, once", async () => {
    const { client } = await acr(({ method }) => (method === "HEAD" ? { status: 401 } : undefined));
    expect(await lookUp(client, reference())).toMatchObject({ kind: "unknown" });
    expect(registry.seen).toHaveLength(6);
  });

  test.each<[string, Answer, typeof PermanentError | typeof TransientError]>([
    ["refused", { status: 401 }, PermanentError],
    ["throttled", { status: 429 }, TransientError],
    ["answered nonsense", { body: { token: 7 } }, TransientError],
  ])("when the exchange is %s", async (_what, answer, kind) => {
    const { client } = await acr(({ url }) => (url === "/oauth2/exchange" ? answer : undefined));
    expect(await lookUp(client, reference())).toMatchObject({ kind: "unknown" });
    const error = await client.moveTag(reference(), `sha256:${"ab".repeat(32)}`, "t").catch((reason) => reason);
    expect(error).toBeInstanceOf(kind);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("hunter2");
  });

  test("the Entra token does not follow a redirect", async () => {
    const thief = await startPeer(() => ({ body: { refresh_token: "x" } }));
    const { client } = await acr(({ url }) =>
      url === "/oauth2/exchange" ? { status: 307, headers: { location: `${thief.url}/oauth2/exchange` } } : undefined,
    );
    expect(await lookUp(client, reference())).toMatchObject({ kind: "unknown" });
    expect(thief.seen).toHaveLength(0);
    await thief.close();
  });
});
