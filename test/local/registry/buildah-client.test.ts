import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { answers, output } from "./clients.ts";
import { temporaryDirectory, temporaryRegistry } from "./support.ts";

const available = await answers("buildah", "--version");
const admin = { username: "acme", password: "secret" };

/** The real client with storage of its own, of a kind that works anywhere and mounts nothing. */
async function buildah() {
  const dir = await temporaryDirectory();
  const storage = ["--root", join(dir, "root"), "--runroot", join(dir, "run"), "--storage-driver", "vfs"];
  await writeFile(join(dir, "auth.json"), "{}");
  await writeFile(join(dir, "file"), "made by buildah\n");
  const env = { REGISTRY_AUTH_FILE: join(dir, "auth.json") };
  const run = (...args: string[]) => output("buildah", [...storage, ...args], env);
  onTestFinished(async () => void (await promisify(execFile)("buildah", [...storage, "rm", "--all"]).catch(() => {})));
  /** An image of one file, under a name in the local storage. */
  const image = async (name: string, architecture = "amd64") => {
    const container = await run("from", "--quiet", "scratch");
    await run("config", "--arch", architecture, container);
    await run("copy", "--quiet", container, join(dir, "file"), "/file");
    await run("commit", "--quiet", "--rm", container, name);
  };
  return { dir, run, image };
}

test.skipIf(!available)(
  "buildah pushes after a login and not before, and pulls what it pushed (needs buildah)",
  async () => {
    const registry = await temporaryRegistry({ auth: { mode: "token", anonymousPull: false, admin } });
    const { run, image } = await buildah();
    const reference = `${registry.loginServer}/team/web:v1`;
    await image("made");
    const push = () => run("push", "--quiet", "--tls-verify=false", "made", `docker://${reference}`);
    await expect(push()).rejects.toThrow(/authentication required|unauthorized/);
    await run("login", "--tls-verify=false", "-u", admin.username, "-p", admin.password, registry.loginServer);
    await push();
    const stored = await registry.store.resolve("team/web", "v1");
    expect(stored?.mediaType).toBe("application/vnd.oci.image.manifest.v1+json");
    await run("rmi", "made");
    await run("pull", "--quiet", "--tls-verify=false", reference);
    const { FromImageDigest: digest } = JSON.parse(await run("inspect", "--type", "image", reference)) as Record<
      string,
      string
    >;
    expect(digest).toBe(stored?.digest);
  },
);

test.skipIf(!available)("buildah pushes a manifest list with its images (needs buildah)", async () => {
  const registry = await temporaryRegistry();
  const { run, image } = await buildah();
  await run("manifest", "create", "list");
  for (const architecture of ["amd64", "arm64"]) {
    await image(architecture, architecture);
    await run("manifest", "add", "--arch", architecture, "list", architecture);
  }
  const tags: (string | undefined)[] = [];
  registry.onEvent(({ target: { tag } }) => tags.push(tag));
  const reference = `docker://${registry.loginServer}/team/web:multi`;
  await run("manifest", "push", "--all", "--tls-verify=false", "--format", "oci", "list", reference);
  expect(tags).toEqual([undefined, undefined, "multi"]);
  const { bytes } = (await registry.store.resolve("team/web", "multi"))!;
  const { manifests } = JSON.parse(bytes.toString()) as { manifests: { platform: { architecture: string } }[] };
  expect(manifests.map(({ platform }) => platform.architecture)).toEqual(["amd64", "arm64"]);
});
