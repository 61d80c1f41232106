export const mediaTypes = {
  ociManifest: "application/vnd.oci.image.manifest.v1+json",
  ociIndex: "application/vnd.oci.image.index.v1+json",
  ociConfig: "application/vnd.oci.image.config.v1+json",
  ociLayer: "application/vnd.oci.image.layer.v1.tar+gzip",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  dockerList: "application/vnd.docker.distribution.manifest.list.v2+json",
} as const;

const indexes: ReadonlySet<string> = new Set([mediaTypes.ociIndex, mediaTypes.dockerList]);
const manifests: ReadonlySet<string> = new Set([...indexes, mediaTypes.ociManifest, mediaTypes.dockerManifest]);

/** Several manifests under one digest: an OCI index or a Docker manifest list. */
export function isIndex(mediaType: string): boolean {
  return indexes.has(mediaType);
}

/** The four kinds of manifest this registry stores. */
export function isManifestType(mediaType: string): boolean {
  return manifests.has(mediaType);
}
