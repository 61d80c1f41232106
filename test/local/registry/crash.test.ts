import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { RegistryStore } from "../../../local/registry/registry-store.ts";
import { ociManifest, pushImage, putManifest, sha256, temporaryDirectory, temporaryRegistry } from "./support.ts";

const store = new URL("../../../local/registry/registry-store.ts", import.meta.url).href;

/** Pushes, moves, deletes and locks without end, saying each digest that was pushed once it was answered. */
const work = (dir: string) =>
  `
  import { RegistryStore } from ${JSON.stringify(store)};
  const store = new RegistryStore(${JSON.stringify(dir)});
  for (let i = Date.now(); ; i++) {
    const { digest, size } = await store.putBlob("a", Buffer.alloc(50_000, String(i)));
    const config = { digest, size, mediaType: "application/vnd.oci.image.config.v1+json" };
    const text = Buffer.from(JSON.stringify({ schemaVersion: 2, config, layers: [] }));
    const manifest = await store.putManifest("a", i % 3 ? "keep-" + i : "gone", "${ociManifest}", text);
    if (i % 3 === 0) await store.deleteManifest("a", manifest);
    else process.stdout.write(manifest + "\\n");
    if (i % 4 === 0) store.setAttributes("a", manifest, i % 3 ? { deleteEnabled: i % 8 === 0 } : {}, undefined);
  }`.replace("if (i % 4 === 0) store", "if (i % 4 === 0 && i % 3 !== 0) store");

/** Everything a registry's folder promises: what is named is there, what is there is what its name says. */
async function checkFolder(dir: string, promised: readonly string[]): Promise<void> {
  const opened = new RegistryStore(dir);
  for (const prefix of await readdir(join(dir, "blobs/sha256"))) {
    for (const hex of await readdir(join(dir, "blobs/sha256", prefix))) {
      const bytes = await readFile(join(dir, "blobs/sha256", prefix, hex));
      expect(createHash("sha256").update(bytes).digest("hex")).toBe(hex);
    }
  }
  expect(await readdir(join(dir, "blobs/unfinished"))).toEqual([]);
  const { manifests, tags } = opened.look("a");
  for (const [, tag] of tags) expect(manifests.has(tag.digest)).toBe(true);
  for (const digest of manifests.keys()) {
    for (const blob of (await opened.manifest("a", digest)).blobs) {
      expect(await opened.blobSize("a", blob.digest)).toBe(50_000);
    }
  }
  for (const digest of promised) expect(manifests.has(digest)).toBe(true);
  const entries = opened.ledger();
  expect(entries.map(({ sequence }) => sequence)).toEqual(entries.map((_, i) => i + 1));
  const alive = new Set<string>();
  for (const entry of entries) {
    if (entry.action === "push") alive.add(entry.digest);
    if (entry.action === "delete") alive.delete(entry.digest);
  }
  expect([...alive].sort()).toEqual([...manifests.keys()].sort());
}

test("whenever it is killed, what was answered is there and the ledger tells the same as the state", async () => {
  const dir = await temporaryDirectory();
  const promised: string[] = [];
  for (const afterPushes of [1, 20]) {
    const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", work(dir)]);
    let said = "";
    let complaint = "";
    child.stderr.on("data", (data) => {
      complaint += data;
    });
    const ended = new Promise((resolve) => child.once("close", resolve));
    child.stdout.on("data", (data) => {
      said += data;
      if (said.split("\n").length > afterPushes) child.kill("SIGKILL");
    });
    await ended;
    expect(complaint).toBe("");
    promised.push(...said.split("\n").filter((line) => line.length === "sha256:".length + 64));
    await checkFolder(dir, promised);
  }
  expect(promised.length).toBeGreaterThanOrEqual(21);
});

test("pushes to one tag at once leave one of them behind it, and all of them by digest", async () => {
  const { url, store } = await temporaryRegistry();
  const images = await Promise.all(["1", "2", "3", "4"].map((layer) => pushImage(url, "a", "v1", layer)));
  const digests = images.map(({ digest }) => digest);
  expect(digests).toContain((await store.resolve("a", "v1"))?.digest);
  for (const digest of digests) expect(await store.resolve("a", digest)).toBeDefined();
});

test("a manifest pushed while the same one is deleted is there or not, never a name without content", async () => {
  const { url, store } = await temporaryRegistry();
  const { text, digest } = await pushImage(url, "a", "v1");
  for (let i = 0; i < 30; i++) {
    await Promise.all([
      putManifest(url, "a", "v1", text),
      fetch(`${url}/v2/a/manifests/${digest}`, { method: "DELETE" }),
      store.putBlob("b", Buffer.from(text)).then(() => store.deleteBlob("b", sha256(text))),
    ]);
    for (const reference of ["v1", digest]) {
      const response = await fetch(`${url}/v2/a/manifests/${reference}`);
      expect([200, 404]).toContain(response.status);
      await response.body?.cancel();
    }
  }
});

test("a push that could not be written down never was, by tag, by digest or in the ledger", async () => {
  const dir = await temporaryDirectory();
  const registry = await temporaryRegistry({ dir });
  const { text } = await pushImage(registry.url, "a", "v1");
  const before = registry.ledger();
  const other = Buffer.from(JSON.stringify({ ...(JSON.parse(text) as object), annotations: { other: "yes" } }));
  const full = join(dir, "repositories/a/_repository.json.next");
  await mkdir(full);
  await expect(registry.store.putManifest("a", "v2", ociManifest, other)).rejects.toThrow("EISDIR");
  expect(() => registry.store.setAttributes("a", "v1", { deleteEnabled: false })).toThrow("EISDIR");
  await rmdir(full);
  expect(registry.store.listTags("a")).toEqual(["v1"]);
  expect(await registry.store.resolve("a", sha256(other))).toBeUndefined();
  expect(registry.store.look("a").tags.get("v1")!.attributes).toBeUndefined();
  await registry.store.putManifest("a", "v3", ociManifest, other);
  expect(registry.ledger().slice(before.length)).toMatchObject([{ sequence: before.length + 1, tag: "v3" }]);
});
