import { isIndex, isManifestType } from "./media-types.ts";
import { isDigest } from "./names.ts";
import { RegistryError } from "./registry-error.ts";

/** ACR and the reference registry both stop here. */
export const manifestLimit = 4 * 1024 * 1024;

/** What a registry needs to know of a manifest, of an image or of an index. */
export interface Manifest {
  /** Blobs it is made of, but for layers that are fetched from elsewhere. All must be in its repository. */
  readonly blobs: readonly Part[];
  /** Manifests it lists, which must be in its repository too. Empty for an image. */
  readonly manifests: readonly (Part & {
    readonly platform?: { readonly os?: string; readonly architecture?: string };
  })[];
  /** Digest of the manifest this one refers to; that one need not be there, or not yet. */
  readonly subject?: string;
  /** What kind of artifact this is: `artifactType`, else the media type of its config. */
  readonly artifactType?: string;
  readonly config?: Part;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A descriptor, as far as it was written. */
export interface Part {
  readonly digest: string;
  readonly mediaType?: string;
  /** Bytes. */
  readonly size?: number;
}

/** Reads a manifest; throws MANIFEST_INVALID with the reason. */
export function readManifest(mediaType: string, bytes: Buffer): Manifest {
  if (!isManifestType(mediaType)) throw invalid(`media type ${JSON.stringify(mediaType)} is not a manifest`);
  const written = parse(bytes);
  if (written.schemaVersion !== 2) throw invalid("schemaVersion must be 2");
  if (written.mediaType !== undefined && written.mediaType !== mediaType) {
    throw invalid(`mediaType in the body is ${JSON.stringify(written.mediaType)}, Content-Type says ${mediaType}`);
  }
  const { subject, artifactType, annotations } = written;
  check(artifactType, isText, "artifactType must be text");
  check(annotations, isTexts, "annotations must be texts by name");
  const common = {
    ...(subject === undefined ? {} : { subject: part(subject, "subject").digest }),
    ...(isObject(annotations) ? { annotations: annotations as Record<string, string> } : {}),
  };
  const ownType = typeof artifactType === "string" && artifactType !== "" ? { artifactType } : {};
  if (isIndex(mediaType)) return { ...common, ...ownType, blobs: [], manifests: parts(written.manifests, "manifests") };
  const config = part(written.config, "config");
  const layers = parts(
    list(written.layers, "layers").filter((layer) => !isForeign(layer)),
    "layers",
  );
  const configType = config.mediaType === undefined ? {} : { artifactType: config.mediaType };
  return { ...common, ...configType, ...ownType, config, blobs: [config, ...layers], manifests: [] };
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

function parts(value: unknown, field: string): Part[] {
  return list(value, field).map((descriptor) => part(descriptor, field));
}

function part(value: unknown, field: string): Part {
  if (!isObject(value) || typeof value.digest !== "string" || !isDigest(value.digest)) {
    throw invalid(`${field}: a descriptor has no sha256 digest`);
  }
  check(value.size, isSize, `${field}: size must be a whole number of bytes`);
  check(value.mediaType, isText, `${field}: mediaType must be text`);
  check(value.platform, isObject, `${field}: platform must be an object`);
  return value as unknown as Part;
}

/** What may be left out, or null, as Go reads it. */
function check(value: unknown, is: (value: unknown) => boolean, why: string): void {
  if (value !== undefined && value !== null && !is(value)) throw invalid(why);
}

const isText = (value: unknown) => typeof value === "string";
const isTexts = (value: unknown) => isObject(value) && Object.values(value).every(isText);
const isSize = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;

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
