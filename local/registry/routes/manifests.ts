import type { IncomingMessage } from "node:http";
import { manifestLimit } from "../manifest.ts";
import { RegistryError } from "../registry-error.ts";
import { isUnchanged } from "./etag.ts";
import type { Handler, RouteCall } from "./route.ts";

/** GET and HEAD. A client whose Accept leaves the stored type out is told 404, as by the reference registry. */
export const readManifest: Handler = async ({ c, store, repository, reference }) => {
  const found = await store.resolve(repository, reference);
  const accept = c.req.header("Accept");
  if (!found || !accepts(accept, found.mediaType)) {
    throw new RegistryError(404, "MANIFEST_UNKNOWN", "manifest unknown to the repository", {
      detail: found ? `it is ${found.mediaType}, which Accept does not list` : { reference },
    });
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
  return new Response(null, {
    status: 201,
    headers: { Location: `/v2/${repository}/manifests/${digest}`, "Docker-Content-Digest": digest },
  });
};

export const deleteManifest: Handler = async ({ c, store, repository, reference }) => {
  await store.deleteManifest(repository, reference, originOf(c));
  return new Response(null, { status: 202 });
};

function originOf(c: RouteCall["c"]): { useragent: string } {
  return { useragent: c.req.header("User-Agent") ?? "" };
}

function accepts(header: string | undefined, mediaType: string): boolean {
  if (header === undefined) return true;
  const types = header.split(",").map((part) => part.split(";")[0]!.trim().toLowerCase());
  return types.some((type) => type === mediaType || type === "*/*" || type === "application/*" || type === "");
}

async function readBody(incoming: IncomingMessage, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) throw new RegistryError(413, "SIZE_INVALID", `a manifest may have at most ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
