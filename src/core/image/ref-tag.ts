import { isTag } from "./reference.ts";
import { sha256Hex } from "./sha256.ts";
import { utf8Bytes } from "./utf8.ts";

/** Hex digits of SHA-256 kept: 64 bits, so that nobody finds a branch name that takes over the tag of a given other one. */
const hashLength = 16;

export const maxTagLength = 128;

/** One character of name, a dash, the hash. */
export const minRefTagLength = hashLength + 2;

/**
 * The tag that stands for a Git ref name. A name that is a valid tag stays as it is; any other has what a tag cannot hold
 * turned into dashes, is cut, and gets `-` and a hash of the whole name. Names that end like a hashed one, or hold a part
 * of 7 or 40 hex digits (as if a commit had been appended), are hashed too, so that no two names and no
 * `{{branch}}-{{short_sha}}` ever meet. `maxLength` is at least `minRefTagLength`.
 */
export function refTag(name: string, maxLength: number): string {
  if (name.length <= maxLength && isTag(name) && !looksDerived(name)) return name;
  const readable = name.replace(/[^A-Za-z0-9_.-]+/g, "-").slice(0, maxTagLength);
  const start = readable.search(/[A-Za-z0-9_]/);
  const slug = start < 0 ? "ref" : readable.slice(start);
  const kept = slug.slice(0, maxLength - hashLength - 1).replace(/[-.]{1,128}$/, "");
  return `${kept}-${sha256Hex(utf8Bytes(name)).slice(0, hashLength)}`;
}

function looksDerived(name: string): boolean {
  return /-[0-9a-f]{16}$/.test(name) || /(?:^|[._-])(?:[0-9a-f]{7}|[0-9a-f]{40})(?:[._-]|$)/.test(name);
}
