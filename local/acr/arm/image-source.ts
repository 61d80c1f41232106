import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import { digestOf } from "../../registry/blob-files.ts";
import { manifestLimit } from "../../registry/manifest.ts";
import { mediaTypes } from "../../registry/media-types.ts";
import { isDigest } from "../../registry/names.ts";
import type { RegistryStore, StoredManifest } from "../../registry/registry-store.ts";
import { ArmError } from "./arm-error.ts";

/** Where an import takes an image from. */
export interface ImageSource {
  /** Undefined when there is no such image. */
  manifest(repository: string, reference: string): Promise<StoredManifest | undefined>;
  blob(repository: string, digest: string): Promise<Readable>;
}

export function fromStore(store: RegistryStore): ImageSource {
  return {
    manifest: (repository, reference) => store.resolve(repository, reference),
    blob: (repository, digest) => store.openBlob(repository, digest),
  };
}

export interface Login {
  /** Absent for a token. */
  readonly username?: string;
  readonly password: string;
}

const accepted = [mediaTypes.ociIndex, mediaTypes.dockerList, mediaTypes.ociManifest, mediaTypes.dockerManifest].join(
  ", ",
);

/** Any registry that speaks the distribution API: over http on this machine, over https elsewhere. */
export class RemoteSource implements ImageSource {
  readonly #base: string;
  readonly #login: Login | undefined;
  #authorization: string | undefined;

  constructor(registryUri: string, login?: Login) {
    const host = registryUri.replace(/^https?:\/\//, "").replace(/\/+$/, "");
    const scheme = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(host) ? "http" : "https";
    // Docker Hub's API lives under another name than its images.
    this.#base = `${scheme}://${host === "docker.io" ? "registry-1.docker.io" : host}/v2`;
    this.#login = login;
  }

  async manifest(repository: string, reference: string): Promise<StoredManifest | undefined> {
    const response = await this.#get(repository, `manifests/${reference}`);
    if (response.status === 404) return undefined;
    await this.#expectOk(response);
    const bytes = await smallBody(response);
    const digest = digestOf(bytes);
    if (isDigest(reference) && reference !== digest) throw unreachable(`${response.url} has digest ${digest}`);
    const mediaType = (response.headers.get("content-type") ?? "").split(";")[0]!.trim();
    return { digest, mediaType, bytes };
  }

  async blob(repository: string, digest: string): Promise<Readable> {
    const response = await this.#get(repository, `blobs/${digest}`);
    await this.#expectOk(response);
    return Readable.fromWeb(response.body as ReadableStream);
  }

  async #get(repository: string, path: string): Promise<Response> {
    const url = `${this.#base}/${repository}/${path}`;
    const ask = () =>
      fetch(url, {
        headers: { Accept: accepted, ...(this.#authorization && { Authorization: this.#authorization }) },
      }).catch((error: Error) => {
        throw unreachable(`${url}: ${error.cause instanceof Error ? error.cause.message : error.message}`);
      });
    const first = await ask();
    if (first.status !== 401) return first;
    await first.body?.cancel();
    this.#authorization = await this.#authorize(first.headers.get("www-authenticate") ?? "");
    return await ask();
  }

  /** https://distribution.github.io/distribution/spec/auth/token/ */
  async #authorize(challenge: string): Promise<string> {
    const { username = "", password } = this.#login ?? {};
    const basic = password && `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
    if (/^basic/i.test(challenge) && basic) return basic;
    const parameters = new Map([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key!, value!]));
    const realm = parameters.get("realm");
    if (!/^bearer/i.test(challenge) || !realm) throw unreachable("it asks for credentials that were not given");
    const url = new URL(realm);
    for (const key of ["service", "scope"]) {
      const value = parameters.get(key);
      if (value) url.searchParams.set(key, value);
    }
    const response = await fetch(url, { headers: basic ? { Authorization: basic } : {} });
    await this.#expectOk(response);
    const body = (await smallBody(response)).toString("utf8");
    const { token, access_token } = JSON.parse(body) as { token?: string; access_token?: string };
    return `Bearer ${token ?? access_token}`;
  }

  async #expectOk(response: Response): Promise<void> {
    if (response.ok) return;
    await response.body?.cancel();
    throw unreachable(`${response.url} answered ${response.status}`);
  }
}

/** As much as a manifest may have. */
async function smallBody({ body, url }: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > manifestLimit) throw unreachable(`${url} has more than ${manifestLimit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function unreachable(why: string): ArmError {
  return new ArmError(400, "InvalidParameters", `The source registry could not be read: ${why}.`);
}
