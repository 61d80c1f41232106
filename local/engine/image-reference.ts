import { isDigest, isTag } from "../registry/names.ts";
import { EngineError } from "./engine.ts";

export interface ImageReference {
  /** `127.0.0.1:5000`; absent for names like `alpine`. */
  readonly host?: string;
  readonly repository: string;
  /** `latest` when neither tag nor digest is written. Kept beside a digest for display only: the digest decides. */
  readonly tag?: string;
  readonly digest?: string;
}

/** Reads `[host/]repository[:tag][@digest]`; the first part is a host when it has a dot or colon or is `localhost`. */
export function parseImageReference(text: string): ImageReference {
  const [name = "", digest, ...more] = text.split("@");
  if (more.length > 0 || (digest !== undefined && !isDigest(digest))) throw invalid(text);
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  const host = /[.:]/.test(first) || first === "localhost" ? first : undefined;
  const path = host === undefined ? name : name.slice(slash + 1);
  const colon = path.lastIndexOf(":");
  const tag = colon < 0 ? undefined : path.slice(colon + 1);
  const repository = colon < 0 ? path : path.slice(0, colon);
  if (!/^[a-z0-9]+(?:[._/-]+[a-z0-9]+)*$/.test(repository) || (tag !== undefined && !isTag(tag))) throw invalid(text);
  return { host, repository, tag: tag ?? (digest === undefined ? "latest" : undefined), digest };
}

/** One spelling per image: with its tag, or with its digest alone when it has one. */
export function canonicalReference(text: string): string {
  const { host, repository, tag, digest } = parseImageReference(text);
  const name = host === undefined ? repository : `${host}/${repository}`;
  return digest === undefined ? `${name}:${tag}` : `${name}@${digest}`;
}

function invalid(text: string): EngineError {
  return new EngineError(`${JSON.stringify(text)} is not an image reference`);
}
