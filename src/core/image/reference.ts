import { quote } from "./quote.ts";
import { canonicalHost, dockerHub, looksLikeHost } from "./registry-host.ts";
import { repositoryProblem } from "./repository.ts";

/** What an image is called. Exactly one of `tag` and `digest` is set: beside a digest a tag is only information and is dropped. */
export interface Reference {
  /** Canonical `host[:port]`, lower case; `docker.io` for Docker Hub. */
  readonly registry: string;
  /** With `library/` on Docker Hub. */
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: string;
}

export type ReferenceResult =
  | { readonly ok: true; readonly reference: Reference }
  | { readonly ok: false; readonly message: string };

/** Host 253 + port 6, path 255, tag 128, sha512 135 and their separators stay below. */
const maxLength = 1024;

const tagShape = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/** The algorithms registries use, with the number of hex digits. https://github.com/opencontainers/go-digest */
const digestLengths: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 };

/**
 * Reads `[domain/]path[:tag][@digest]` as Docker does and normalises it: no domain means Docker Hub, no tag and no digest
 * means `latest`. Takes linear time. Grammar: https://github.com/distribution/reference
 */
export function parseReference(text: string): ReferenceResult {
  const refused = refusedWhole(text);
  if (refused !== undefined) return { ok: false, message: refused };

  const { host, remainder } = splitHost(text);
  const registry = canonicalHost(host);
  if (registry === undefined) return { ok: false, message: `${quote(host)} is not a registry host${hostHint(host)}` };

  const [name = "", digest] = cut(remainder, "@");
  const [path = "", tag] = cut(name, ":");
  const repository = registry === dockerHub && !path.includes("/") ? `library/${path}` : path;
  const problem = path === "" ? `${quote(text)} names no repository` : repositoryProblem(repository);
  if (problem !== undefined) return { ok: false, message: problem };
  if (tag !== undefined && !isTag(tag)) return { ok: false, message: tagProblem(tag) };
  if (digest === undefined) return { ok: true, reference: { registry, repository, tag: tag ?? "latest" } };
  if (!isDigest(digest))
    return { ok: false, message: `${quote(digest)} is not a digest such as sha256:<64 lower-case hex digits>` };
  return { ok: true, reference: { registry, repository, digest } };
}

/** The canonical text of a reference; two references have the same text only if they are the same, so it serves as a key. */
export function formatReference(reference: Reference): string {
  const tag = reference.tag === undefined ? "" : `:${reference.tag}`;
  const digest = reference.digest === undefined ? "" : `@${reference.digest}`;
  return `${reference.registry}/${reference.repository}${tag}${digest}`;
}

/** The tag that was written beside a digest, as a reference of its own: what the digest was once behind. */
export function tagBesideDigest(text: string): Reference | undefined {
  const at = text.indexOf("@");
  if (at < 0 || !text.slice(text.lastIndexOf("/", at) + 1, at).includes(":")) return undefined;
  const parsed = parseReference(text.slice(0, at));
  return parsed.ok ? parsed.reference : undefined;
}

/** A pinned reference never moves, so nothing needs watching. */
export function isPinned(reference: Reference): boolean {
  return reference.digest !== undefined;
}

/** `[A-Za-z0-9_][A-Za-z0-9._-]{0,127}`, the tag grammar of the OCI distribution spec. */
export function isTag(text: string): boolean {
  return tagShape.test(text);
}

/** `sha256:` and 64 lower-case hex digits (or sha384, sha512). */
export function isDigest(text: string): boolean {
  const [algorithm = "", hex = ""] = cut(text, ":");
  return Object.hasOwn(digestLengths, algorithm) && digestLengths[algorithm] === hex.length && /^[a-f0-9]+$/.test(hex);
}

/** Refusals that deserve a better sentence than "invalid". */
function refusedWhole(text: string): string | undefined {
  if (text === "") return "an image reference cannot be empty";
  if (text.length > maxLength)
    return `an image reference of ${text.length} characters is longer than any registry accepts`;
  if (text.includes("$")) return `${quote(text)} has a variable in it that was not replaced`;
  if (text.includes("://")) return `${quote(text)} is a URL: leave the scheme out`;
  if (/^[a-f0-9]{64}$/.test(text)) return `${quote(text)} is an image id, not a name`;
  return undefined;
}

function splitHost(text: string): { readonly host: string; readonly remainder: string } {
  const slash = text.indexOf("/");
  const first = text.slice(0, Math.max(slash, 0));
  return looksLikeHost(first)
    ? { host: first, remainder: text.slice(slash + 1) }
    : { host: dockerHub, remainder: text };
}

function cut(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function hostHint(host: string): string {
  return host.includes("@") ? ": a reference carries no credentials" : "";
}

function tagProblem(tag: string): string {
  return `${quote(tag)} is not a tag: at most 128 of A-Z, a-z, 0-9, "_", "." and "-", the first of them no "." or "-"`;
}
