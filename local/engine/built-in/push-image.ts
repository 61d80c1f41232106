import { mediaTypes } from "../../registry/media-types.ts";
import type { RegistryStore } from "../../registry/registry-store.ts";
import type { Image, Layer } from "./image.ts";

/** Puts an image into a repository, layers first, and returns the digest of its OCI manifest. */
export async function pushImage(
  store: RegistryStore,
  repository: string,
  tag: string,
  image: Image,
  log: (text: string) => void,
): Promise<string> {
  for (const layer of image.layers) log(`${layer.digest.slice(7, 19)}: ${await pushLayer(store, repository, layer)}\n`);
  const config = await store.putBlob(repository, Buffer.from(JSON.stringify(image.config)));
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: { mediaType: mediaTypes.ociConfig, digest: config.digest, size: config.size },
    layers: image.layers.map(({ mediaType, digest, size }) => ({ mediaType: ociType(mediaType), digest, size })),
  };
  return store.putManifest(repository, tag, mediaTypes.ociManifest, Buffer.from(JSON.stringify(manifest)));
}

async function pushLayer(store: RegistryStore, repository: string, layer: Layer): Promise<string> {
  if ((await store.blobSize(repository, layer.digest)) !== undefined) return "Layer already exists";
  if (await store.mountBlob(repository, layer.digest)) return "Mounted";
  await store.putBlob(repository, await layer.open());
  return "Pushed";
}

/** An OCI manifest names Docker's layer type by its OCI name; the bytes are the same. */
function ociType(mediaType: string): string {
  return mediaType.startsWith("application/vnd.docker.image.rootfs.diff") ? mediaTypes.ociLayer : mediaType;
}
