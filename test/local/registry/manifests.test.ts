import { spawn } from "node:child_process";
import { expect, test } from "vitest";
import { startRegistry } from "../../../local/registry/registry.ts";
import type { RegistryEvent } from "../../../local/registry/registry-event.ts";
import {
  errorCode,
  ociIndex,
  ociManifest,
  pushImage,
  putManifest,
  sha256,
  temporaryDirectory,
  temporaryRegistry,
  uploadBlob,
} from "./support.ts";

test("a manifest comes back byte for byte, by tag and by digest", async () => {
  const { url } = await temporaryRegistry();
  const { text, digest } = await pushImage(url, "team/web", "v1");
  for (const reference of ["v1", digest, digest.replace(":", "%3A")]) {
    const response = await fetch(`${url}/v2/team/web/manifests/${reference}`);
    expect(await response.text()).toBe(text);
    expect(response.headers.get("content-type")).toBe(ociManifest);
    expect(response.headers.get("docker-content-digest")).toBe(digest);
    expect(response.headers.get("etag")).toBe(`"${digest}"`);
  }
  const head = await fetch(`${url}/v2/team/web/manifests/v1`, { method: "HEAD" });
  expect([head.status, head.headers.get("content-length")]).toEqual([200, String(text.length)]);
});

test("under what can be no tag there is nothing to read, and nothing can be written", async () => {
  const { url } = await temporaryRegistry();
  const { text } = await pushImage(url, "a", "v1");
  for (const method of ["GET", "HEAD"]) {
    expect((await fetch(`${url}/v2/a/manifests/.INVALID`, { method })).status).toBe(404);
  }
  const response = await putManifest(url, "a", ".INVALID", text);
  expect([response.status, await errorCode(response)]).toEqual([400, "MANIFEST_INVALID"]);
});

test("an unchanged tag answers 304 until it moves", async () => {
  const { url } = await temporaryRegistry();
  const { digest } = await pushImage(url, "a", "v1");
  const ask = () => fetch(`${url}/v2/a/manifests/v1`, { headers: { "If-None-Match": `"${digest}"` } });
  expect((await ask()).status).toBe(304);
  await pushImage(url, "a", "v1", "another layer");
  expect((await ask()).status).toBe(200);
});

test("an Accept header that leaves the stored type out gets 404, never another digest", async () => {
  const { url } = await temporaryRegistry();
  await pushImage(url, "a", "v1");
  const ask = async (Accept: string) => (await fetch(`${url}/v2/a/manifests/v1`, { headers: { Accept } })).status;
  expect(await ask("application/vnd.docker.distribution.manifest.v2+json")).toBe(404);
  expect(await ask(`text/plain, ${ociManifest}; q=0.5`)).toBe(200);
  expect(await ask("*/*")).toBe(200);
});

test.each([
  ["not JSON", "{", ociManifest, "MANIFEST_INVALID"],
  ["not an object", "[]", ociManifest, "MANIFEST_INVALID"],
  ["schema 1", '{"schemaVersion":1}', ociManifest, "MANIFEST_INVALID"],
  ["an unknown type", '{"schemaVersion":2}', "application/json", "MANIFEST_INVALID"],
  ["no layers", '{"schemaVersion":2,"config":{}}', ociManifest, "MANIFEST_INVALID"],
  ["another type inside", `{"schemaVersion":2,"mediaType":"${ociIndex}"}`, ociManifest, "MANIFEST_INVALID"],
  [
    "blobs it does not have",
    `{"schemaVersion":2,"config":{"digest":"${sha256("no")}"},"layers":[]}`,
    ociManifest,
    "MANIFEST_BLOB_UNKNOWN",
  ],
  [
    "children it does not have",
    `{"schemaVersion":2,"manifests":[{"digest":"${sha256("no")}"}]}`,
    ociIndex,
    "MANIFEST_BLOB_UNKNOWN",
  ],
])("a manifest with %s is refused", async (_, text, type, code) => {
  const { url } = await temporaryRegistry();
  const response = await putManifest(url, "a", "v1", text, type);
  expect([response.status, await errorCode(response)]).toEqual([400, code]);
  expect((await fetch(`${url}/v2/a/tags/list`)).status).toBe(404);
});

test.each<[string, { config?: object; [field: string]: unknown }]>([
  ["a size below nothing", { config: { size: -5 } }],
  ["a size in words", { config: { size: "5" } }],
  ["a size that is no whole number", { config: { size: 1e300 } }],
  ["a config of a numbered type", { config: { mediaType: 5 } }],
  ["a kind that is no text", { artifactType: 5 }],
  ["annotations that are none", { annotations: 5 }],
  ["an annotation that is no text", { annotations: { a: 5 } }],
])("a manifest with %s is refused, as it could not be read", async (_, { config, ...fields }) => {
  const { url } = await temporaryRegistry();
  const digest = await uploadBlob(url, "a", "{}");
  const manifest = { schemaVersion: 2, config: { digest, size: 2, ...config }, layers: [], ...fields };
  const response = await putManifest(url, "a", "v1", JSON.stringify(manifest));
  expect([response.status, await errorCode(response)]).toEqual([400, "MANIFEST_INVALID"]);
});

test("an index with a platform that is none is refused, and null is as good as nothing", async () => {
  const { url } = await temporaryRegistry();
  const { text, digest } = await pushImage(url, "a", "v1");
  const index = { schemaVersion: 2, mediaType: ociIndex, manifests: [{ digest, size: 5, platform: "linux" }] };
  const refused = await putManifest(url, "a", "all", JSON.stringify(index), ociIndex);
  expect([refused.status, await errorCode(refused)]).toEqual([400, "MANIFEST_INVALID"]);
  const manifest = { ...(JSON.parse(text) as object), annotations: null, artifactType: null };
  expect((await putManifest(url, "a", "v2", JSON.stringify(manifest))).status).toBe(201);
});

test("a manifest over 4 MiB or under a wrong digest is refused", async () => {
  const { url } = await temporaryRegistry();
  const large = await putManifest(url, "a", "v1", "x".repeat(4 * 1024 * 1024 + 1));
  expect(large.status).toBe(413);
  const { text } = await pushImage(url, "a", "v1");
  const wrong = await putManifest(url, "a", sha256("other"), text);
  expect([wrong.status, await errorCode(wrong)]).toEqual([400, "DIGEST_INVALID"]);
});

test("pushes and deletes are told as ACR tells them", async () => {
  const registry = await temporaryRegistry();
  const { url, loginServer } = registry;
  const events: RegistryEvent[] = [];
  registry.onEvent((event) => events.push(event));
  const { text, digest } = await pushImage(url, "team/web", "v1");
  await putManifest(url, "team/web", digest, text);
  const index = JSON.stringify({ schemaVersion: 2, mediaType: ociIndex, manifests: [{ digest }] });
  await putManifest(url, "team/web", "multi", index, ociIndex);
  await fetch(`${url}/v2/team/web/manifests/multi`, { method: "DELETE" });
  await fetch(`${url}/v2/team/web/manifests/${digest}`, { method: "DELETE", headers: { "User-Agent": "test/1" } });

  expect(events.map(({ action, target }) => [action, target.digest, target.tag])).toEqual([
    ["push", digest, "v1"],
    ["push", digest, undefined],
    ["push", sha256(index), "multi"],
    ["delete", digest, undefined],
  ]);
  expect(events[0]).toEqual({
    id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$/),
    action: "push",
    target: {
      mediaType: ociManifest,
      size: text.length,
      digest,
      length: text.length,
      repository: "team/web",
      tag: "v1",
    },
    request: { id: expect.any(String), host: loginServer, method: "PUT", useragent: expect.any(String) },
  });
  expect(events[3]).toMatchObject({
    target: { mediaType: ociManifest, digest, repository: "team/web" },
    request: { method: "DELETE", useragent: "test/1" },
  });
  expect(new Set(events.map((event) => event.id)).size).toBe(4);
});

test("deleting a digest takes its tags along, deleting a tag does not touch the digest", async () => {
  const { url } = await temporaryRegistry();
  const { digest, text } = await pushImage(url, "a", "v1");
  await putManifest(url, "a", "v2", text);
  const status = async (reference: string) => (await fetch(`${url}/v2/a/manifests/${reference}`)).status;
  expect((await fetch(`${url}/v2/a/manifests/v1`, { method: "DELETE" })).status).toBe(202);
  expect([await status("v1"), await status("v2"), await status(digest)]).toEqual([404, 200, 200]);
  expect((await fetch(`${url}/v2/a/manifests/${digest}`, { method: "DELETE" })).status).toBe(202);
  expect([await status("v2"), await status(digest)]).toEqual([404, 404]);
  expect((await fetch(`${url}/v2/a/manifests/${digest}`, { method: "DELETE" })).status).toBe(404);
});

test("tags and repositories are listed in pages", async () => {
  const { url } = await temporaryRegistry();
  const { text } = await pushImage(url, "b/web", "t0");
  for (const tag of ["t3", "t1", "__proto__", "T2"]) await putManifest(url, "b/web", tag, text);
  await pushImage(url, "a", "v1");
  await pushImage(url, "c/d/tags/list", "v1");

  const pages = async (path: string, field: "tags" | "repositories") => {
    const seen: string[][] = [];
    for (let next: string | undefined = path; next; ) {
      const response = await fetch(new URL(next, url));
      seen.push(((await response.json()) as Record<string, string[]>)[field]!);
      next = /<(.+)>; rel="next"/.exec(response.headers.get("link") ?? "")?.[1];
    }
    return seen;
  };
  expect(await pages("/v2/b/web/tags/list?n=2", "tags")).toEqual([["T2", "__proto__"], ["t0", "t1"], ["t3"]]);
  expect(await pages("/v2/b/web/tags/list", "tags")).toEqual([["T2", "__proto__", "t0", "t1", "t3"]]);
  expect(await pages("/v2/b/web/tags/list?n=0", "tags")).toEqual([[]]);
  expect(await pages("/v2/_catalog?n=2", "repositories")).toEqual([["a", "b/web"], ["c/d/tags/list"]]);
  expect(await pages("/v2/c/d/tags/list/tags/list", "tags")).toEqual([["v1"]]);
  const bad = await fetch(`${url}/v2/_catalog?n=-1`);
  expect([bad.status, await errorCode(bad)]).toEqual([400, "PAGINATION_NUMBER_INVALID"]);
  expect((await fetch(`${url}/v2/none/tags/list`)).status).toBe(404);
});

test("a restarted registry goes on where it was, half-done uploads included", async () => {
  const dir = await temporaryDirectory();
  const first = await startRegistry({ dir });
  const { text, digest } = await pushImage(first.url, "team/web", "v1");
  const upload = await fetch(`${first.url}/v2/team/web/blobs/uploads/`, { method: "POST" });
  const location = upload.headers.get("location")!;
  await fetch(new URL(location, first.url), { method: "PATCH", body: "half " });
  await first.close();

  const second = await temporaryRegistry({ dir });
  expect(await second.store.resolve("team/web", "v1")).toMatchObject({ digest, mediaType: ociManifest });
  expect(await (await fetch(`${second.url}/v2/team/web/manifests/v1`)).text()).toBe(text);
  expect(second.store.listRepositories()).toEqual(["team/web"]);
  const end = `${new URL(location, second.url)}&digest=${sha256("half done")}`;
  expect((await fetch(end, { method: "PUT", body: "done" })).status).toBe(201);
});

test("what was answered is there after SIGKILL", async () => {
  const dir = await temporaryDirectory();
  const code = `
    import { startRegistry } from ${JSON.stringify(new URL("../../../local/registry/registry.ts", import.meta.url).href)};
    console.log((await startRegistry({ dir: ${JSON.stringify(dir)} })).url);`;
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", code]);
  const url = await new Promise<string>((resolve) => child.stdout.once("data", (data) => resolve(String(data).trim())));
  const { digest } = await pushImage(url, "team/web", "v1");
  const ended = new Promise((resolve) => child.once("close", resolve));
  child.kill("SIGKILL");
  await ended;
  const { store } = await temporaryRegistry({ dir });
  expect((await store.resolve("team/web", "v1"))?.digest).toBe(digest);
});
