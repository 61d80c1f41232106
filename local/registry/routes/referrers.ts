import { mediaTypes } from "../media-types.ts";
import { checkDigest } from "../names.ts";
import { pageOfNames } from "./page.ts";
import type { Handler } from "./route.ts";

/**
 * Manifests whose `subject` is this digest, as an index; empty, not 404, when there are none or no such subject, nor repository. In byte
 * order of their digests and in pages; a filter is applied before.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
 */
export const listReferrers: Handler = async ({ c, store, repository, reference }) => {
  const subject = checkDigest(reference);
  const wanted = c.req.query("artifactType");
  const descriptors = new Map<string, object>();
  for (const [digest, { mediaType, size }] of store.referrers(repository, subject)) {
    const { artifactType, annotations } = await store.manifest(repository, digest);
    if (wanted && artifactType !== wanted) continue;
    descriptors.set(digest, {
      mediaType,
      digest,
      size,
      ...(artifactType && { artifactType }),
      ...(annotations && { annotations }),
    });
  }
  const { items, headers } = pageOfNames(c, [...descriptors.keys()].sort());
  const found = items.map((digest) => descriptors.get(digest));
  const filtered: Record<string, string> = wanted ? { "OCI-Filters-Applied": "artifactType" } : {};
  return Response.json(
    { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: found },
    { headers: { ...headers, ...filtered, "Content-Type": mediaTypes.ociIndex } },
  );
};
