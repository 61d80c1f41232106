import { readManifest } from "../../registry/manifest.ts";
import { isRepository, isTag } from "../../registry/names.ts";
import { RegistryError } from "../../registry/registry-error.ts";
import type { RegistryStore, StoredManifest } from "../../registry/registry-store.ts";
import { ArmError, badRequest, notFound } from "./arm-error.ts";
import type { Directory } from "./directory.ts";
import { fromStore, type ImageSource, RemoteSource } from "./image-source.ts";
import { JsonFields } from "./json-fields.ts";
import { retryAfter } from "./operations.ts";
import type { RegistryContext } from "./registry-context.ts";
import { type Arm, type Call, jsonBody, operationUrl } from "./route.ts";

interface Target {
  readonly repository: string;
  /** Absent: only under its digest. */
  readonly tag?: string;
}

interface Import {
  readonly source: ImageSource;
  /** As given, for messages. */
  readonly sourceImage: string;
  readonly repository: string;
  /** A tag or a digest. */
  readonly reference: string;
  readonly targets: readonly Target[];
}

/** How this registry knows an import from a push; Azure's own agent has not been seen. */
const origin = { useragent: "AzureContainerRegistry/import" };

/** 202 at once and the copy meanwhile; what is wrong with the request itself, or with its targets, is told at once. */
export async function importImage(c: Call, registry: RegistryContext, arm: Arm): Promise<Response> {
  const request = new JsonFields(await jsonBody(c), "importImageParameters");
  const { store } = registry.place;
  if (!store) throw badRequest(`The local twin cannot reach the images of registry '${registry.name}'.`);
  const wanted = readImport(request, arm.directory);
  if (request.optionalWord("mode", ["NoForce", "Force"]) !== "Force") await refuseTakenTags(wanted.targets, store);
  const { id } = arm.operations.start("InProgress", copy(wanted, store, registry));
  const place = { subscriptionId: registry.subscriptionId, location: registry.state.settings.location };
  return c.json(null, 202, { Location: operationUrl(c, place, "operationResults", id), ...retryAfter });
}

function readImport(request: JsonFields, directory: Directory): Import {
  const source = request.fields("source");
  const sourceImage = source.text("sourceImage");
  const { repository, reference } = readImage(sourceImage);
  const targets = [
    ...request.texts("targetTags").map((name) => {
      const { repository, reference } = readImage(name);
      if (!isTag(reference)) throw badRequest(`The target '${name}' must be a tag.`);
      return { repository, tag: reference };
    }),
    ...request.texts("untaggedTargetRepositories").map((repository) => {
      if (!isRepository(repository)) throw badRequest(`The target repository '${repository}' is invalid.`);
      return { repository };
    }),
  ];
  const sameName = { repository, ...(isTag(reference) && { tag: reference }) };
  return {
    source: findSource(source, directory),
    sourceImage,
    repository,
    reference,
    targets: targets.length > 0 ? targets : [sameName],
  };
}

/** A registry of the twin by its ARM id or its login server, or any other by its address. */
function findSource(source: JsonFields, directory: Directory): ImageSource {
  const resourceId = source.optionalText("resourceId");
  const registryUri = source.optionalText("registryUri");
  if (resourceId !== undefined) {
    const store = directory.byId(resourceId)?.place.store;
    if (!store) throw notFound(`The source registry '${resourceId}' was not found.`);
    return fromStore(store);
  }
  if (registryUri === undefined) throw badRequest("Missing required property 'source.registryUri'.");
  const store = directory.registries.find(({ loginServer }) => loginServer === registryUri.toLowerCase())?.place.store;
  if (store) return fromStore(store);
  const credentials = source.optionalFields("credentials");
  const username = credentials?.optionalText("username");
  return new RemoteSource(
    registryUri,
    credentials && { ...(username && { username }), password: credentials.text("password") },
  );
}

/** `repo`, `repo:tag` or `repo@digest`. */
function readImage(name: string): { repository: string; reference: string } {
  const [, repository, tag, digest] = /^([a-z0-9._/-]+)(?::([\w.-]+))?(?:@(sha256:[0-9a-f]{64}))?$/.exec(name) ?? [];
  if (repository === undefined || !isRepository(repository)) throw badRequest(`The image name '${name}' is invalid.`);
  return { repository, reference: digest ?? tag ?? "latest" };
}

async function refuseTakenTags(targets: readonly Target[], store: RegistryStore): Promise<void> {
  for (const { repository, tag } of targets) {
    if (tag === undefined || !(await store.resolve(repository, tag))) continue;
    throw new ArmError(409, "Conflict", `Tag ${repository}:${tag} already exists in target registry.`);
  }
}

async function copy(wanted: Import, store: RegistryStore, registry: RegistryContext): Promise<void> {
  const { source, sourceImage, repository, reference, targets } = wanted;
  const manifest = await source.manifest(repository, reference);
  if (!manifest) throw notFound(`The source image '${sourceImage}' was not found.`);
  try {
    for (const target of targets) {
      const copied = { manifest, from: repository, to: target.repository };
      await copyManifest(source, copied, target.tag ?? manifest.digest, store);
      const named = target.tag === undefined ? `@${manifest.digest}` : `:${target.tag}`;
      const image = `${registry.loginServer}/${target.repository}${named}`;
      registry.state.announce({ kind: "image-imported", reference: image, digest: manifest.digest });
    }
  } catch (error) {
    if (error instanceof RegistryError) throw new ArmError(400, "InvalidParameters", error.message);
    throw error;
  }
}

interface Copied {
  readonly manifest: StoredManifest;
  /** Repositories. */
  readonly from: string;
  readonly to: string;
}

/** What a manifest names goes first: children of an index, each once, then blobs. */
async function copyManifest(
  source: ImageSource,
  { manifest, from, to }: Copied,
  reference: string,
  store: RegistryStore,
  copied = new Set<string>(),
): Promise<void> {
  const { blobs, manifests } = readManifest(manifest.mediaType, manifest.bytes);
  for (const { digest } of manifests) {
    if (copied.has(digest)) continue;
    const child = await source.manifest(from, digest);
    if (!child) throw notFound(`The source image lacks its part ${digest}.`);
    await copyManifest(source, { manifest: child, from, to }, digest, store, copied);
    copied.add(digest);
  }
  for (const { digest } of blobs) {
    if ((await store.blobSize(to, digest)) !== undefined || (await store.mountBlob(to, digest))) continue;
    // One that comes damaged is stored as what it is, and the manifest refused for want of this one.
    await store.putBlob(to, await source.blob(from, digest));
  }
  await store.putManifest(to, reference, manifest.mediaType, manifest.bytes, origin);
}
