import { isIndex, isManifestType } from "./media-types.ts";
import { isDigest } from "./names.ts";
import { RegistryError } from "./registry-error.ts";

/** ACR and the reference registry both stop here. */
export const manifestLimit = 4 * 1024 * 1024;

/** What a manifest says must be in its repository: blobs it is made of, manifests it lists. */
export interface ManifestContents {
  readonly blobs: readonly string[];
  readonly manifests: readonly string[];
}

/** Reads a manifest as far as a registry needs to; throws MANIFEST_INVALID with the reason. */
export function readManifest(mediaType: string, bytes: Buffer): ManifestContents {
  if (!isManifestType(mediaType)) throw invalid(`media type ${JSON.stringify(mediaType)} is not a manifest`);
  const manifest = parse(bytes);
  if (manifest.schemaVersion !== 2) throw invalid("schemaVersion must be 2");
  if (manifest.mediaType !== undefined && manifest.mediaType !== mediaType) {
    throw invalid(`mediaType in the body is ${JSON.stringify(manifest.mediaType)}, Content-Type says ${mediaType}`);
  }
  if (isIndex(mediaType)) return { blobs: [], manifests: digests(manifest.manifests, "manifests") };
  const layers = (list(manifest.layers, "layers") as unknown[]).filter((layer) => !isForeign(layer));
  return { blobs: [...digests([manifest.config], "config"), ...digests(layers, "layers")], manifests: [] };
}

function parse(bytes: Buffer): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString("utf8"));
  } catch {
    throw invalid("not JSON");
  }
  if (!isObject(value)) throw invalid("not a JSON object");
  return value;
}

function digests(value: unknown, field: string): string[] {
  return list(value, field).map((descriptor) => {
    if (!isObject(descriptor) || typeof descriptor.digest !== "string" || !isDigest(descriptor.digest)) {
      throw invalid(`${field}: a descriptor has no sha256 digest`);
    }
    return descriptor.digest;
  });
}

/** Layers that are fetched from elsewhere (Windows bases) need not be in the repository. */
function isForeign(layer: unknown): boolean {
  return isObject(layer) && Array.isArray(layer.urls) && layer.urls.length > 0;
}

function list(value: unknown, field: string): unknown[] {
  if (!Array.isArray(value)) throw invalid(`${field} must be a list`);
  return value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(why: string): RegistryError {
  return new RegistryError(400, "MANIFEST_INVALID", `manifest invalid: ${why}`);
}
