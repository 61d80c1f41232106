import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { RegistryStore } from "../../../local/registry/registry-store.ts";
import { pushImage, putManifest, sha256, temporaryDirectory, temporaryRegistry, uploadBlob } from "./support.ts";

test("the ledger has each change once, in order, and nothing that only was asked", async () => {
  const { url, ledger } = await temporaryRegistry();
  const { digest, text, layer } = await pushImage(url, "a", "v1");
  await uploadBlob(url, "a", "layer");
  await putManifest(url, "a", "v1", text);
  await putManifest(url, "a", "v1", "{");
  await fetch(`${url}/v2/a/manifests/v1`);
  await fetch(`${url}/v2/b/blobs/uploads/?mount=${layer}&from=a`, { method: "POST" });
  await fetch(`${url}/acr/v1/a/_tags/v1`, { method: "PATCH", body: '{"writeEnabled":false}' });
  await fetch(`${url}/v2/a/manifests/v1`, { method: "DELETE" });
  await fetch(`${url}/acr/v1/a/_tags/v1`, { method: "PATCH", body: '{"writeEnabled":true}' });
  await fetch(`${url}/v2/a/manifests/v1`, { method: "DELETE" });
  await fetch(`${url}/v2/a/manifests/${digest}`, { method: "DELETE", headers: { "User-Agent": "test/1" } });
  await fetch(`${url}/v2/b/blobs/${layer}`, { method: "DELETE" });

  const entries = ledger();
  expect(entries.map(({ repository, action }) => `${repository} ${action}`)).toEqual([
    "a blob-added",
    "a blob-added",
    "a push",
    "a push",
    "b blob-mounted",
    "a attributes",
    "a attributes",
    "a untag",
    "a delete",
    "b blob-deleted",
  ]);
  expect(entries.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(entries[2]).toMatchObject({ tag: "v1", digest, size: text.length });
  expect(entries[8]).toMatchObject({ digest, origin: { useragent: "test/1" } });
});

test("a restart goes on counting, writes the line again that a kill cut off, and drops none", async () => {
  const dir = await temporaryDirectory();
  const file = join(dir, "ledger.jsonl");
  const store = new RegistryStore(dir);
  await store.putBlob("a", Buffer.from("one"));
  await store.putBlob("b", Buffer.from("two"));
  await store.putBlob("a", Buffer.from("three"));
  const whole = await readFile(file, "utf8");
  expect(new RegistryStore(dir).ledger()).toEqual(store.ledger());

  // Killed between saving the repository and writing the line, or in the middle of it.
  const lastLine = whole.trimEnd().lastIndexOf("\n") + 1;
  for (const kept of [whole.slice(0, lastLine), whole.slice(0, lastLine + 20)]) {
    await writeFile(file, kept);
    expect(new RegistryStore(dir).ledger()).toEqual(store.ledger());
    expect(await readFile(file, "utf8")).toBe(whole);
  }
  await appendFile(file, '{"sequence":4,"at"');
  const again = new RegistryStore(dir);
  await again.putBlob("c", Buffer.from("four"));
  expect(again.ledger().map(({ sequence, repository }) => [sequence, repository])).toEqual([
    [1, "a"],
    [2, "b"],
    [3, "a"],
    [4, "c"],
  ]);
  expect(again.ledger()[3]).toMatchObject({ action: "blob-added", digest: sha256("four") });
});
