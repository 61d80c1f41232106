import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { Uploads } from "../../../local/registry/uploads.ts";
import { errorCode, sha256, temporaryRegistry, uploadBlob } from "./support.ts";

test("a blob comes back whole, in ranges, and not at all when it is known", async () => {
  const { url } = await temporaryRegistry();
  const digest = await uploadBlob(url, "team/web", "0123456789");
  const blob = `${url}/v2/team/web/blobs/${digest}`;

  const whole = await fetch(blob);
  expect(await whole.text()).toBe("0123456789");
  expect(whole.headers.get("docker-content-digest")).toBe(digest);
  const head = await fetch(blob, { method: "HEAD" });
  expect([head.status, head.headers.get("content-length")]).toEqual([200, "10"]);

  for (const [range, status, text, contentRange] of [
    ["bytes=2-4", 206, "234", "bytes 2-4/10"],
    ["bytes=7-", 206, "789", "bytes 7-9/10"],
    ["bytes=-3", 206, "789", "bytes 7-9/10"],
    ["bytes=8-99", 206, "89", "bytes 8-9/10"],
    ["bytes=4-2", 200, "0123456789", null],
    ["bytes=0-1,4-5", 200, "0123456789", null],
  ] as const) {
    const part = await fetch(blob, { headers: { Range: range } });
    expect([range, part.status, await part.text(), part.headers.get("content-range")]).toEqual([
      range,
      status,
      text,
      contentRange,
    ]);
  }
  const beyond = await fetch(blob, { headers: { Range: "bytes=10-" } });
  expect([beyond.status, beyond.headers.get("content-range")]).toEqual([416, "bytes */10"]);
  const unchanged = await fetch(blob, { headers: { "If-None-Match": `"${digest}"` } });
  expect(unchanged.status).toBe(304);
});

test("an empty blob is a blob", async () => {
  const { url } = await temporaryRegistry();
  const digest = await uploadBlob(url, "a", "");
  const response = await fetch(`${url}/v2/a/blobs/${digest}`);
  expect([response.status, await response.text()]).toEqual([200, ""]);
});

test("a wrong digest is refused and nothing is kept", async () => {
  const { url } = await temporaryRegistry();
  const wrong = sha256("something else");
  const response = await fetch(`${url}/v2/a/blobs/uploads/?digest=${wrong}`, { method: "POST", body: "content" });
  expect([response.status, await errorCode(response)]).toEqual([400, "DIGEST_INVALID"]);
  for (const digest of [wrong, sha256("content")]) {
    expect((await fetch(`${url}/v2/a/blobs/${digest}`)).status).toBe(404);
  }
});

test("chunks arrive in order or are refused with where to go on", async () => {
  const { url } = await temporaryRegistry();
  const chunk = (location: string, range: string, body: string) =>
    fetch(new URL(location, url), { method: "PATCH", headers: { "Content-Range": range }, body });

  const start = await fetch(`${url}/v2/a/b/blobs/uploads/`, { method: "POST" });
  expect(start.status).toBe(202);
  const first = await chunk(start.headers.get("location")!, "0-2", "abc");
  expect([first.status, first.headers.get("range")]).toEqual([202, "0-2"]);
  const location = first.headers.get("location")!;

  const early = await chunk(location, "5-6", "fg");
  expect([early.status, early.headers.get("range")]).toEqual([416, "0-2"]);
  const short = await chunk(location, "3-9", "de");
  expect([short.status, await errorCode(short)]).toEqual([400, "SIZE_INVALID"]);
  const status = await fetch(new URL(location, url));
  expect([status.status, status.headers.get("range")]).toEqual([204, "0-2"]);

  const digest = sha256("abcdef");
  const end = await fetch(`${new URL(location, url)}&digest=${digest}`, { method: "PUT", body: "def" });
  expect([end.status, end.headers.get("location")]).toEqual([201, `/v2/a/b/blobs/${digest}`]);
  expect(await (await fetch(`${url}/v2/a/b/blobs/${digest}`)).text()).toBe("abcdef");
  const gone = await fetch(new URL(location, url));
  expect([gone.status, await gone.text()]).toEqual([404, expect.stringContaining("BLOB_UPLOAD_UNKNOWN")]);
});

test("a chunk that breaks off leaves the upload where it was", async () => {
  const { url } = await temporaryRegistry();
  const start = await fetch(`${url}/v2/a/blobs/uploads/`, { method: "POST" });
  const location = new URL(start.headers.get("location")!, url);
  await new Promise<void>((resolve) => {
    const patch = request(location, { method: "PATCH", headers: { "Content-Length": 1000 } });
    patch.on("error", () => resolve());
    patch.write("half", () => setTimeout(() => patch.destroy(), 50));
  });
  const digest = sha256("whole");
  await expect
    .poll(async () => (await fetch(`${location}&digest=${digest}`, { method: "PUT", body: "whole" })).status)
    .toBe(201);
});

test("nothing is added to an upload while the store takes it over, nor afterwards", async () => {
  const dir = mkdtempSync(join(tmpdir(), "uploads-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const uploads = new Uploads(dir);
  const id = await uploads.start("a");
  const add = (text: string) => uploads.append("a", id, Readable.from([text]));
  await add("whole");
  const adopted = await uploads.finish("a", id, Readable.from([]), {}, async (file) => {
    await expect(add("late")).rejects.toMatchObject({ status: 416, headers: { Range: "0-4" } });
    return readFileSync(file, "utf8");
  });
  expect(adopted).toBe("whole");
  await expect(add("later")).rejects.toMatchObject({ status: 404 });
});

test("an upload belongs to its repository and can be cancelled", async () => {
  const { url } = await temporaryRegistry();
  const start = await fetch(`${url}/v2/a/blobs/uploads/`, { method: "POST" });
  const id = start.headers.get("docker-upload-uuid")!;
  expect((await fetch(`${url}/v2/b/blobs/uploads/${id}`)).status).toBe(404);
  expect((await fetch(`${url}/v2/a/blobs/uploads/${id}`, { method: "DELETE" })).status).toBe(204);
  expect((await fetch(`${url}/v2/a/blobs/uploads/${id}`)).status).toBe(404);
});

test("blobs are per repository until they are mounted, and deleted one repository at a time", async () => {
  const { url } = await temporaryRegistry();
  const digest = await uploadBlob(url, "from", "shared");
  const size = async (repository: string) =>
    (await fetch(`${url}/v2/${repository}/blobs/${digest}`, { method: "HEAD" })).status;
  const mount = (query: string) => fetch(`${url}/v2/to/blobs/uploads/?${query}`, { method: "POST" });

  expect(await size("to")).toBe(404);
  expect((await mount(`mount=${digest}&from=elsewhere`)).status).toBe(202);
  expect((await mount(`mount=${digest}&from=from`)).status).toBe(201);
  expect(await size("to")).toBe(200);
  expect((await fetch(`${url}/v2/from/blobs/${digest}`, { method: "DELETE" })).status).toBe(202);
  expect([await size("from"), await size("to")]).toEqual([404, 200]);
  expect((await fetch(`${url}/v2/other/blobs/uploads/?mount=${digest}`, { method: "POST" })).status).toBe(201);
});

test("names, tags and digests outside the grammar never reach the disk", async () => {
  const { url } = await temporaryRegistry();
  const good = sha256("x");
  for (const path of [
    `/v2/UPPER/blobs/${good}`,
    `/v2/a//b/blobs/${good}`,
    `/v2/%2e%2e/%2e%2e/etc/blobs/${good}`,
    `/v2/..%2f..%2fetc/blobs/${good}`,
    `/v2/_uploads/blobs/${good}`,
    `/v2/${"a".repeat(256)}/blobs/${good}`,
    "/v2/a/blobs/sha256:..%2F..%2Fetc%2Fpasswd",
    "/v2/a/blobs/sha512:00",
    "/v2/a/blobs/%E0%A4%A",
    "/v2/a/manifests/..%2f..%2fx",
    `/v2/a/manifests/${"t".repeat(129)}`,
    "/v2/a/manifests/sha256:zz",
    "/v2/a/blobs/uploads/..%2f..%2fx",
  ]) {
    const response = await fetch(url + path);
    expect([path, response.status >= 400 && response.status < 500]).toEqual([path, true]);
    expect(await errorCode(response)).toMatch(/^(NAME|DIGEST|MANIFEST|BLOB_UPLOAD)_/);
  }
});

test("no path makes the server fail", async () => {
  const { url } = await temporaryRegistry();
  const part = fc.constantFrom("v2", "a", "..", "%00", "blobs", "uploads", "manifests", "tags", "list", "_catalog", "");
  const method = fc.constantFrom("GET", "PUT", "POST", "PATCH", "DELETE");
  await fc.assert(
    fc.asyncProperty(method, fc.array(fc.oneof(part, fc.webSegment()), { maxLength: 6 }), async (method, parts) => {
      const response = await fetch(`${url}/v2/${parts.join("/")}`, { method });
      await response.arrayBuffer();
      expect(response.status).toBeLessThan(500);
    }),
    { numRuns: 150 },
  );
});
