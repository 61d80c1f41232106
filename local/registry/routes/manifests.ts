import { manifestLimit } from "../manifest.ts";
import { RegistryError } from "../registry-error.ts";
import { manifestUnknown } from "../unknown.ts";
import { isUnchanged } from "./etag.ts";
import { type Handler, originOf, readBody } from "./route.ts";

/** GET and HEAD. A client whose Accept leaves the stored type out is told 404, as by the reference registry. */
export const readManifest: Handler = async ({ c, store, repository, reference }) => {
  store.checkReadable(repository, reference);
  const found = await store.resolve(repository, reference);
  if (!found) throw manifestUnknown(reference);
  if (!accepts(c.req.header("Accept"), found.mediaType)) {
    throw new RegistryError(404, "MANIFEST_UNKNOWN", `it is ${found.mediaType}, which Accept does not list`);
  }
  const headers = {
    "Content-Type": found.mediaType,
    "Docker-Content-Digest": found.digest,
    Etag: `"${found.digest}"`,
  };
  if (isUnchanged(c.req.header("If-None-Match"), found.digest)) return new Response(null, { status: 304, headers });
  const length = { "Content-Length": String(found.bytes.length) };
  const body = c.req.method === "HEAD" ? null : new Uint8Array(found.bytes);
  return new Response(body, { headers: { ...headers, ...length } });
};

export const putManifest: Handler = async ({ c, store, repository, reference }) => {
  const mediaType = (c.req.header("Content-Type") ?? "").split(";")[0]!.trim();
  const bytes = await readBody(c.env.incoming, manifestLimit);
  const digest = await store.putManifest(repository, reference, mediaType, bytes, originOf(c));
  const { subject } = store.look(repository).manifests.get(digest) ?? {};
  return new Response(null, {
    status: 201,
    headers: {
      Location: `/v2/${repository}/manifests/${digest}`,
      "Docker-Content-Digest": digest,
      ...(subject && { "OCI-Subject": subject }),
    },
  });
};

export const deleteManifest: Handler = async ({ c, store, repository, reference }) => {
  await store.deleteManifest(repository, reference, originOf(c));
  return new Response(null, { status: 202 });
};

function accepts(header: string | undefined, mediaType: string): boolean {
  if (header === undefined) return true;
  const types = header.split(",").map((part) => part.split(";")[0]!.trim().toLowerCase());
  return types.some((type) => type === mediaType || type === "*/*" || type === "application/*" || type === "");
}
