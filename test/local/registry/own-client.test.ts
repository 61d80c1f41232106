import { expect, onTestFinished, test } from "vitest";
import { startIdentity } from "../../../local/identity/start-identity.ts";
import { PermanentError, TransientError } from "../../../src/errors.ts";
import { createAcrCredentials } from "../../../src/oci/acr-token.ts";
import { createOciClient } from "../../../src/oci/registry-client.ts";
import { Secret } from "../../../src/secret.ts";
import { lookUp } from "../../support/look-up.ts";
import { pushMultiArch } from "./clients.ts";
import { pushImage, temporaryDirectory, temporaryRegistry } from "./support.ts";

const admin = { username: "acme", password: "secret" };
const stranger = () => createOciClient({ credentials: () => undefined });
const anonymous = stranger();

async function registryWithImages() {
  const registry = await temporaryRegistry({ auth: { mode: "open", admin } });
  const image = await pushImage(registry.url, "team/web", "v1");
  const index = await pushMultiArch(registry.url, "team/web", "multi");
  return { registry, image, index, at: { registry: registry.loginServer, repository: "team/web" } };
}

test("our client finds images and indexes, and says what is absent", async () => {
  const { image, index, at } = await registryWithImages();
  const { digest } = image;
  expect(await lookUp(anonymous, { ...at, tag: "v1" })).toEqual({ kind: "found", digest });
  const multi = { kind: "found", digest: index.digest };
  expect(await lookUp(anonymous, { ...at, tag: "multi" })).toEqual(multi);
  expect(await lookUp(anonymous, { ...at, digest: index.children[1]! })).toMatchObject({ kind: "found" });
  expect(await lookUp(anonymous, { ...at, tag: "none" })).toEqual({ kind: "absent" });
  expect(await lookUp(anonymous, { ...at, repository: "none" })).toEqual({ kind: "absent" });
});

test("our client finds the digest where the header for it is missing", async () => {
  const { registry, image, at } = await registryWithImages();
  registry.faults.push({ times: 1, method: "HEAD", omit: ["Docker-Content-Digest"] });
  expect(await lookUp(anonymous, { ...at, tag: "v1" })).toMatchObject({ kind: "found", digest: image.digest });
  expect(registry.faults).toEqual([]);
});

test("our client asks on condition of what it was offered, and is told that nothing has changed or what has", async () => {
  const { registry, image, index, at } = await registryWithImages();
  const { offered } = await anonymous.look({ ...at, tag: "v1" });
  expect(offered).toMatchObject({ digest: image.digest });
  registry.faults.push({ times: 1, method: "HEAD", omit: ["Docker-Content-Digest"] });
  expect(await anonymous.look({ ...at, tag: "v1" }, offered)).toMatchObject({
    lookup: { digest: image.digest },
    offered,
  });
  await anonymous.moveTag(at, index.digest, "v1");
  expect(await anonymous.look({ ...at, tag: "v1" }, offered)).toMatchObject({ lookup: { digest: index.digest } });
});

test("our client moves a tag, which is told as a push, and is refused at a lock for good", async () => {
  const { registry, index, at } = await registryWithImages();
  const told: string[] = [];
  registry.onEvent(({ action, target }) => told.push(`${action} ${target.tag} ${target.digest}`));
  await anonymous.moveTag(at, index.digest, "v1");
  expect(told).toEqual([`push v1 ${index.digest}`]);
  registry.store.setAttributes("team/web", "v1", { writeEnabled: false });
  const moved = anonymous.moveTag(at, index.children[0]!, "v1");
  await expect(moved).rejects.toBeInstanceOf(PermanentError);
  expect((await registry.store.resolve("team/web", "v1"))?.digest).toBe(index.digest);
});

test("our client tries again later after a 429, and is told when", async () => {
  const { registry, index, at } = await registryWithImages();
  registry.faults.push({ times: 1, method: "PUT", status: 429, retryAfter: 9 }, { times: 1, method: "PUT", cut: true });
  const refused: unknown = await anonymous.moveTag(at, index.digest, "v2").catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(TransientError);
  expect(refused).toMatchObject({ retryAfterSeconds: 9 });
  await expect(anonymous.moveTag(at, index.digest, "v2")).rejects.toBeInstanceOf(TransientError);
  await anonymous.moveTag(at, index.digest, "v2");
});

test("our client reads without a login where that is allowed, and writes with a password or as a managed identity", async () => {
  const identity = await startIdentity({ dir: await temporaryDirectory() });
  onTestFinished(() => identity.close());
  const { registry, index, at } = await registryWithImages();
  registry.auth.mode = "token";
  expect(await lookUp(anonymous, { ...at, tag: "v1" })).toMatchObject({ kind: "found" });
  await expect(anonymous.moveTag(at, index.digest, "v2")).rejects.toMatchObject({ code: "registry-denied" });
  registry.auth.anonymousPull = false;
  expect(await lookUp(stranger(), { ...at, tag: "v1" })).toMatchObject({ kind: "unknown" });

  const password = { kind: "password", username: admin.username, password: new Secret(admin.password) } as const;
  await createOciClient({ credentials: () => password }).moveTag(at, index.digest, "v2");
  const token = identity.issue("https://management.azure.com/");
  const credential = { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) };
  const acr = createAcrCredentials({ armEndpoint: "https://management.azure.com", credential });
  await createOciClient({ credentials: acr }).moveTag(at, index.digest, "v3");
  expect(registry.store.listTags("team/web")).toEqual(["multi", "v1", "v2", "v3"]);
});
