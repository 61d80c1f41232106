import { acrTime } from "./acr-time.ts";
import { type Attributes, isListed, unlocked } from "./locks.ts";
import type { Manifest } from "./manifest.ts";
import type { RegistryStore } from "./registry-store.ts";

/** Shapes and field order as recorded in Azure's SDK tests (hello-world, 2021), quarantine left out. */
export function describeRepository(store: RegistryStore, repository: string) {
  const record = store.look(repository);
  // A folder from before these times were kept has those of its manifests.
  const pushes = [...record.manifests.values()].map(({ pushedAt }) => pushedAt).sort();
  return {
    createdTime: acrTime(record.createdAt ?? pushes[0]!),
    lastUpdateTime: acrTime(record.updatedAt ?? pushes.at(-1)!),
    manifestCount: record.manifests.size,
    tagCount: record.tags.size,
    changeableAttributes: record.attributes ?? unlocked,
  };
}

interface Timed {
  readonly createdTime: string;
  readonly lastUpdateTime: string;
  readonly changeableAttributes: Attributes;
}
export interface TagDescription extends Timed {
  readonly name: string;
  readonly digest: string;
  readonly signed: false;
}

/** All tags, those locked from lists too. */
export function describeTags(store: RegistryStore, repository: string): TagDescription[] {
  return [...store.look(repository).tags].map(([name, { digest, createdAt, updatedAt, attributes = unlocked }]) => ({
    name,
    digest,
    createdTime: acrTime(createdAt ?? updatedAt),
    lastUpdateTime: acrTime(updatedAt),
    signed: false,
    changeableAttributes: attributes,
  }));
}

export interface ManifestTimes extends Timed {
  readonly digest: string;
}

/** Enough of all manifests to choose a page from; `describeManifest` reads the rest. */
export function manifestTimes(store: RegistryStore, repository: string): ManifestTimes[] {
  return [...store.look(repository).manifests].map(([digest, { pushedAt, updatedAt, attributes = unlocked }]) => ({
    digest,
    createdTime: acrTime(pushedAt),
    lastUpdateTime: acrTime(updatedAt ?? pushedAt),
    changeableAttributes: attributes,
  }));
}

export async function describeManifest(store: RegistryStore, repository: string, digest: string) {
  const manifest = await store.manifest(repository, digest);
  const record = store.look(repository);
  const { mediaType } = record.manifests.get(digest)!;
  const times = manifestTimes(store, repository).find((entry) => entry.digest === digest)!;
  const tags = [...record.tags].filter(([, tag]) => tag.digest === digest && isListed(tag)).map(([name]) => name);
  const { changeableAttributes, createdTime, lastUpdateTime } = times;
  const references = manifest.manifests.map(({ digest: child, platform }) => ({
    digest: child,
    ...platformOf(platform),
  }));
  return {
    digest,
    imageSize: await imageSize(store, repository, manifest),
    createdTime,
    lastUpdateTime,
    ...(await configPlatform(store, repository, manifest)),
    mediaType,
    ...(manifest.config?.mediaType && { configMediaType: manifest.config.mediaType }),
    ...(tags.length > 0 && { tags: tags.sort() }),
    changeableAttributes,
    ...(references.length > 0 && { references }),
  };
}

/** Bytes of config and layers as the manifest says; of an index, those of its children. */
async function imageSize(store: RegistryStore, repository: string, manifest: Manifest): Promise<number> {
  let bytes = manifest.blobs.reduce((sum, { size }) => sum + (size ?? 0), 0);
  for (const { digest } of manifest.manifests) {
    if (await store.resolve(repository, digest)) {
      bytes += await imageSize(store, repository, await store.manifest(repository, digest));
    }
  }
  return bytes;
}

/** From the config of an image; an artifact's config, or none, says nothing. */
async function configPlatform(store: RegistryStore, repository: string, { config }: Manifest) {
  const size = config && (await store.blobSize(repository, config.digest));
  if (!config || size === undefined || size > 1024 * 1024) return {};
  const chunks: Buffer[] = [];
  for await (const chunk of await store.openBlob(repository, config.digest)) chunks.push(chunk as Buffer);
  try {
    return platformOf(JSON.parse(Buffer.concat(chunks).toString("utf8")) as unknown);
  } catch {
    return {};
  }
}

function platformOf(value: unknown): { architecture?: string; os?: string } {
  const { architecture, os } = (value ?? {}) as Record<string, unknown>;
  return {
    ...(typeof architecture === "string" && { architecture }),
    ...(typeof os === "string" && { os }),
  };
}
