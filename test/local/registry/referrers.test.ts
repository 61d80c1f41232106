import { expect, test } from "vitest";
import type { RegistryEvent } from "../../../local/registry/registry-event.ts";
import { errorCode, ociIndex, ociManifest, pushImage, putManifest, sha256, temporaryRegistry } from "./support.ts";

interface Descriptor {
  readonly digest: string;
  readonly artifactType?: string;
  readonly annotations?: Record<string, string>;
}

/** An image, and a function that pushes manifests about it, or about another subject. */
async function subjectAndAttach(base: string) {
  const image = await pushImage(base, "team/web", "v1");
  const attach = async (fields: Record<string, unknown> = {}, subject = image.digest) => {
    const about = { mediaType: ociManifest, digest: subject, size: 1 };
    const manifest = { ...(JSON.parse(image.text) as { mediaType: string }), subject: about, ...fields };
    const body = JSON.stringify(manifest);
    const response = await putManifest(base, "team/web", sha256(body), body, manifest.mediaType);
    expect([response.status, response.headers.get("oci-subject")]).toEqual([201, subject]);
    return sha256(body);
  };
  return { image, attach };
}

async function referrers(base: string, digest: string, query = "") {
  const response = await fetch(`${base}/v2/team/web/referrers/${digest}${query}`);
  const { manifests } = (await response.json()) as { manifests: Descriptor[] };
  return { response, digests: manifests.map((manifest) => manifest.digest).sort(), manifests };
}

test("a manifest with a subject is among that one's referrers, with its kind and annotations", async () => {
  const { url } = await temporaryRegistry();
  const { image, attach } = await subjectAndAttach(url);
  const none = await referrers(url, image.digest);
  expect([none.response.status, none.manifests]).toEqual([200, []]);
  expect(none.response.headers.get("content-type")).toBe(ociIndex);

  const annotations = { "org.example": "signed" };
  const signature = await attach({ artifactType: "application/vnd.example.signature", annotations });
  const plain = await attach({ annotations: { "org.example": "plain" } });
  const list = await attach({ mediaType: ociIndex, manifests: [], artifactType: "application/vnd.example.signature" });
  const all = await referrers(url, image.digest);
  expect(all.digests).toEqual([signature, plain, list].sort());
  expect(all.manifests.find(({ digest }) => digest === signature)).toEqual({
    mediaType: ociManifest,
    digest: signature,
    size: expect.any(Number),
    artifactType: "application/vnd.example.signature",
    annotations,
  });
  const type = (digest: string) => all.manifests.find((manifest) => manifest.digest === digest)?.artifactType;
  expect(type(plain)).toBe("application/vnd.oci.image.config.v1+json");
  expect(all.response.headers.get("oci-filters-applied")).toBeNull();

  const some = await referrers(url, image.digest, "?artifactType=application%2Fvnd.example.signature");
  expect(some.digests).toEqual([signature, list].sort());
  expect(some.response.headers.get("oci-filters-applied")).toBe("artifactType");
  const head = await fetch(`${url}/v2/team/web/referrers/${image.digest}`, { method: "HEAD" });
  expect([head.status, await head.text()]).toEqual([200, ""]);
});

test("a referrer may come before its subject", async () => {
  const { url } = await temporaryRegistry();
  const { attach } = await subjectAndAttach(url);
  const later = sha256("not pushed yet");
  const referrer = await attach({}, later);
  expect((await referrers(url, later)).digests).toEqual([referrer]);
});

test("referrers come in pages", async () => {
  const { url } = await temporaryRegistry();
  const { image, attach } = await subjectAndAttach(url);
  const pushed = [await attach({ annotations: { n: "1" } }), await attach({ annotations: { n: "2" } })].sort();
  const first = await referrers(url, image.digest, "?n=1");
  expect(first.digests).toEqual([pushed[0]]);
  const next = /<(.+)>; rel="next"/.exec(first.response.headers.get("link") ?? "")?.[1];
  const second = (await (await fetch(new URL(next!, url))).json()) as { manifests: Descriptor[] };
  expect(second.manifests.map(({ digest }) => digest)).toEqual([pushed[1]]);
});

test("referrers in no repository are none, and of what is no digest are refused", async () => {
  const { url } = await temporaryRegistry();
  const elsewhere = await referrers(url, sha256("x"));
  expect([elsewhere.response.status, elsewhere.manifests]).toEqual([200, []]);
  await pushImage(url, "team/web", "v1");
  const tag = await fetch(`${url}/v2/team/web/referrers/v1`);
  expect([tag.status, await errorCode(tag)]).toEqual([400, "DIGEST_INVALID"]);
});

test("with its subject go a manifest's referrers and theirs, each told; or nothing, when one is locked", async () => {
  const registry = await temporaryRegistry();
  const { url, store } = registry;
  const { image, attach } = await subjectAndAttach(url);
  const signature = await attach();
  const ofSignature = await attach({}, signature);
  const events: RegistryEvent[] = [];
  registry.onEvent((event) => events.push(event));
  const remove = () => fetch(`${url}/v2/team/web/manifests/${image.digest}`, { method: "DELETE" });

  store.setAttributes("team/web", ofSignature, { deleteEnabled: false });
  expect((await remove()).status).toBe(405);
  expect(store.look("team/web").manifests.size).toBe(3);
  expect(events).toEqual([]);

  store.setAttributes("team/web", ofSignature, { deleteEnabled: true });
  expect((await remove()).status).toBe(202);
  expect(events.map(({ action, target }) => [action, target.digest])).toEqual([
    ["delete", ofSignature],
    ["delete", signature],
    ["delete", image.digest],
  ]);
  expect((await fetch(`${url}/v2/team/web/tags/list`)).status).toBe(404);
});
