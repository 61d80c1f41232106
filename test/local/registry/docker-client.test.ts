import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import type { AuthOptions } from "../../../local/registry/auth/registry-auth.ts";
import { answers, pushMultiArch } from "./clients.ts";
import { temporaryDirectory, temporaryRegistry } from "./support.ts";

const run = promisify(execFile);
const available = await answers("docker", "version");

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

test.skipIf(!available)(
  "docker pulls its platform out of an index, and makes an index itself (needs docker)",
  async () => {
    const { registry, reference, docker } = await setUp();
    await docker("push", reference);
    const list = `${registry.loginServer}/team/web:multi`;
    await docker("manifest", "create", "--insecure", list, reference);
    await docker("manifest", "push", "--insecure", list);
    const stored = await registry.store.resolve("team/web", "multi");
    expect(stored?.mediaType).toBe("application/vnd.docker.distribution.manifest.list.v2+json");
    expect(JSON.parse(await docker("manifest", "inspect", "--insecure", list))).toMatchObject({ schemaVersion: 2 });
    await docker("rmi", reference);
    expect(await docker("pull", list)).toContain(stored?.digest);
    onTestFinished(async () => void (await docker("rmi", list).catch(() => undefined)));
    const { digest } = await pushMultiArch(registry.url, "team/index", "v1");
    const inspected = await docker("manifest", "inspect", "--insecure", `${registry.loginServer}/team/index@${digest}`);
    expect((JSON.parse(inspected) as { manifests: unknown[] }).manifests).toHaveLength(2);
  },
);

test.skipIf(!available)("docker says what it met at a lock, and what at a limit (needs docker)", async () => {
  const { registry, reference, docker } = await setUp();
  await docker("push", reference);
  registry.store.setAttributes("team/web", "v1", { writeEnabled: false });
  await expect(docker("push", reference)).rejects.toThrow("The operation is disallowed on this registry");
  registry.faults.push({ times: 20, method: "GET", path: "/manifests/", status: 429, retryAfter: 1 });
  registry.faults.push({ times: 20, method: "HEAD", path: "/manifests/", status: 429, retryAfter: 1 });
  await expect(docker("pull", reference)).rejects.toThrow(/[Tt]oo ?[Mm]any ?[Rr]equests/);
});
