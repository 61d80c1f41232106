import { RegistryError } from "./registry-error.ts";

const component = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const repository = new RegExp(`^${component}(?:/${component})*$`);
const tag = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
const digest = /^sha256:[a-f0-9]{64}$/;

/** Only sha256, as in ACR: 64 lower-case hex digits. Safe to use in a file name. */
export function isDigest(text: string): boolean {
  return digest.test(text);
}

/** The tag grammar of the distribution spec: at most 128 characters, never a path. */
export function isTag(text: string): boolean {
  return tag.test(text);
}

/** The name grammar of the distribution spec, at most 255 characters. No component can be `.`, `..` or start with `_`. */
export function isRepository(text: string): boolean {
  return text.length <= 255 && repository.test(text);
}

export function checkRepository(name: string): string {
  if (!isRepository(name)) {
    throw new RegistryError(400, "NAME_INVALID", "invalid repository name", { detail: { name: name.slice(0, 300) } });
  }
  return name;
}

export function checkDigest(text: string): string {
  if (!isDigest(text)) {
    throw new RegistryError(400, "DIGEST_INVALID", "not a sha256 digest", { detail: { digest: text.slice(0, 300) } });
  }
  return text;
}

/** A tag or a digest, to write to. */
export function checkReference(text: string): string {
  if (text.includes(":")) return checkDigest(text);
  if (!isTag(text)) {
    throw new RegistryError(400, "MANIFEST_INVALID", "invalid tag", { detail: { tag: text.slice(0, 300) } });
  }
  return text;
}

/** Undefined for what can be neither: there is nothing under such a name (the conformance suite wants 404, not 400). */
export function readableReference(text: string): string | undefined {
  return isTag(text) || isDigest(text) ? text : undefined;
}
