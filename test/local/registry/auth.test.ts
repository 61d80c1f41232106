import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import { startIdentity } from "../../../local/identity/start-identity.ts";
import type { AuthOptions } from "../../../local/registry/auth/registry-auth.ts";
import { covers, parseScopes } from "../../../local/registry/auth/scope.ts";
import { ociManifest, pushImage, sha256, temporaryDirectory, temporaryRegistry } from "./support.ts";

const auth: AuthOptions = {
  mode: "token",
  verifyAadToken: (token) => token === "good",
  admin: { username: "acme", password: "pass:word" },
};
const uuid = "00000000-0000-0000-0000-000000000000";
const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;

afterEach(() => void vi.useRealTimers());

async function post(url: string, path: string, form: Record<string, string>) {
  const response = await fetch(url + path, { method: "POST", body: new URLSearchParams(form) });
  return { status: response.status, body: (await response.json()) as Record<string, string> };
}

async function signedIn() {
  const registry = await temporaryRegistry({ auth });
  const { url, loginServer: service } = registry;
  const exchange = await post(url, "/oauth2/exchange", { grant_type: "access_token", service, access_token: "good" });
  const refreshToken = exchange.body.refresh_token!;
  const accessToken = async (scope: string) => {
    const form = { grant_type: "refresh_token", service, scope, refresh_token: refreshToken };
    return (await post(url, "/oauth2/token", form)).body.access_token!;
  };
  const status = async (path: string, authorization?: string, method = "GET") =>
    (await fetch(url + path, { method, headers: authorization ? { Authorization: authorization } : {} })).status;
  return { registry, url, service, refreshToken, accessToken, status };
}

test("without a token the answer is a challenge that names the realm, the service and the scope", async () => {
  const { url, loginServer } = await temporaryRegistry({ auth });
  const challenge = async (path: string, method = "GET") => {
    const response = await fetch(url + path, { method });
    expect(response.status).toBe(401);
    return response.headers.get("www-authenticate");
  };
  const start = `Bearer realm="${url}/oauth2/token",service="${loginServer}"`;
  expect(await challenge("/v2/")).toBe(start);
  for (const [method, path, scope] of [
    ["GET", "/v2/a/b/manifests/v1", "repository:a/b:pull"],
    ["POST", "/v2/a/b/blobs/uploads/", "repository:a/b:pull,push"],
    ["DELETE", "/v2/a/b/manifests/v1", "repository:a/b:delete"],
    ["GET", "/v2/_catalog", "registry:catalog:*"],
    ["GET", "/acr/v1/_catalog", "registry:catalog:*"],
    ["GET", "/acr/v1/a%2Fb/_tags", "repository:a/b:metadata_read"],
    ["PATCH", "/acr/v1/a%2Fb", "repository:a/b:metadata_write"],
    ["DELETE", "/acr/v1/a%2Fb", "repository:a/b:delete"],
  ] as const) {
    expect(await challenge(path, method)).toBe(`${start},scope="${scope}",error="invalid_token"`);
  }
});

test("an Entra token buys a refresh token, which buys access to what was asked for and no more", async () => {
  const { url, service, accessToken, status } = await signedIn();
  const pull = `Bearer ${await accessToken("repository:a:pull")}`;
  expect(await status("/v2/", pull)).toBe(200);
  expect(await status("/v2/a/manifests/v1", pull)).toBe(404);
  expect(await status("/v2/b/manifests/v1", pull)).toBe(401);
  expect(await status("/v2/a/blobs/uploads/", pull, "POST")).toBe(401);
  expect(await status(`/v2/a/manifests/${sha256("x")}`, pull, "DELETE")).toBe(401);
  const push = `Bearer ${await accessToken("repository:a:pull,push")}`;
  expect(await status("/v2/a/blobs/uploads/", push, "POST")).toBe(202);
  const both = `Bearer ${await accessToken("repository:a:* registry:catalog:*")}`;
  expect(await status("/v2/_catalog", both)).toBe(200);

  const bad = await post(url, "/oauth2/exchange", { grant_type: "access_token", service, access_token: "bad" });
  expect(bad.status).toBe(401);
  const elsewhere = { grant_type: "access_token", service: "acme.azurecr.io", access_token: "good" };
  expect((await post(url, "/oauth2/exchange", elsewhere)).status).toBe(400);
});

test("a refresh token opens nothing itself, except as the password of the well-known user", async () => {
  const { url, service, refreshToken, status } = await signedIn();
  expect(await status("/v2/", `Bearer ${refreshToken}`)).toBe(401);
  expect(await status("/v2/", basic(uuid, refreshToken))).toBe(200);
  expect(await status("/v2/_catalog", basic(uuid, refreshToken))).toBe(200);
  expect(await status("/v2/", basic(uuid, "guess"))).toBe(401);
  const response = await fetch(`${url}/oauth2/token?service=${service}&scope=repository:a:push`, {
    headers: { Authorization: basic(uuid, refreshToken) },
  });
  const { access_token: token } = (await response.json()) as { access_token: string };
  expect(await status("/v2/a/blobs/uploads/", `Bearer ${token}`, "POST")).toBe(401);
});

test("the admin user signs in with its password, directly or for a token", async () => {
  const { url, service, status } = await signedIn();
  expect(await status("/v2/", basic("acme", "pass:word"))).toBe(200);
  expect(await status("/v2/", basic("acme", "pass"))).toBe(401);
  const form = { grant_type: "password", service, scope: "repository:a:pull,push" };
  const { body } = await post(url, "/oauth2/token", { ...form, username: "acme", password: "pass:word" });
  expect(await status("/v2/a/blobs/uploads/", `Bearer ${body.access_token}`, "POST")).toBe(202);
  expect((await post(url, "/oauth2/token", { ...form, username: "acme", password: "no" })).status).toBe(401);
});

test("an anonymous token reads whatever it asked for, and writes nothing", async () => {
  const { registry, url, service, status } = await signedIn();
  const query = `service=${service}&scope=repository:a:pull,push,metadata_read,metadata_write,delete&scope=registry:catalog:*`;
  const response = await fetch(`${url}/oauth2/token?${query}`);
  const bearer = `Bearer ${((await response.json()) as { access_token: string }).access_token}`;
  expect(await status("/v2/a/manifests/v1", bearer)).toBe(404);
  expect(await status("/v2/a/blobs/uploads/", bearer, "POST")).toBe(401);
  expect(await status("/v2/_catalog", bearer)).toBe(200);
  expect(await status("/acr/v1/a", bearer)).toBe(404);
  expect(await status("/acr/v1/a", bearer, "PATCH")).toBe(401);
  expect(await status("/acr/v1/a", bearer, "DELETE")).toBe(401);
  registry.auth.anonymousPull = false;
  expect((await fetch(`${url}/oauth2/token?${query}`)).status).toBe(401);
});

test("a running registry is opened, and closed again", async () => {
  const { registry, status } = await signedIn();
  expect(await status("/v2/")).toBe(401);
  registry.auth.mode = "open";
  expect(await status("/v2/")).toBe(200);
  registry.auth.mode = "token";
  expect(await status("/v2/")).toBe(401);
  registry.auth.admin = { username: "acme", password: "another" };
  expect(await status("/v2/", basic("acme", "pass:word"))).toBe(401);
  expect(await status("/v2/", basic("acme", "another"))).toBe(200);
});

test("a managed identity's token signs in, as `az acr login` does it, until it has expired", async () => {
  const identity = await startIdentity({ dir: await temporaryDirectory(), tokenLifetimeSeconds: 600 });
  onTestFinished(() => identity.close());
  const { url, loginServer: service } = await temporaryRegistry({
    auth: { mode: "token", verifyAadToken: (token) => identity.verify(token).kind === "valid" },
  });
  const form = { grant_type: "access_token", service, tenant: identity.tenantId };
  const access_token = identity.issue("https://management.azure.com/");
  const { body } = await post(url, "/oauth2/exchange", { ...form, access_token });
  const scope = "repository:a:pull,metadata_read";
  const token = { grant_type: "refresh_token", service, scope, refresh_token: body.refresh_token! };
  expect((await post(url, "/oauth2/token", token)).status).toBe(200);
  expect((await post(url, "/oauth2/exchange", { ...form, access_token: "a.b.c" })).status).toBe(401);
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 601_000 });
  expect((await post(url, "/oauth2/exchange", { ...form, access_token })).status).toBe(401);
  expect((await post(url, "/oauth2/token", token)).status).toBe(200);
  vi.setSystemTime(Date.now() + 3 * 3_600_000);
  expect((await post(url, "/oauth2/token", token)).status).toBe(401);
});

test("a mount needs the right to pull from where the blob is", async () => {
  const { registry, accessToken, status } = await signedIn();
  const { digest } = await registry.store.putBlob("secret", Buffer.from("shared"));
  const mount = `/v2/a/blobs/uploads/?mount=${digest}&from=secret`;
  expect(await status(mount, `Bearer ${await accessToken("repository:a:pull,push")}`, "POST")).toBe(401);
  const both = await accessToken("repository:a:pull,push repository:secret:pull");
  expect(await status(mount, `Bearer ${both}`, "POST")).toBe(201);
});

test("a token that was tampered with, or has expired, or is from another registry is refused", async () => {
  const { accessToken, status } = await signedIn();
  const other = await signedIn();
  const token = await accessToken("repository:a:pull");
  const [header, , signature] = token.split(".");
  const [, stronger] = (await accessToken("repository:a:*")).split(".");
  expect(await status("/v2/", `Bearer ${token}`)).toBe(200);
  expect(await status("/v2/", `Bearer ${header}.${stronger}.${signature}`)).toBe(401);
  expect(await status("/v2/", `Bearer ${await other.accessToken("repository:a:pull")}`)).toBe(401);
  expect(await status("/v2/", "Bearer a.b.c")).toBe(401);
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 76 * 60_000 });
  expect(await status("/v2/", `Bearer ${token}`)).toBe(401);
});

test("an open registry asks nobody, and its token endpoints answer all the same", async () => {
  const { url, loginServer: service } = await temporaryRegistry();
  await pushImage(url, "a", "v1");
  const ask = await fetch(`${url}/v2/a/manifests/v1`, {
    headers: { Authorization: "Bearer whatever", Accept: ociManifest },
  });
  expect(ask.status).toBe(200);
  const exchange = await post(url, "/oauth2/exchange", { grant_type: "access_token", service, access_token: "any" });
  expect(exchange.status).toBe(200);
  const form = { grant_type: "refresh_token", service, scope: "repository:a:pull" };
  const { body } = await post(url, "/oauth2/token", { ...form, refresh_token: exchange.body.refresh_token! });
  expect(body.access_token).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
});

test("scopes are read and compared by name, not by prefix", () => {
  const [scope] = parseScopes(["repository:127.0.0.1:5000/a:pull,push"]);
  expect(scope).toEqual({ type: "repository", name: "127.0.0.1:5000/a", actions: ["pull", "push"] });
  expect(parseScopes(["nonsense", "", "a:b"])).toEqual([]);
  const granted = parseScopes(["repository:a:pull repository:b:*", "repository:a:push"]);
  const needs = (text: string) => covers(granted, parseScopes([text])[0]!);
  expect(["repository:a:pull,push", "repository:b:delete"].map(needs)).toEqual([true, true]);
  expect(["repository:a:delete", "repository:aa:pull", "registry:a:pull"].map(needs)).toEqual([false, false, false]);
});
