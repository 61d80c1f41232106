import { expect, test } from "vitest";
import type { HttpFault } from "../../../local/http-faults.ts";
import { errorCode, pushImage, putManifest, temporaryRegistry } from "./support.ts";

test("a fault strikes the requests it names, as often as it says, and then no more", async () => {
  const { url, faults } = await temporaryRegistry();
  const { digest } = await pushImage(url, "a", "v1");
  faults.push({ times: 2, method: "GET", path: "/manifests/", status: 503 });
  const status = async (path: string, method = "GET") => (await fetch(url + path, { method })).status;
  expect(await status("/v2/a/manifests/v1", "HEAD")).toBe(200);
  expect(await status("/v2/a/tags/list")).toBe(200);
  expect(await status("/v2/a/manifests/v1")).toBe(503);
  expect(await status(`/v2/a/manifests/${digest}`)).toBe(503);
  expect(await status("/v2/a/manifests/v1")).toBe(200);
});

test("a refusal comes with Retry-After or without", async () => {
  const { url, faults } = await temporaryRegistry();
  faults.push({ times: 1, status: 429, retryAfter: 7 }, { times: 1, status: 429 });
  const first = await fetch(`${url}/v2/`);
  expect([first.status, first.headers.get("retry-after"), await errorCode(first)]).toEqual([
    429,
    "7",
    "TOOMANYREQUESTS",
  ]);
  const second = await fetch(`${url}/v2/`);
  expect([second.status, second.headers.get("retry-after")]).toEqual([429, null]);
});

test.each<[string, Partial<HttpFault>]>([
  ["an error", { status: 500 }],
  ["a cut connection", { cut: true }],
])("%s before the effect leaves nothing, after it leaves everything", async (_, kind) => {
  const registry = await temporaryRegistry();
  const { url, faults, store } = registry;
  const { text } = await pushImage(url, "a", "v1");
  const tags: (string | undefined)[] = [];
  registry.onEvent(({ target }) => tags.push(target.tag));
  const put = async (tag: string) =>
    putManifest(url, "a", tag, text).then(
      ({ status }) => status,
      () => "cut",
    );
  const seen = kind.cut ? "cut" : 500;
  faults.push({ times: 1, method: "PUT", ...kind });
  expect(await put("before")).toBe(seen);
  faults.push({ times: 1, method: "PUT", after: true, ...kind });
  expect(await put("after")).toBe(seen);
  expect(store.listTags("a")).toEqual(["after", "v1"]);
  expect(tags).toEqual(["after"]);
  expect(await put("later")).toBe(201);
});

test("an error after the effect gives nothing of the true answer away", async () => {
  const { url, faults } = await temporaryRegistry();
  const { text } = await pushImage(url, "a", "v1");
  faults.push({ times: 1, method: "PUT", status: 502, after: true });
  const response = await putManifest(url, "a", "v2", text);
  expect([response.status, await errorCode(response)]).toEqual([502, "UNKNOWN"]);
  for (const header of ["location", "docker-content-digest"]) expect(response.headers.get(header)).toBeNull();
});

test("an upload that is refused midway can be sent again on the same connection", async () => {
  const { url, faults } = await temporaryRegistry();
  faults.push({ times: 1, method: "POST", path: "/blobs/uploads/", status: 502 });
  await expect(pushImage(url, "a", "v1", "x".repeat(1_000_000))).rejects.toThrow("502");
  expect((await pushImage(url, "a", "v1", "x".repeat(1_000_000))).digest).toMatch(/^sha256:/);
});

test("headers the spec does not promise can be left out", async () => {
  const { url, faults } = await temporaryRegistry();
  const { digest } = await pushImage(url, "a", "v1");
  faults.push({ times: 1, method: "HEAD", omit: ["Docker-Content-Digest", "Etag"] });
  const head = () => fetch(`${url}/v2/a/manifests/v1`, { method: "HEAD" });
  const without = await head();
  expect([without.status, without.headers.get("docker-content-digest"), without.headers.get("etag")]).toEqual([
    200,
    null,
    null,
  ]);
  expect((await head()).headers.get("docker-content-digest")).toBe(digest);
});

test("a slow answer is an answer all the same, and others do not wait for it", async () => {
  const { url, faults } = await temporaryRegistry();
  faults.push({ times: 1, path: "/v2/_catalog", delayMs: 300 });
  const done: string[] = [];
  const slow = fetch(`${url}/v2/_catalog`).then((response) => done.push(`slow ${response.status}`));
  await fetch(`${url}/v2/`).then((response) => done.push(`quick ${response.status}`));
  await slow;
  expect(done).toEqual(["quick 200", "slow 200"]);
});
