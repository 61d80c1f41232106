import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManagedIdentityCredential } from "@azure/identity";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type LocalIdentity, startIdentity } from "../../../local/identity/start-identity.ts";
import { signToken } from "../../../local/identity/token.ts";

const dir = mkdtempSync(join(tmpdir(), "identity-"));
const own = { clientId: "11111111-0000-4000-8000-000000000000", objectId: "22222222-0000-4000-8000-000000000000" };
let identity: LocalIdentity;

// One endpoint for the whole file: the Azure SDK remembers the first it finds for as long as its process lives.
beforeAll(async () => {
  identity = await startIdentity({ dir, userAssigned: [own] });
  for (const [name, value] of Object.entries(identity.env)) vi.stubEnv(name, value);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await identity.close();
  rmSync(dir, { recursive: true, force: true });
});

function claimsOf(token: string) {
  const verified = identity.verify(token);
  return verified.kind === "valid" ? verified.claims : verified.reason;
}

describe("with the real ManagedIdentityCredential", () => {
  test("the system-assigned identity gets a token for the resource it asks for", async () => {
    const { token, expiresOnTimestamp } = await new ManagedIdentityCredential().getToken(
      "https://one.example/.default",
    );
    expect(claimsOf(token)).toMatchObject({
      aud: "https://one.example",
      oid: identity.systemAssigned.objectId,
      appid: identity.systemAssigned.clientId,
      tid: identity.tenantId,
    });
    expect(expiresOnTimestamp).toBeGreaterThan(Date.now() + 3_600_000);
  });

  test("a user-assigned identity is found by client id and by object id", async () => {
    for (const names of [{ clientId: own.clientId }, { objectId: own.objectId }]) {
      const { token } = await new ManagedIdentityCredential(names).getToken("https://two.example/.default");
      expect(claimsOf(token)).toMatchObject({ oid: own.objectId });
    }
  });

  test("an identity nobody assigned gets none", async () => {
    const credential = new ManagedIdentityCredential({ clientId: "33333333-0000-4000-8000-000000000000" });
    await expect(credential.getToken("https://three.example/.default")).rejects.toThrow();
  });
});

describe("the endpoint", () => {
  const ask = (query: string, headers: Record<string, string> = {}) =>
    fetch(`${identity.env.IDENTITY_ENDPOINT}?${query}`, { headers });

  test("answers 401 without the secret header", async () => {
    const query = "resource=https://x&api-version=2019-08-01";
    expect((await ask(query)).status).toBe(401);
    expect((await ask(query, { "X-IDENTITY-HEADER": "guess" })).status).toBe(401);
  });

  test("speaks the dialect of 2017 too, with its header, its spelling and its date", async () => {
    const answer = await ask(`resource=https://x&api-version=2017-09-01&clientid=${own.clientId}`, {
      Secret: identity.env.IDENTITY_HEADER,
    });
    const body = (await answer.json()) as Record<string, string>;
    expect(body).toMatchObject({ resource: "https://x", token_type: "Bearer", client_id: own.clientId });
    expect(body.expires_on).toMatch(/^\d\d\/\d\d\/\d{4} \d\d:\d\d:\d\d [AP]M \+00:00$/);
    expect(Date.parse(body.expires_on!)).toBeGreaterThan(Date.now());
  });

  test.each(["resource=https://x", "api-version=2019-08-01", "resource=https://x&api-version=2020-01-01"])(
    "answers 400 to %s",
    async (query) => {
      expect((await ask(query, { "X-IDENTITY-HEADER": identity.env.IDENTITY_HEADER })).status).toBe(400);
    },
  );
});

describe("tokens", () => {
  test("outlive a restart, as do the ids", async () => {
    const token = identity.issue("https://x");
    const before = identity.systemAssigned;
    await identity.close();
    identity = await startIdentity({ dir });
    expect(claimsOf(token)).toMatchObject({ aud: "https://x" });
    expect(identity.systemAssigned).toEqual(before);
  });

  test("that were altered, signed by others or have expired are not valid", async () => {
    const token = identity.issue("https://x");
    const [header, , signature] = token.split(".");
    const claims = { ...(claimsOf(token) as object), aud: "https://y" } as Parameters<typeof signToken>[0];
    const forged = Buffer.from(JSON.stringify(claims)).toString("base64url");
    expect(claimsOf(`${header}.${forged}.${signature}`)).toBe("signature");
    expect(claimsOf(signToken(claims, "another key"))).toBe("signature");
    expect(claimsOf("nonsense")).toBe("malformed");
    const brief = await startIdentity({ dir, tokenLifetimeSeconds: -1 });
    expect(claimsOf(brief.issue("https://x"))).toBe("expired");
    await brief.close();
  });
});
