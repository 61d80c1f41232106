import { Readable } from "node:stream";
import { checkDigest } from "../names.ts";
import { RegistryError } from "../registry-error.ts";
import { blobUnknown } from "../unknown.ts";
import { parseByteRange } from "./byte-range.ts";
import { isUnchanged } from "./etag.ts";
import { type Handler, originOf } from "./route.ts";

/** GET and HEAD of a blob, whole or one range. */
export const readBlob: Handler = async ({ c, store, repository, reference }) => {
  const digest = checkDigest(reference);
  store.checkReadable(repository);
  const size = await store.blobSize(repository, digest);
  if (size === undefined) throw blobUnknown(digest);
  const headers = {
    "Accept-Ranges": "bytes",
    "Content-Type": "application/octet-stream",
    "Docker-Content-Digest": digest,
    Etag: `"${digest}"`,
  };
  if (isUnchanged(c.req.header("If-None-Match"), digest)) return new Response(null, { status: 304, headers });
  const range = c.req.method === "GET" ? parseByteRange(c.req.header("Range"), size) : "all";
  if (range === "unsatisfiable") {
    throw new RegistryError(416, "SIZE_INVALID", "range not satisfiable", {
      headers: { "Content-Range": `bytes */${size}` },
    });
  }
  const { start, end } = range === "all" ? { start: 0, end: size - 1 } : range;
  const length = { "Content-Length": String(end - start + 1) };
  if (c.req.method === "HEAD" || size === 0) return new Response(null, { headers: { ...headers, ...length } });
  const stream = Readable.toWeb(await store.openBlob(repository, digest, { start, end })) as ReadableStream;
  if (range === "all") return new Response(stream, { headers: { ...headers, ...length } });
  return new Response(stream, {
    status: 206,
    headers: { ...headers, ...length, "Content-Range": `bytes ${start}-${end}/${size}` },
  });
};

export const deleteBlob: Handler = async ({ c, store, repository, reference }) => {
  await store.deleteBlob(repository, reference, originOf(c));
  return new Response(null, { status: 202 });
};
