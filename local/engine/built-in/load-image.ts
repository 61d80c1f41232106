import { isIndex } from "../../registry/media-types.ts";
import type { RegistryStore } from "../../registry/registry-store.ts";
import { EngineError } from "../engine.ts";
import type { Image, ImageConfig } from "./image.ts";

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: Platform;
}
/** What a registry lets in has the lists it needs (registry/manifest.ts). */
interface Manifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** Reads an image of the registry, out of an index the one for `platform`; undefined when there is no such reference. */
export async function loadImage(
  store: RegistryStore,
  repository: string,
  reference: string,
  platform: Platform,
): Promise<Image | undefined> {
  const found = await store.resolve(repository, reference);
  if (!found) return undefined;
  if (isIndex(found.mediaType)) {
    const { manifests } = JSON.parse(found.bytes.toString("utf8")) as { manifests: Descriptor[] };
    const child = manifests.find((descriptor) => suits(descriptor.platform, platform));
    const wanted = `${platform.os}/${platform.architecture}`;
    if (!child) throw new EngineError(`${repository}:${reference} has no image for ${wanted}`);
    return loadImage(store, repository, child.digest, platform);
  }
  const manifest = JSON.parse(found.bytes.toString("utf8")) as Manifest;
  const config = await readJson<Partial<ImageConfig>>(store, repository, manifest.config.digest);
  return {
    config: {
      ...config,
      architecture: config.architecture ?? platform.architecture,
      os: config.os ?? platform.os,
      config: config.config ?? {},
      rootfs: { type: "layers", diff_ids: config.rootfs?.diff_ids ?? [] },
      history: config.history ?? [],
    },
    layers: manifest.layers.map(({ mediaType, digest, size }) => ({
      mediaType,
      digest,
      size,
      open: () => store.openBlob(repository, digest),
    })),
  };
}

function suits(offered: Platform | undefined, wanted: Platform): boolean {
  if (offered?.os !== wanted.os || offered.architecture !== wanted.architecture) return false;
  return wanted.variant === undefined || offered.variant === undefined || offered.variant === wanted.variant;
}

async function readJson<T>(store: RegistryStore, repository: string, digest: string): Promise<T> {
  const chunks: Buffer[] = [];
  for await (const chunk of (await store.openBlob(repository, digest)) as AsyncIterable<Buffer>) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString("utf8")) as T;
}
