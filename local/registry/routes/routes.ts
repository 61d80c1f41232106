import {
  deleteManifestByDigest,
  deleteRepository,
  deleteTag,
  listManifestAttributes,
  listTagAttributes,
  patch,
  showManifest,
  showRepository,
  showTag,
} from "./acr-metadata.ts";
import { appendChunk, cancelUpload, finishUpload, startUpload, uploadStatus } from "./blob-uploads.ts";
import { deleteBlob, readBlob } from "./blobs.ts";
import { listRepositories, listTags } from "./listings.ts";
import { deleteManifest, putManifest, readManifest } from "./manifests.ts";
import { listReferrers } from "./referrers.ts";
import type { Handler, Route } from "./route.ts";

const ping: Handler = async () => Response.json({});

/** Every operation of https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#endpoints */
const distribution: readonly Route[] = [
  { pattern: /^\/v2\/?$/, operations: { GET: { access: "any", handle: ping } } },
  { pattern: /^\/v2\/_catalog$/, operations: { GET: { access: "catalog", handle: listRepositories } } },
  { pattern: /^\/v2\/(.+)\/tags\/list$/, operations: { GET: { access: "pull", handle: listTags } } },
  {
    pattern: /^\/v2\/(.+)\/referrers\/([^/]+)$/,
    operations: { GET: { access: "pull", counts: "referrers", handle: listReferrers } },
  },
  {
    pattern: /^\/v2\/(.+)\/manifests\/([^/]+)$/,
    operations: {
      GET: { access: "pull", handle: readManifest },
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
    operations: { GET: { access: "pull", handle: readBlob }, DELETE: { access: "delete", handle: deleteBlob } },
  },
];

/** ACR's own, https://learn.microsoft.com/rest/api/containerregistry/; `api-version` may be sent and is not looked at. */
const acr: readonly Route[] = [
  { pattern: /^\/acr\/v1\/_catalog$/, operations: { GET: { access: "catalog", handle: listRepositories } } },
  {
    pattern: /^\/acr\/v1\/(.+)\/_tags$/,
    operations: { GET: { access: "metadata_read", handle: listTagAttributes } },
  },
  {
    pattern: /^\/acr\/v1\/(.+)\/_tags\/([^/]+)$/,
    operations: {
      GET: { access: "metadata_read", handle: showTag },
      PATCH: { access: "metadata_write", handle: patch(showTag) },
      DELETE: { access: "delete", handle: deleteTag },
    },
  },
  {
    pattern: /^\/acr\/v1\/(.+)\/_manifests$/,
    operations: { GET: { access: "metadata_read", handle: listManifestAttributes } },
  },
  {
    pattern: /^\/acr\/v1\/(.+)\/_manifests\/([^/]+)$/,
    operations: {
      GET: { access: "metadata_read", handle: showManifest },
      PATCH: { access: "metadata_write", handle: patch(showManifest) },
      DELETE: { access: "delete", handle: deleteManifestByDigest },
    },
  },
  {
    pattern: /^\/acr\/v1\/(.+)$/,
    operations: {
      GET: { access: "metadata_read", handle: showRepository },
      PATCH: { access: "metadata_write", handle: patch(showRepository) },
      DELETE: { access: "delete", handle: deleteRepository },
    },
  },
];

export const routes: readonly Route[] = [...distribution, ...acr];
