import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createCredential } from "../../src/azure/credential.ts";
import { type Peer, startPeer } from "../support/scripted-peer.ts";

// One server for the file: MSAL remembers the identity endpoint for the life of the process.
let identity: Peer;
beforeAll(async () => {
  const expires = Math.floor(Date.now() / 1000) + 3600;
  identity = await startPeer(() => ({
    body: { access_token: "entra-token", expires_on: String(expires), resource: "r", token_type: "Bearer" },
  }));
  vi.stubEnv("IDENTITY_ENDPOINT", `${identity.url}/msi/token`);
  vi.stubEnv("IDENTITY_HEADER", "header-secret");
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await identity.close();
});

describe("createCredential", () => {
  test("asks the host's identity endpoint as the user-assigned identity", async () => {
    const credential = createCredential({ managedIdentity: true, clientId: "0a1b-client" });
    expect(identity.seen).toHaveLength(0);
    const token = await credential.getToken("https://management.azure.com/.default");
    expect(token?.token).toBe("entra-token");
    const url = new URL(identity.seen[0]!.url, "http://x");
    expect(url.searchParams.get("client_id")).toBe("0a1b-client");
    expect(url.searchParams.get("resource")).toBe("https://management.azure.com");
    expect(identity.seen[0]!.headers["x-identity-header"]).toBe("header-secret");
  });

  test("asks as the system-assigned identity when none is named", async () => {
    await createCredential({ managedIdentity: true }).getToken("https://vault.azure.net/.default");
    expect(identity.seen).toHaveLength(2);
    expect(new URL(identity.seen.at(-1)!.url, "http://x").searchParams.has("client_id")).toBe(false);
  });
});
