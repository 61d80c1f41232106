import { appendChunk, cancelUpload, finishUpload, startUpload, uploadStatus } from "./blob-uploads.ts";
import { deleteBlob, readBlob } from "./blobs.ts";
import { listRepositories, listTags } from "./listings.ts";
import { deleteManifest, putManifest, readManifest } from "./manifests.ts";
import type { Handler, Route } from "./route.ts";

const ping: Handler = async () => Response.json({});

/** Every operation of https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#endpoints but referrers. */
export const routes: readonly Route[] = [
  { pattern: /^\/v2\/?$/, operations: { GET: { access: "any", handle: ping }, HEAD: { access: "any", handle: ping } } },
  { pattern: /^\/v2\/_catalog$/, operations: { GET: { access: "catalog", handle: listRepositories } } },
  { pattern: /^\/v2\/(.+)\/tags\/list$/, operations: { GET: { access: "pull", handle: listTags } } },
  {
    pattern: /^\/v2\/(.+)\/manifests\/([^/]+)$/,
    operations: {
      GET: { access: "pull", handle: readManifest },
      HEAD: { access: "pull", handle: readManifest },
      PUT: { access: "push", handle: putManifest },
      DELETE: { access: "delete", handle: deleteManifest },
    },
  },
  { pattern: /^\/v2\/(.+)\/blobs\/uploads\/?$/, operations: { POST: { access: "push", handle: startUpload } } },
  {
    pattern: /^\/v2\/(.+)\/blobs\/uploads\/([^/]+)$/,
    operations: {
      GET: { access: "push", handle: uploadStatus },
      PATCH: { access: "push", handle: appendChunk },
      PUT: { access: "push", handle: finishUpload },
      DELETE: { access: "push", handle: cancelUpload },
    },
  },
  {
    pattern: /^\/v2\/(.+)\/blobs\/([^/]+)$/,
    operations: {
      GET: { access: "pull", handle: readBlob },
      HEAD: { access: "pull", handle: readBlob },
      DELETE: { access: "delete", handle: deleteBlob },
    },
  },
];
