import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { answers, output } from "./clients.ts";
import { temporaryDirectory, temporaryRegistry } from "./support.ts";

const available = process.getuid?.() === 0 && (await answers("buildah", "--version"));
const needs = "(needs buildah, as root)";
const admin = { username: "acme", password: "secret" };

/** A store, a policy and logins of its own. */
async function buildah() {
  const dir = await temporaryDirectory();
  const file = (name: string) => join(dir, name);
  await writeFile(file("policy.json"), '{ "default": [{ "type": "insecureAcceptAnything" }] }');
  await writeFile(file("registries.conf"), "");
  await writeFile(file("auth.json"), "{}");
  const store = ["--root", file("root"), "--runroot", file("run"), "--storage-driver", "vfs"];
  const run = (...args: string[]) =>
    output("buildah", [...store, "--registries-conf", file("registries.conf"), ...args], {
      REGISTRY_AUTH_FILE: file("auth.json"),
      TMPDIR: dir,
      _CONTAINERS_ROOTLESS_UID: "65534",
      HOME: dir,
    });
  onTestFinished(async () => void (await run("rm", "--all").catch(() => undefined)));
  const remote = ["--tls-verify=false", "--signature-policy", file("policy.json")];
  return {
    run,
    remote,
    /** An image of one file. */
    make: async (name: string, text: string) => {
      await writeFile(file("file"), text);
      const container = await run("from", "scratch");
      await run("copy", container, file("file"), "/file");
      await run("config", "--label", `text=${text}`, container);
      await run("commit", "--signature-policy", file("policy.json"), container, name);
      await run("rm", container);
    },
    digestOf: async (push: string[]) => {
      await run("push", "--digestfile", file("digest"), ...remote, ...push);
      const digest = await readFile(file("digest"), "utf8");
      await rm(file("digest"));
      return digest.trim();
    },
  };
}

test.skipIf(!available)(
  `buildah pushes in either format, and starts from what it pushed, by tag and by digest ${needs}`,
  async () => {
    const registry = await temporaryRegistry();
    const name = `${registry.loginServer}/team/base`;
    const sender = await buildah();
    await sender.make("made", "hello");
    const digests = [];
    for (const format of ["oci", "v2s2"]) {
      digests.push(await sender.digestOf(["--format", format, "made", `docker://${name}:${format}`]));
      expect((await registry.store.resolve("team/base", format))?.digest).toBe(digests.at(-1));
    }
    const receiver = await buildah();
    const { run, remote } = receiver;
    const container = await run("from", "--pull-always", ...remote, `${name}:v2s2`);
    const folder = await run("mount", container);
    expect(await readFile(join(folder, "file"), "utf8")).toBe("hello");
    await run("umount", container);
    await run("pull", "--quiet", ...remote, `${name}@${digests[0]}`);
    expect(await run("inspect", "--type", "image", "--format", "{{.FromImageDigest}}", `${name}@${digests[0]}`)).toBe(
      digests[0],
    );
  },
);

test.skipIf(!available)(
  `buildah pulls a list of images for its platform, and pushes the list whole ${needs}`,
  async () => {
    const registry = await temporaryRegistry();
    const { run, remote, make } = await buildah();
    await make("one", "1");
    await run("manifest", "create", "both");
    await run("manifest", "add", "--arch", "amd64", "both", "one");
    const name = `${registry.loginServer}/team/both:v1`;
    await run("manifest", "push", "--all", ...remote, "both", `docker://${name}`);
    const { manifests } = registry.store.look("team/both");
    expect(registry.store.listTags("team/both")).toEqual(["v1"]);
    expect(manifests.size).toBe(2);
    await run("rmi", "--all", "--force");
    await run("pull", "--quiet", "--arch", "amd64", ...remote, name);
    expect(await run("inspect", "--type", "image", "--format", "{{.OCIv1.Config.Labels.text}}", name)).toBe("1");
  },
);

test.skipIf(!available)(`buildah pushes only with a login, and is told what is missing ${needs}`, async () => {
  const registry = await temporaryRegistry({ auth: { mode: "token", admin } });
  const { run, remote, make } = await buildah();
  await make("made", "hello");
  const name = `${registry.loginServer}/team/web`;
  const push = () => run("push", ...remote, "made", `docker://${name}:v1`);
  await expect(push()).rejects.toThrow(/authentication required|unauthorized/);
  await run("login", "--tls-verify=false", "-u", admin.username, "-p", admin.password, registry.loginServer);
  await push();
  expect(registry.store.listTags("team/web")).toEqual(["v1"]);
  await expect(run("pull", ...remote, `${name}:v2`)).rejects.toThrow(/manifest unknown|not found/);
});
