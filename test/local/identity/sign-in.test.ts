import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Certificate, loadCertificate } from "../../../local/acr/certificate.ts";
import { type LocalIdentity, startIdentity } from "../../../local/identity/start-identity.ts";

const dir = mkdtempSync(join(tmpdir(), "sign-in-"));
const person = { clientId: "11111111-0000-4000-8000-000000000000", objectId: "22222222-0000-4000-8000-000000000000" };
let certificate: Certificate;
let identity: LocalIdentity;
beforeAll(async () => {
  certificate = await loadCertificate(join(dir, "tls"));
  identity = await startIdentity({ dir, tls: certificate, userAssigned: [person] });
});
afterAll(async () => {
  await identity.close();
  rmSync(dir, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, string>>;
}

/** Over https, trusting nobody but the twin's certificate; a form makes it a POST. */
function ask(url: string, form?: Record<string, string>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const text = form && new URLSearchParams(form).toString();
    const call = request(url, { method: form ? "POST" : "GET", ca: certificate.cert }, async (answer) => {
      const chunks: Buffer[] = [];
      for await (const chunk of answer) chunks.push(chunk as Buffer);
      resolve({ status: answer.statusCode!, body: JSON.parse(Buffer.concat(chunks).toString("utf8")) });
    });
    call.once("error", reject).end(text);
  });
}

async function signIn(form: Record<string, string>): Promise<Answer> {
  const { body } = await ask(`${identity.authority}/.well-known/openid-configuration`);
  return ask(body.token_endpoint!, { grant_type: "client_credentials", ...form });
}

const scope = "https://management.azure.com//.default";

test("each identity signs in with its own secret, at the endpoint that discovery names, for the resource of its scope", async () => {
  for (const principal of [identity.systemAssigned, person]) {
    const { clientId: client_id, objectId } = principal;
    const { status, body } = await signIn({ client_id, client_secret: identity.clientSecret(principal), scope });
    expect([status, body.token_type]).toEqual([200, "bearer"]);
    const verified = identity.verify(body.access_token!);
    expect(verified).toMatchObject({ kind: "valid", claims: { oid: objectId, aud: "https://management.azure.com/" } });
  }
});

test("the secret of another, none, and an unknown client are refused alike", async () => {
  const { clientId: client_id } = identity.systemAssigned;
  const forms: Record<string, string>[] = [
    { client_id, client_secret: identity.clientSecret(person), scope },
    { client_id, scope },
    { client_secret: identity.clientSecret(), scope },
    { client_id: "33333333-0000-4000-8000-000000000000", client_secret: identity.clientSecret(), scope },
  ];
  for (const form of forms) {
    expect(await signIn(form)).toMatchObject({ status: 401, body: { error: "invalid_client" } });
  }
});

test("other ways to sign in, and a scope that is no resource's, are refused by OAuth's names", async () => {
  const known = { client_id: identity.systemAssigned.clientId, client_secret: identity.clientSecret() };
  expect(await signIn({ ...known, grant_type: "password" })).toMatchObject({
    status: 400,
    body: { error: "unsupported_grant_type" },
  });
  expect(await signIn({ ...known, scope: "openid" })).toMatchObject({
    status: 400,
    body: { error: "invalid_request" },
  });
});

test("apps go on asking for a managed identity over http on the same port", async () => {
  const answer = await fetch(`${identity.env.IDENTITY_ENDPOINT}?api-version=2019-08-01&resource=https://x`, {
    headers: { "X-IDENTITY-HEADER": identity.env.IDENTITY_HEADER },
  });
  expect([new URL(identity.authority!).port, answer.status]).toEqual([new URL(identity.url).port, 200]);
});

test("secrets outlive a restart; without a certificate there is no authority", async () => {
  const secret = identity.clientSecret();
  const again = await startIdentity({ dir });
  expect(again.clientSecret()).toBe(secret);
  expect(again.authority).toBeUndefined();
  await again.close();
});

test("closing ends a connection that has not said a word", async () => {
  const own = await startIdentity({ dir: join(dir, "own"), tls: certificate });
  const { connect } = await import("node:net");
  const socket = connect(Number(new URL(own.url).port), "127.0.0.1");
  await new Promise((resolve) => socket.once("connect", resolve));
  const closed = new Promise((resolve) => socket.once("close", resolve));
  await own.close();
  await closed;
});
