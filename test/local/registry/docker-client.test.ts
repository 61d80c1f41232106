import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import type { AuthOptions } from "../../../local/registry/auth/registry-auth.ts";
import { temporaryDirectory, temporaryRegistry } from "./support.ts";

const run = promisify(execFile);
const available = await run("docker", ["version"]).then(
  () => true,
  () => false,
);

/** A registry and the real client, with a configuration folder of its own and a small image to push. */
async function setUp(auth?: AuthOptions) {
  const registry = await temporaryRegistry({ auth });
  const dir = await temporaryDirectory();
  const docker = async (...args: string[]) => (await run("docker", ["--config", dir, ...args])).stdout.trim();
  await writeFile(join(dir, "config.json"), "{}");
  await writeFile(join(dir, "Dockerfile"), `FROM scratch\nCOPY config.json /\nLABEL made=${Date.now()}\n`);
  const reference = `${registry.loginServer}/team/web:v1`;
  await docker("build", "-q", "-t", reference, dir);
  onTestFinished(async () => void (await docker("rmi", reference).catch(() => undefined)));
  return { registry, reference, docker };
}

test.skipIf(!available)("docker pushes and pulls without a login (needs docker)", async () => {
  const { registry, reference, docker } = await setUp();
  const tags: (string | undefined)[] = [];
  registry.onEvent(({ target }) => tags.push(target.tag));
  const pushed = /digest: (sha256:[0-9a-f]{64})/.exec(await docker("push", reference))?.[1];
  expect((await registry.store.resolve("team/web", "v1"))?.digest).toBe(pushed);
  expect(tags).toEqual(["v1"]);
  await docker("rmi", reference);
  expect(await docker("pull", reference)).toContain(pushed);
});

test.skipIf(!available)("docker pushes after a login, and not before (needs docker)", async () => {
  const admin = { username: "acme", password: "secret" };
  const { registry, reference, docker } = await setUp({ mode: "token", admin });
  await expect(docker("push", reference)).rejects.toThrow(/denied|authentication required|authorization/);
  await docker("login", "-u", admin.username, "-p", admin.password, registry.loginServer);
  await docker("push", reference);
  expect(registry.store.listTags("team/web")).toEqual(["v1"]);
  // As after `az acr login`: the well-known user and a refresh token.
  await docker("logout", registry.loginServer);
  const form = { grant_type: "access_token", service: registry.loginServer, access_token: "entra" };
  const exchange = await fetch(`${registry.url}/oauth2/exchange`, { method: "POST", body: new URLSearchParams(form) });
  const { refresh_token: token } = (await exchange.json()) as { refresh_token: string };
  await docker("login", "-u", "00000000-0000-0000-0000-000000000000", "-p", token, registry.loginServer);
  await docker("rmi", reference);
  expect(await docker("pull", reference)).toContain("sha256:");
});
