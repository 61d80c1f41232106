import type { DigestLookup, Look, Offered } from "../core/image/digest-lookup.ts";
import { isTag } from "../core/image/reference.ts";
import { repositoryProblem } from "../core/image/repository.ts";
import { PermanentError, TransientError } from "../errors.ts";
import { createAuthorizedSend } from "./authorized.ts";
import type { FindCredential } from "./credential.ts";
import { leaveAloneSeconds } from "./leave-alone.ts";
import { registryOrigin } from "./registry-host.ts";
import { type Fetch, type RegistryAnswer, sha256Digest } from "./registry-http.ts";
import { ManifestHead } from "./schema.ts";
import { parseJson } from "./token.ts";

/** The written parts of an image reference; with neither tag nor digest, `latest`. A digest wins over a tag. */
export interface OciReference {
  readonly registry: string;
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: string;
}

export interface OciClient {
  /**
   * What is behind a tag or digest now. Never throws for what a registry does: whatever is neither found nor a 404 is `unknown`.
   * With what it offered at an earlier look, it is asked whether that still holds.
   */
  look(reference: OciReference, offered?: Offered): Promise<Look>;
  /** Points `tag` at the manifest `digest`, byte for byte. Throws TransientError, or PermanentError (manifest-absent, registry-denied, registry-refused, bad-reference, token-realm, token-refused). */
  moveTag(reference: Omit<OciReference, "tag" | "digest">, digest: string, tag: string): Promise<void>;
}

/** All four, always: leaving one out makes a registry answer with another digest, none, or 404. */
const manifestTypes = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");

/** The only kind that we can check a manifest against. */
const digestShape = /^sha256:[0-9a-f]{64}$/;
/** RFC 9110 §8.8.3, in ASCII and short enough to be kept in a row. Others are not shown to anybody again. */
const etagShape = /^(?:W\/)?"[!#-~]{0,200}"$/;

/** https://github.com/opencontainers/distribution-spec/blob/main/spec.md */
export function createOciClient(options: {
  fetch?: Fetch;
  credentials: FindCredential;
  /** Hosts, besides its own and those known of it, that a registry may send us to. */
  tokenHosts?: (registryHost: string) => readonly string[];
  /** Milliseconds; only the life of cached tokens depends on it. */
  now?: () => number;
}): OciClient {
  const fetch = options.fetch ?? globalThis.fetch;
  const { credentials, tokenHosts = () => [], now = Date.now } = options;
  const send = createAuthorizedSend(fetch, credentials, tokenHosts, now);

  const ask = async (reference: OciReference, method: "GET" | "HEAD", etag?: string): Promise<RegistryAnswer> => {
    const { origin, url } = manifestUrl(reference);
    return await send(origin, `repository:${reference.repository}:pull`, {
      url,
      method,
      headers: { accept: manifestTypes, ...(etag !== undefined && { "if-none-match": etag }) },
    });
  };

  const look = async (reference: OciReference, offered: Offered | undefined): Promise<Look> => {
    const head = await ask(reference, "HEAD", offered?.etag);
    if (head.status === 304 && offered) return found(offered.digest, head, offered);
    const digest = head.headers.get("docker-content-digest") ?? "";
    if (head.status === 200 && digestShape.test(digest)) return found(digest, head);
    // The digest header is optional, and so, in practice, is HEAD.
    if (head.status !== 200 && head.status !== 405 && head.status !== 501) return notFound(reference, head);
    const answer = await ask(reference, "GET");
    return answer.status === 200 ? found(sha256Digest(answer.body), answer) : notFound(reference, answer);
  };

  return {
    async look(reference, offered) {
      try {
        return await look(reference, offered);
      } catch (error) {
        if (error instanceof TransientError || error instanceof PermanentError)
          return unknown(error.message, "retryAfterSeconds" in error ? error.retryAfterSeconds : undefined);
        throw error;
      }
    },

    async moveTag({ registry, repository }, digest, tag) {
      if (!digestShape.test(digest) || !isTag(tag))
        throw new PermanentError("bad-reference", `cannot move tag ${tag.slice(0, 130)} to ${digest.slice(0, 80)}`);
      const act = `move ${registry}/${repository}:${tag} to ${digest}`;
      // One scope for both, so that one token does.
      const scope = `repository:${repository}:pull,push`;
      const from = manifestUrl({ registry, repository, digest });
      const manifest = await send(from.origin, scope, {
        url: from.url,
        method: "GET",
        headers: { accept: manifestTypes },
      });
      if (manifest.status === 404)
        throw new PermanentError("manifest-absent", `${act}: the registry does not have that digest`);
      if (manifest.status !== 200) throw classified(act, manifest);
      if (sha256Digest(manifest.body) !== digest)
        throw new TransientError(`${act}: the registry sent another manifest than asked for`);
      const to = manifestUrl({ registry, repository, tag });
      const answer = await send(to.origin, scope, {
        url: to.url,
        method: "PUT",
        headers: { "content-type": mediaTypeOf(manifest) },
        body: new Uint8Array(manifest.body),
      });
      if (answer.status < 200 || answer.status > 299) throw classified(act, answer);
    },
  };
}

function manifestUrl(reference: OciReference): { origin: URL; url: URL } {
  const { registry, repository, tag, digest } = reference;
  const name = digest ?? tag ?? "latest";
  if (repositoryProblem(repository) !== undefined)
    throw new PermanentError("bad-reference", `not a repository: ${repository.slice(0, 100)}`);
  if (digest === undefined ? !isTag(name) : !digestShape.test(name))
    throw new PermanentError("bad-reference", `not a tag or sha256 digest: ${name.slice(0, 130)}`);
  const origin = registryOrigin(registry);
  return { origin, url: new URL(`/v2/${repository}/manifests/${name}`, origin) };
}

function found(digest: string, answer: RegistryAnswer, before?: Offered): Look {
  const etag = answer.headers.get("etag") ?? "";
  const offered = etagShape.test(etag) ? { etag, digest } : before;
  const rest = leaveAloneSeconds(answer);
  return {
    lookup: { kind: "found", digest },
    ...(offered && { offered }),
    ...(rest !== undefined && { leaveAloneSeconds: rest }),
  };
}

/** Only a 404 says that there is nothing. 401 and 403 are also what some registries say of a private or missing repository. */
function notFound({ registry, repository }: OciReference, answer: RegistryAnswer): Look {
  if (answer.status === 404) return { lookup: { kind: "absent" } };
  return unknown(`${registry} answered ${answer.status} for ${repository}`, leaveAloneSeconds(answer));
}

function unknown(why: string, retryAfterSeconds: number | undefined): Look {
  const lookup: DigestLookup = { kind: "unknown", why };
  return { lookup: retryAfterSeconds === undefined ? lookup : { ...lookup, retryAfterSeconds } };
}

function mediaTypeOf({ headers, body }: RegistryAnswer): string {
  const header = headers.get("content-type")?.split(";")[0]?.trim();
  const inBody = ManifestHead.safeParse(parseJson(body)).data?.mediaType;
  // A bare application/json says less than the manifest itself.
  if (header && header !== "application/json") return header;
  return inBody ?? header ?? "application/vnd.docker.distribution.manifest.v2+json";
}

function classified(act: string, answer: RegistryAnswer): TransientError | PermanentError {
  const { status } = answer;
  const sentence = `${act}: the registry answered ${status}`;
  if (status === 408 || status === 429 || status >= 500)
    return new TransientError(sentence, { retryAfterSeconds: leaveAloneSeconds(answer) });
  return new PermanentError(status === 401 || status === 403 ? "registry-denied" : "registry-refused", sentence);
}
