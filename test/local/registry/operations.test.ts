import { expect, test } from "vitest";
import { errorCode, pushImage, temporaryRegistry } from "./support.ts";

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#endpoints */
test("every path of the distribution API takes its methods and no others, and HEAD is GET without a body", async () => {
  const { url } = await temporaryRegistry();
  const { digest, layer } = await pushImage(url, "team/web", "v1");
  const started = await fetch(`${url}/v2/team/web/blobs/uploads/`, { method: "POST" });
  const upload = started.headers.get("location")!;
  const paths: [path: string, allow: string][] = [
    ["/v2/", "GET, HEAD"],
    ["/v2/_catalog", "GET, HEAD"],
    ["/v2/team/web/tags/list", "GET, HEAD"],
    [`/v2/team/web/referrers/${digest}`, "GET, HEAD"],
    ["/v2/team/web/manifests/v1", "GET, PUT, DELETE, HEAD"],
    [`/v2/team/web/manifests/${digest}`, "GET, PUT, DELETE, HEAD"],
    [`/v2/team/web/blobs/${layer}`, "GET, DELETE, HEAD"],
    ["/v2/team/web/blobs/uploads/", "POST"],
    [upload, "GET, PATCH, PUT, DELETE, HEAD"],
  ];
  for (const [path, allow] of paths) {
    const refused = await fetch(url + path, { method: "OPTIONS" });
    expect([path, refused.status, refused.headers.get("allow")]).toEqual([path, 405, allow]);
    expect(await errorCode(refused)).toBe("UNSUPPORTED");
    if (!allow.startsWith("GET")) continue;
    const [get, head] = [await fetch(url + path), await fetch(url + path, { method: "HEAD" })];
    const body = await get.arrayBuffer();
    expect([path, head.status, (await head.arrayBuffer()).byteLength]).toEqual([path, get.status, 0]);
    if (/manifests|blobs/.test(path) && body.byteLength > 0)
      expect(head.headers.get("content-length")).toBe(String(body.byteLength));
    for (const name of ["content-type", "docker-content-digest", "etag", "range"])
      expect([path, name, head.headers.get(name)]).toEqual([path, name, get.headers.get(name)]);
  }
  expect((await fetch(`${url}/v2/team/web`)).status).toBe(404);
});
