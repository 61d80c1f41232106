import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { RegistryEvent } from "../../../local/registry/registry-event.ts";
import { answers, output, pushMultiArch } from "./clients.ts";
import { pushImage, temporaryDirectory, temporaryRegistry } from "./support.ts";

const available = await answers("skopeo", "--version");
const admin = { username: "acme", password: "secret" };
const plain = ["--src-tls-verify=false", "--dest-tls-verify=false"];

/** A folder of its own for what it remembers of logins. */
async function skopeo() {
  const authfile = join(await temporaryDirectory(), "auth.json");
  await writeFile(authfile, "{}");
  return (...args: string[]) => output("skopeo", args, { REGISTRY_AUTH_FILE: authfile });
}

test.skipIf(!available)(
  "skopeo copies a multi-arch image with its children, which arrive untagged (needs skopeo)",
  async () => {
    const from = await temporaryRegistry();
    const to = await temporaryRegistry();
    const { digest, children } = await pushMultiArch(from.url, "team/web", "v1");
    const events: RegistryEvent[] = [];
    to.onEvent((event) => events.push(event));
    const run = await skopeo();
    const [source, target] = [from, to].map(({ loginServer }) => `docker://${loginServer}/team/web:v1`);
    await run("copy", "--all", "--preserve-digests", ...plain, source!, target!);
    expect((await to.store.resolve("team/web", "v1"))?.digest).toBe(digest);
    expect(events.map(({ target: { digest: told, tag } }) => [told, tag])).toEqual([
      ...children.map((child) => [child, undefined]),
      [digest, "v1"],
    ]);
    expect([...to.store.look("team/web").manifests.keys()].sort()).toEqual([digest, ...children].sort());
    // Once more: nothing is uploaded, and the push of the same digest is told again.
    await run("copy", "--all", "--preserve-digests", ...plain, source!, target!);
    expect(events.filter(({ target: { tag } }) => tag === "v1")).toHaveLength(2);
  },
);

test.skipIf(!available)(
  "skopeo copies from one repository to another of the same registry by mounting (needs skopeo)",
  async () => {
    const registry = await temporaryRegistry();
    await pushImage(registry.url, "a", "v1");
    const run = await skopeo();
    const name = `docker://${registry.loginServer}`;
    // Only once it has met a blob does it know where there is one to mount.
    for (const to of ["b", "c"]) {
      await run("copy", "--preserve-digests", ...plain, `${name}/a:v1`, `${name}/${to}:v1`);
      expect(registry.store.listTags(to)).toEqual(["v1"]);
    }
    const ofC = registry.ledger().filter(({ repository }) => repository === "c");
    // The layer is mounted; a config it sends itself.
    expect(ofC.map(({ action }) => action).sort()).toEqual(["blob-added", "blob-mounted", "push"]);
  },
);

test.skipIf(!available)("skopeo inspects, lists tags and deletes (needs skopeo)", async () => {
  const registry = await temporaryRegistry();
  const { digest, text } = await pushImage(registry.url, "team/web", "v1");
  const run = await skopeo();
  const name = `docker://${registry.loginServer}/team/web`;
  expect(await run("inspect", "--raw", "--tls-verify=false", `${name}:v1`)).toBe(text);
  expect(JSON.parse(await run("inspect", "--tls-verify=false", `${name}:v1`))).toMatchObject({
    Digest: digest,
    RepoTags: ["v1"],
  });
  expect(JSON.parse(await run("list-tags", "--tls-verify=false", name))).toMatchObject({ Tags: ["v1"] });
  await run("delete", "--tls-verify=false", `${name}:v1`);
  expect(registry.store.listRepositories()).toEqual([]);
  await expect(run("inspect", "--tls-verify=false", `${name}:v1`)).rejects.toThrow(/manifest unknown|is not found/);
});

test.skipIf(!available)(
  "skopeo reads without a login, writes only with one, and is told of a lock (needs skopeo)",
  async () => {
    const registry = await temporaryRegistry({ auth: { mode: "open", admin } });
    await pushImage(registry.url, "a", "v1");
    registry.auth.mode = "token";
    const run = await skopeo();
    const name = `docker://${registry.loginServer}`;
    const copy = () => run("copy", "--preserve-digests", ...plain, `${name}/a:v1`, `${name}/b:v1`);
    expect(JSON.parse(await run("list-tags", "--tls-verify=false", `${name}/a`))).toMatchObject({ Tags: ["v1"] });
    await expect(copy()).rejects.toThrow(/authentication required/);
    await run("login", "--tls-verify=false", "-u", admin.username, "-p", admin.password, registry.loginServer);
    await copy();
    registry.store.setAttributes("b", "v1", { deleteEnabled: false });
    await expect(run("delete", "--tls-verify=false", `${name}/b:v1`)).rejects.toThrow(/operation is disallowed|405/);
    expect(registry.store.listTags("b")).toEqual(["v1"]);
  },
);
