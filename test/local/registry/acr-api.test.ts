import { expect, test, vi } from "vitest";
import type { RegistryEvent } from "../../../local/registry/registry-event.ts";
import {
  errorCode,
  ociIndex,
  ociManifest,
  pushImage,
  putManifest,
  sha256,
  temporaryRegistry,
  uploadBlob,
} from "./support.ts";

const unlocked = { deleteEnabled: true, writeEnabled: true, readEnabled: true, listEnabled: true };
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$/);

async function json(url: string, path: string) {
  const response = await fetch(`${url}/acr/v1/${path}`);
  return (await response.json()) as Record<string, unknown>;
}

function patch(url: string, path: string, body: unknown) {
  return fetch(`${url}/acr/v1/${path}`, { method: "PATCH", body: JSON.stringify(body) });
}

test("a repository, its tags and its manifests are described as Azure's SDKs were answered", async () => {
  const { url, loginServer } = await temporaryRegistry();
  const config = await uploadBlob(url, "team/web", JSON.stringify({ architecture: "arm64", os: "linux" }));
  const image = JSON.stringify({
    schemaVersion: 2,
    config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: config, size: 38 },
    layers: [{ digest: await uploadBlob(url, "team/web", "layer"), size: 5 }],
  });
  await putManifest(url, "team/web", "v2", image);
  await putManifest(url, "team/web", "v1", image);
  const digest = sha256(image);
  const platform = { architecture: "arm64", os: "linux" };
  const index = JSON.stringify({ schemaVersion: 2, manifests: [{ digest, platform }] });
  await putManifest(url, "team/web", "multi", index, ociIndex);

  const head = { registry: loginServer, imageName: "team/web" };
  const times = { createdTime: time, lastUpdateTime: time };
  expect(await json(url, "team%2Fweb")).toEqual({
    ...head,
    ...times,
    manifestCount: 2,
    tagCount: 3,
    changeableAttributes: unlocked,
  });
  const tag = { name: "v1", digest, ...times, signed: false, changeableAttributes: unlocked };
  expect(await json(url, "team/web/_tags/v1")).toEqual({ ...head, tag });
  expect(await json(url, `team/web/_tags?digest=${digest}&orderby=timedesc&n=1`)).toMatchObject({
    ...head,
    tags: [{ name: "v1" }],
  });
  const manifest = {
    digest,
    imageSize: 43,
    ...times,
    ...platform,
    mediaType: ociManifest,
    configMediaType: "application/vnd.oci.image.config.v1+json",
    tags: ["v1", "v2"],
    changeableAttributes: unlocked,
  };
  expect(await json(url, `team%2Fweb/_manifests/${digest.replace(":", "%3A")}`)).toEqual({ ...head, manifest });
  expect(await json(url, `team/web/_manifests/${sha256(index)}`)).toEqual({
    ...head,
    manifest: {
      digest: sha256(index),
      imageSize: 43,
      ...times,
      mediaType: ociIndex,
      tags: ["multi"],
      changeableAttributes: unlocked,
      references: [{ digest, ...platform }],
    },
  });
  const { manifests } = await json(url, "team/web/_manifests");
  expect(manifests).toHaveLength(2);
  expect(manifests).toContainEqual(manifest);
  expect(await json(url, "_catalog")).toEqual({ repositories: ["team/web"] });
});

test("what is not there is said in ACR's words", async () => {
  const { url } = await temporaryRegistry();
  await pushImage(url, "a", "v1");
  for (const [path, code] of [
    ["b", "NAME_UNKNOWN"],
    ["b/_tags", "NAME_UNKNOWN"],
    ["b/_manifests", "NAME_UNKNOWN"],
    ["a/_tags/v2", "TAG_UNKNOWN"],
    [`a/_manifests/${sha256("x")}`, "MANIFEST_UNKNOWN"],
  ]) {
    for (const method of ["GET", "PATCH", "DELETE"]) {
      if (method !== "GET" && path?.endsWith("s")) continue;
      const response = await fetch(`${url}/acr/v1/${path}`, { method, ...(method === "PATCH" && { body: "{}" }) });
      expect([method, path, response.status, await errorCode(response)]).toEqual([method, path, 404, code]);
    }
  }
  const method = await fetch(`${url}/acr/v1/a/_tags`, { method: "DELETE" });
  expect([method.status, method.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
});

test("a tag's time is that of its last push, a manifest's too, and a lock moves neither", async () => {
  const { url } = await temporaryRegistry();
  const at = (iso: string) => vi.setSystemTime(new Date(iso));
  vi.useFakeTimers({ toFake: ["Date"] });
  try {
    at("2026-01-01T00:00:00Z");
    const first = await pushImage(url, "a", "v1");
    at("2026-01-02T00:00:00Z");
    await pushImage(url, "a", "v1", "other");
    at("2026-01-03T00:00:00Z");
    await putManifest(url, "a", first.digest, first.text);
    at("2026-01-04T00:00:00Z");
    await patch(url, "a/_tags/v1", { deleteEnabled: false });
  } finally {
    vi.useRealTimers();
  }
  const day = (n: number) => `2026-01-0${n}T00:00:00.0000000Z`;
  const times = (created: number, updated: number) => ({ createdTime: day(created), lastUpdateTime: day(updated) });
  const { digest } = (await json(url, "a/_tags/v1")).tag as { digest: string };
  expect((await json(url, "a/_tags/v1")).tag).toMatchObject(times(1, 2));
  expect((await json(url, `a/_manifests/${digest}`)).manifest).toMatchObject(times(2, 2));
  const manifests = (await json(url, "a/_manifests?orderby=timedesc")).manifests as { digest: string }[];
  expect(manifests.map((manifest) => manifest.digest)[1]).toBe(digest);
  expect(manifests[0]).toMatchObject(times(1, 3));
  expect(await json(url, "a")).toMatchObject(times(1, 3));
});

test("lists go on from page to page in the order asked for, also when what was shown is deleted meanwhile", async () => {
  const { url } = await temporaryRegistry();
  const { text } = await pushImage(url, "a", "c");
  for (const tag of ["a", "d", "b"]) await putManifest(url, "a", tag, text);
  const pages = async (query: string, between = async (_: string[]) => {}) => {
    const seen: string[][] = [];
    for (let next: string | undefined = `/acr/v1/a/_tags?n=2&${query}`; next; ) {
      const response = await fetch(new URL(next, url));
      const { tags } = (await response.json()) as { tags: { name: string }[] };
      seen.push(tags.map(({ name }) => name));
      await between(seen.at(-1)!);
      next = /<(.+)>; rel="next"/.exec(response.headers.get("link") ?? "")?.[1];
    }
    return seen;
  };
  expect(await pages("")).toEqual([
    ["a", "b"],
    ["c", "d"],
  ]);
  const byTime = (await pages("orderby=timeasc")).flat();
  expect(byTime).toHaveLength(4);
  expect([...byTime].sort()).toEqual(["a", "b", "c", "d"]);
  const bad = await fetch(`${url}/acr/v1/a/_tags?orderby=name`);
  expect(bad.status).toBe(400);
  const purge = async (names: string[]) => {
    for (const name of names) await fetch(`${url}/acr/v1/a/_tags/${name}`, { method: "DELETE" });
  };
  expect((await pages("orderby=timedesc", purge)).flat().sort()).toEqual(["a", "b", "c", "d"]);
});

test.each<[keyof typeof unlocked, "repository" | "tag" | "manifest", string]>([
  ["writeEnabled", "repository", "move delete-tag delete-manifest upload mount delete-blob delete-repository new-tag"],
  ["writeEnabled", "tag", "move delete-tag delete-manifest delete-repository"],
  ["writeEnabled", "manifest", "new-tag delete-manifest delete-repository"],
  ["deleteEnabled", "repository", "delete-tag delete-manifest delete-blob delete-repository"],
  ["deleteEnabled", "tag", "delete-tag delete-manifest delete-repository"],
  ["deleteEnabled", "manifest", "delete-manifest delete-repository"],
  ["readEnabled", "repository", "pull-tag pull-digest pull-blob"],
  ["readEnabled", "tag", "pull-tag"],
  ["readEnabled", "manifest", "pull-tag pull-digest"],
  ["listEnabled", "repository", ""],
])("%s=false on a %s forbids: %s", async (attribute, on, forbidden) => {
  const operations = ({ url }: { url: string }, image: Awaited<ReturnType<typeof pushImage>>) => ({
    "pull-tag": () => fetch(`${url}/v2/a/manifests/v1`),
    "pull-digest": () => fetch(`${url}/v2/a/manifests/${image.digest}`),
    "pull-blob": () => fetch(`${url}/v2/a/blobs/${image.layer}`),
    upload: () => fetch(`${url}/v2/a/blobs/uploads/?digest=${sha256("new")}`, { method: "POST", body: "new" }),
    mount: () => fetch(`${url}/v2/a/blobs/uploads/?from=b&mount=${sha256("of b")}`, { method: "POST" }),
    "new-tag": () => putManifest(url, "a", "v2", image.text),
    move: () => putManifest(url, "a", "v1", image.text.replace(image.layer, sha256("layer2"))),
    "delete-tag": () => fetch(`${url}/v2/a/manifests/v1`, { method: "DELETE" }),
    "delete-blob": () => fetch(`${url}/v2/a/blobs/${sha256("layer2")}`, { method: "DELETE" }),
    "delete-manifest": () => fetch(`${url}/v2/a/manifests/${image.digest}`, { method: "DELETE" }),
    "delete-repository": () => fetch(`${url}/acr/v1/a`, { method: "DELETE" }),
  });
  const refused: string[] = [];
  const registry = await temporaryRegistry();
  // Each operation meets a repository of its own making, so that none stands in the way of the next.
  for (const name of Object.keys(operations(registry, {} as never)) as (keyof ReturnType<typeof operations>)[]) {
    const image = await pushImage(registry.url, "a", "v1");
    await uploadBlob(registry.url, "a", "layer2");
    await uploadBlob(registry.url, "b", "of b");
    const path = { repository: "a", tag: "a/_tags/v1", manifest: `a/_manifests/${image.digest}` }[on];
    expect((await patch(registry.url, path, { [attribute]: false })).status).toBe(200);
    const events: RegistryEvent[] = [];
    const stop = registry.onEvent((event) => events.push(event));
    const before = registry.ledger().length;
    const response = await operations(registry, image)[name]();
    if (response.status === 405) {
      expect(await errorCode(response)).toBe("REGISTRY_DISALLOWED_OPERATION");
      expect([events, registry.ledger().length]).toEqual([[], before]);
      refused.push(name);
    } else {
      expect([name, response.ok]).toEqual([name, true]);
      await response.body?.cancel();
    }
    stop();
    if (name !== "delete-repository" || response.status === 405) {
      await patch(registry.url, path, { [attribute]: true });
      await fetch(`${registry.url}/acr/v1/a`, { method: "DELETE" });
    }
  }
  expect(refused.sort()).toEqual(forbidden.split(" ").filter(Boolean).sort());
});

test("a locked repository takes nothing in process either", async () => {
  const { url, store } = await temporaryRegistry();
  const { digest, text, layer } = await pushImage(url, "a", "v1");
  await pushImage(url, "b", "v1", "of b");
  store.setAttributes("b", "", { writeEnabled: false });
  const disallowed = { code: "REGISTRY_DISALLOWED_OPERATION" };
  await expect(store.putBlob("b", Buffer.from("new"))).rejects.toMatchObject(disallowed);
  await expect(store.mountBlob("b", layer, "a")).rejects.toMatchObject(disallowed);
  await expect(
    store.putManifest("b", "v2", ociManifest, Buffer.from(text.replace(layer, sha256("of b")))),
  ).rejects.toMatchObject(disallowed);
  expect([await store.blobSize("b", layer), await store.resolve("b", digest)]).toEqual([undefined, undefined]);
});

test("what is locked from lists is in none of them and still there", async () => {
  const { url } = await temporaryRegistry();
  const { digest, text } = await pushImage(url, "a", "v1");
  await putManifest(url, "a", "v2", text);
  await patch(url, "a/_tags/v1", { listEnabled: false });
  expect(await json(url, "a/_tags")).toMatchObject({ tags: [{ name: "v2" }] });
  expect((await (await fetch(`${url}/v2/a/tags/list`)).json()) as object).toMatchObject({ tags: ["v2"] });
  expect(await json(url, `a/_manifests/${digest}`)).toMatchObject({ manifest: { tags: ["v2"] } });
  expect((await fetch(`${url}/v2/a/manifests/v1`)).status).toBe(200);
  await patch(url, `a/_manifests/${digest}`, { listEnabled: false });
  expect(await json(url, "a/_manifests")).toMatchObject({ manifests: [] });
  await patch(url, "a", { listEnabled: false });
  expect(await json(url, "_catalog")).toEqual({ repositories: [] });
  expect(await (await fetch(`${url}/v2/_catalog`)).json()).toEqual({ repositories: [] });
});

test("a patch answers with the new state, changes only what it names, and survives a push", async () => {
  const { url } = await temporaryRegistry();
  const { text } = await pushImage(url, "a", "v1");
  const body = (await (await patch(url, "a/_tags/v1", { deleteEnabled: false })).json()) as { tag: object };
  expect(body.tag).toMatchObject({ name: "v1", changeableAttributes: { ...unlocked, deleteEnabled: false } });
  await putManifest(url, "a", "v1", text);
  await patch(url, "a/_tags/v1", { readEnabled: false });
  const locked = { ...unlocked, deleteEnabled: false, readEnabled: false };
  expect(await json(url, "a/_tags/v1")).toMatchObject({ tag: { changeableAttributes: locked } });
  for (const bad of [{ writeEnabled: "no" }, [], null]) expect((await patch(url, "a", bad)).status).toBe(400);
  expect((await fetch(`${url}/acr/v1/a`, { method: "PATCH", body: "{" })).status).toBe(400);
  expect(await json(url, "a")).toMatchObject({ changeableAttributes: unlocked });
});

test("deleting a repository says what went, tells each manifest, and leaves what others share", async () => {
  const registry = await temporaryRegistry();
  const { url } = registry;
  const { digest, layer } = await pushImage(url, "a", "v1");
  await pushImage(url, "b", "v1");
  const events: RegistryEvent[] = [];
  registry.onEvent((event) => events.push(event));
  const response = await fetch(`${url}/acr/v1/a`, { method: "DELETE" });
  expect([response.status, await response.json()]).toEqual([202, { manifestsDeleted: [digest], tagsDeleted: ["v1"] }]);
  expect(events.map(({ action, target }) => [action, target])).toEqual([
    ["delete", { mediaType: ociManifest, digest, repository: "a" }],
  ]);
  expect((await fetch(`${url}/v2/a/blobs/${layer}`)).status).toBe(404);
  expect(await (await fetch(`${url}/v2/b/blobs/${layer}`)).text()).toBe("layer");
  expect((await fetch(`${url}/acr/v1/a/_tags/v1`, { method: "DELETE" })).status).toBe(404);
});

test("untagging by ACR's own API tells nobody and keeps the manifest", async () => {
  const registry = await temporaryRegistry();
  const { url } = registry;
  const { digest } = await pushImage(url, "a", "v1");
  const events: RegistryEvent[] = [];
  registry.onEvent((event) => events.push(event));
  expect((await fetch(`${url}/acr/v1/a/_tags/v1`, { method: "DELETE" })).status).toBe(202);
  expect(events).toEqual([]);
  const { manifest } = (await json(url, `a/_manifests/${digest}`)) as { manifest: object };
  expect(manifest).not.toHaveProperty("tags");
  expect((await fetch(`${url}/acr/v1/a/_manifests/${digest}`, { method: "DELETE" })).status).toBe(202);
  expect(events.map(({ action }) => action)).toEqual(["delete"]);
});
