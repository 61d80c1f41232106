import type { LocalRegistry } from "../../registry/registry.ts";
import { packContext } from "../context/pack-context.ts";
import { readDockerfile } from "../context/read-dockerfile.ts";
import { type BuildRequest, type Engine, EngineError, type RunImageRequest } from "../engine.ts";
import { parseImageReference } from "../image-reference.ts";
import { baseReferences } from "./base-references.ts";
import type { DockerClient, Progress } from "./docker-client.ts";
import { runContainer } from "./run-container.ts";

/** Marks what we make in the user's daemon: `docker image ls --filter label=slipway.local=1`. */
export const dockerLabel = { "slipway.local": "1" } as const;

/** Anonymous: the registry on loopback asks nobody. */
const registryAuth = { "X-Registry-Auth": Buffer.from("{}").toString("base64url") };

/**
 * Builds with a Docker daemon's classic builder. Images stay in the daemon, where they speed up the next build;
 * containers are always removed.
 */
export class DockerEngine implements Engine {
  readonly name = "docker";
  readonly #client: DockerClient;
  readonly #registry: LocalRegistry;
  /** Tags we built, with what the registry had behind them then. */
  readonly #built = new Map<string, string | undefined>();

  constructor(client: DockerClient, registry: LocalRegistry) {
    this.#client = client;
    this.#registry = registry;
  }

  async build(request: BuildRequest, log: (text: string) => void, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const dockerfile = await readDockerfile(request.contextDir, request.dockerfile);
    for (const base of basesOf(request, dockerfile, log)) await this.#pullIfNewer(base, log, signal);
    const [first, ...more] = request.tags;
    const query = {
      version: "1",
      dockerfile: request.dockerfile,
      t: first,
      buildargs: JSON.stringify(request.buildArgs),
      labels: JSON.stringify({ ...request.labels, ...dockerLabel }),
      target: request.target,
      nocache: request.noCache ? "1" : undefined,
      platform: request.platform,
      rm: "1",
      forcerm: "1",
    };
    const body = await packContext(request.contextDir, request.dockerfile);
    let image: string | undefined;
    for await (const progress of this.#client.progress("POST", "/build", { query, body, signal })) {
      if (progress.stream) log(progress.stream);
      image = progress.aux?.ID ?? image;
    }
    if (image === undefined) throw new EngineError("Docker did not say which image it built");
    for (const tag of more) await this.#tag(image, tag, log);
    for (const tag of request.tags) this.#built.set(tag, await this.#inRegistry(tag));
  }

  async run(request: RunImageRequest, log: (text: string) => void, signal: AbortSignal): Promise<number> {
    await this.#pullIfNewer(request.reference, log, signal);
    return runContainer(this.#client, request, dockerLabel, log, signal);
  }

  async push(reference: string, log: (text: string) => void, signal: AbortSignal): Promise<string> {
    const { repository, host, tag } = parseImageReference(reference);
    const name = host === undefined ? repository : `${host}/${repository}`;
    let digest: string | undefined;
    const call = { query: { tag }, headers: registryAuth, signal };
    for await (const progress of this.#client.progress("POST", `/images/${name}/push`, call)) {
      logProgress(progress, log);
      digest = progress.aux?.Digest ?? digest;
    }
    if (digest === undefined) throw new EngineError(`Docker did not say the digest of ${reference}`);
    this.#built.set(reference, await this.#inRegistry(reference));
    return digest;
  }

  /** From the registry when it is the local one; from what the daemon remembers of its last pull otherwise. */
  async resolve(reference: string): Promise<string | undefined> {
    const { host, repository, digest } = parseImageReference(reference);
    if (digest !== undefined) return digest;
    if (host === this.#registry.loginServer) return this.#inRegistry(reference);
    const image = await this.#client.json<{ RepoDigests?: string[] | null }>("GET", `/images/${reference}/json`);
    const name = host === undefined ? repository : `${host}/${repository}`;
    return image?.RepoDigests?.find((text) => text.startsWith(`${name}@`))?.slice(name.length + 1);
  }

  async close(): Promise<void> {
    this.#built.clear();
  }

  /**
   * The daemon keeps what it has under a tag for ever, so bases of the local registry are pulled before a build; not
   * those we built after the registry's was pushed. Bases from elsewhere are the user's business.
   */
  async #pullIfNewer(reference: string, log: (text: string) => void, signal: AbortSignal): Promise<void> {
    const { host, repository, tag, digest } = parseImageReference(reference);
    if (host !== this.#registry.loginServer) return;
    const current = await this.#inRegistry(reference);
    if (current === undefined || (this.#built.has(reference) && this.#built.get(reference) === current)) return;
    const query = { fromImage: `${host}/${repository}`, tag: digest ?? tag };
    const call = { query, headers: registryAuth, signal };
    for await (const progress of this.#client.progress("POST", "/images/create", call)) logProgress(progress, log);
  }

  async #inRegistry(reference: string): Promise<string | undefined> {
    const { host, repository, tag, digest } = parseImageReference(reference);
    if (host !== this.#registry.loginServer) return undefined;
    return (await this.#registry.store.resolve(repository, digest ?? tag!))?.digest;
  }

  async #tag(image: string, reference: string, log: (text: string) => void): Promise<void> {
    const { host, repository, tag } = parseImageReference(reference);
    const repo = host === undefined ? repository : `${host}/${repository}`;
    await this.#client.json("POST", `/images/${image}/tag`, { query: { repo, tag } });
    log(`Successfully tagged ${reference}\n`);
  }
}

/** A Dockerfile we cannot read may still be one that Docker can. */
function basesOf(request: BuildRequest, text: string, log: (text: string) => void): string[] {
  try {
    return baseReferences(request, text);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    log(`[Warning] bases are not pulled, because the Dockerfile could not be read: ${error.message}\n`);
    return [];
  }
}

/** Without the moving bars, which make no sense in a log. */
function logProgress({ id, status, progress }: Progress, log: (text: string) => void): void {
  if (status !== undefined && progress === undefined) log(id === undefined ? `${status}\n` : `${id}: ${status}\n`);
}
