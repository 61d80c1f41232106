import { checkDigest } from "../names.ts";
import { RegistryError } from "../registry-error.ts";
import { rangeOf } from "../uploads.ts";
import { type Handler, originOf, type RouteCall } from "./route.ts";

/** POST: mount, whole blob in one request, or the start of an upload in parts. */
export const startUpload: Handler = async (call) => {
  const { c, store, repository } = call;
  store.checkWritable(repository);
  const mount = c.req.query("mount");
  if (mount && (await store.mountBlob(repository, checkDigest(mount), c.req.query("from"), originOf(c)))) {
    return created(repository, mount);
  }
  const digest = c.req.query("digest");
  if (digest) checkDigest(digest);
  const id = await store.uploads.start(repository);
  return digest ? finish(call, id, digest) : accepted(repository, id, 0);
};

export const uploadStatus: Handler = async ({ store, repository, reference }) => {
  const offset = await store.uploads.offset(repository, reference);
  return new Response(null, { status: 204, headers: uploadHeaders(repository, reference, offset) });
};

/** PATCH: one chunk. Without Content-Range it goes where the last one ended, which is how Docker streams. */
export const appendChunk: Handler = async ({ c, store, repository, reference }) => {
  const chunk = chunkOf(c.req.header("Content-Range"), c.req.header("Content-Length"));
  const offset = await store.uploads.append(repository, reference, c.env.incoming, chunk);
  return accepted(repository, reference, offset);
};

/** PUT: the last chunk, if any, and the digest everything must have. */
export const finishUpload: Handler = async (call) => {
  const digest = call.c.req.query("digest");
  if (!digest) throw new RegistryError(400, "DIGEST_INVALID", "the digest parameter is missing");
  return finish(call, call.reference, checkDigest(digest));
};

export const cancelUpload: Handler = async ({ store, repository, reference }) => {
  await store.uploads.remove(repository, reference);
  return new Response(null, { status: 204 });
};

async function finish({ c, store, repository }: RouteCall, id: string, digest: string): Promise<Response> {
  const chunk = chunkOf(c.req.header("Content-Range"), c.req.header("Content-Length"));
  await store.uploads.finish(repository, id, c.env.incoming, chunk, (file) =>
    store.adoptBlob(repository, file, digest, originOf(c)),
  );
  return created(repository, digest);
}

function chunkOf(range: string | undefined, length: string | undefined): { start?: number; length?: number } {
  const announced = length === undefined ? undefined : Number(length);
  if (range === undefined) return { length: announced };
  const match = /^(?:bytes )?(\d+)-(\d+)(?:\/.*)?$/.exec(range.trim());
  const start = Number(match?.[1]);
  const end = Number(match?.[2]);
  if (!match || end < start || (announced !== undefined && announced !== end - start + 1)) {
    throw new RegistryError(400, "SIZE_INVALID", "Content-Range and Content-Length do not agree");
  }
  return { start, length: end - start + 1 };
}

function accepted(repository: string, id: string, offset: number): Response {
  return new Response(null, { status: 202, headers: uploadHeaders(repository, id, offset) });
}

/** The location carries a query, as ACR's does: a client must add its digest to it, not replace it. */
function uploadHeaders(repository: string, id: string, offset: number): Record<string, string> {
  return {
    Location: `/v2/${repository}/blobs/uploads/${id}?_state=${offset}`,
    Range: rangeOf(offset),
    "Docker-Upload-UUID": id,
  };
}

function created(repository: string, digest: string): Response {
  return new Response(null, {
    status: 201,
    headers: { Location: `/v2/${repository}/blobs/${digest}`, "Docker-Content-Digest": digest },
  });
}
