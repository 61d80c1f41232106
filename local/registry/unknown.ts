import { RegistryError } from "./registry-error.ts";

export function nameUnknown(name: string): RegistryError {
  return new RegistryError(404, "NAME_UNKNOWN", "repository name not known to registry", { detail: { name } });
}

export function blobUnknown(digest: string): RegistryError {
  return new RegistryError(404, "BLOB_UNKNOWN", "blob unknown to registry", { detail: { digest } });
}

export function manifestUnknown(reference: string): RegistryError {
  const message = reference.includes(":")
    ? `manifest ${reference} is not found`
    : `manifest tagged by "${reference}" is not found`;
  return new RegistryError(404, "MANIFEST_UNKNOWN", message, { detail: { reference } });
}

export function tagUnknown(name: string): RegistryError {
  return new RegistryError(404, "TAG_UNKNOWN", "the specified tag does not exist", { detail: { name } });
}

export function missing(digest: string): RegistryError {
  return new RegistryError(400, "MANIFEST_BLOB_UNKNOWN", "the manifest names something the repository does not have", {
    detail: { digest },
  });
}
