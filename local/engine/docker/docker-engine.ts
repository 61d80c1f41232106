import { randomBytes } from "node:crypto";
import type { LocalRegistry } from "../../registry/registry.ts";
import { baseReferences } from "../base-references.ts";
import { cappedLog } from "../built-in/capped-log.ts";
import { type Limits, usualLimits } from "../built-in/limits.ts";
import { packContext } from "../context/pack-context.ts";
import { readDockerfile } from "../context/read-dockerfile.ts";
import { type BuildRequest, type ContainerNetwork, type Engine, EngineError, type RunImageRequest } from "../engine.ts";
import { parseImageReference } from "../image-reference.ts";
import { SeenTags } from "../seen-tags.ts";
import { buildWithBuildKit, needOfBuildKit } from "./buildkit.ts";
import type { DockerClient, Progress } from "./docker-client.ts";
import { DockerNetwork } from "./docker-network.ts";
import { findBuildKitClient } from "./find-buildkit-client.ts";
import { runContainer } from "./run-container.ts";

/** Marks what we make in the user's daemon: `docker image ls --filter label=slipway.local=1`. */
export const dockerLabel = { "slipway.local": "1" } as const;

/** Anonymous: the registry on loopback asks nobody. */
const registryAuth = { "X-Registry-Auth": Buffer.from("{}").toString("base64url") };

/**
 * Builds with a Docker daemon's classic builder, as ACR does, and with BuildKit where the Dockerfile needs it. Images
 * stay in the daemon, where they speed up the next build; containers and networks are always removed.
 */
export class DockerEngine implements Engine {
  readonly name = "docker";
  readonly #client: DockerClient;
  readonly #registry: LocalRegistry;
  readonly #limits: Limits;
  readonly #seen: SeenTags;
  readonly #networks = new Set<DockerNetwork>();

  constructor(client: DockerClient, registry: LocalRegistry, limits: Partial<Limits> = {}) {
    this.#client = client;
    this.#registry = registry;
    this.#limits = { ...usualLimits, ...limits };
    this.#seen = new SeenTags(registry);
  }

  async build(given: BuildRequest, log: (text: string) => void, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const request = { ...given, labels: { ...given.labels, ...dockerLabel } };
    const dockerfile = await readDockerfile(request.contextDir, request.dockerfile);
    for (const base of baseReferences(request, dockerfile, log)) await this.#pullIfNewer(base, log, signal);
    const capped = cappedLog(log, this.#limits.output);
    const need = needOfBuildKit(request, dockerfile);
    if (need === undefined) await this.#buildClassically(request, capped, signal);
    else await this.#buildWithBuildKit(request, need, capped, signal);
    for (const tag of request.tags) await this.#seen.remember(tag);
  }

  async run(request: RunImageRequest, log: (text: string) => void, signal: AbortSignal): Promise<number> {
    await this.#pullIfNewer(request.reference, log, signal);
    const capped = cappedLog(log, this.#limits.output);
    return runContainer(this.#client, request, dockerLabel, this.#limits, capped, signal);
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
    await this.#seen.remember(reference);
    return digest;
  }

  async createNetwork(): Promise<ContainerNetwork> {
    const name = `slipway-${randomBytes(6).toString("hex")}`;
    const network = await DockerNetwork.create(this.#client, name, dockerLabel);
    this.#networks.add(network);
    return network;
  }

  /** From the registry when it is the local one; from what the daemon remembers of its last pull otherwise. */
  async resolve(reference: string): Promise<string | undefined> {
    const { host, repository, digest } = parseImageReference(reference);
    if (digest !== undefined) return digest;
    if (host === this.#registry.loginServer) return this.#seen.digest(reference);
    const image = await this.#client.json<{ RepoDigests?: string[] | null }>("GET", `/images/${reference}/json`);
    const name = host === undefined ? repository : `${host}/${repository}`;
    return image?.RepoDigests?.find((text) => text.startsWith(`${name}@`))?.slice(name.length + 1);
  }

  async close(): Promise<void> {
    for (const network of this.#networks) await network.remove();
    this.#networks.clear();
    this.#seen.clear();
  }

  async #buildClassically(request: BuildRequest, log: (text: string) => void, signal: AbortSignal): Promise<void> {
    const [first, ...more] = request.tags;
    const query = {
      version: "1",
      dockerfile: request.dockerfile,
      t: first,
      buildargs: JSON.stringify(request.buildArgs),
      labels: JSON.stringify(request.labels),
      target: request.target,
      nocache: request.noCache ? "1" : undefined,
      platform: request.platform,
      networkmode: request.network,
      memory: String(this.#limits.memory),
      memswap: String(this.#limits.memory),
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
  }

  async #buildWithBuildKit(
    request: BuildRequest,
    need: string,
    log: (text: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    // The classic builder does without a bridge where the daemon has none; BuildKit has to be told.
    const bridge = request.network ?? (await this.#client.json("GET", "/networks/bridge"));
    const possible = bridge === undefined ? { ...request, network: "none" as const } : request;
    await buildWithBuildKit(await findBuildKitClient(), this.#client.socketPath, possible, need, log, signal);
  }

  async #pullIfNewer(reference: string, log: (text: string) => void, signal: AbortSignal): Promise<void> {
    if (!(await this.#seen.isBehind(reference))) return;
    const { host, repository, tag, digest } = parseImageReference(reference);
    const query = { fromImage: `${host}/${repository}`, tag: digest ?? tag };
    const call = { query, headers: registryAuth, signal };
    for await (const progress of this.#client.progress("POST", "/images/create", call)) logProgress(progress, log);
    await this.#seen.remember(reference);
  }

  async #tag(image: string, reference: string, log: (text: string) => void): Promise<void> {
    const { host, repository, tag } = parseImageReference(reference);
    const repo = host === undefined ? repository : `${host}/${repository}`;
    await this.#client.json("POST", `/images/${image}/tag`, { query: { repo, tag } });
    log(`Successfully tagged ${reference}\n`);
  }
}

/** Without the moving bars, which make no sense in a log. */
function logProgress({ id, status, progress }: Progress, log: (text: string) => void): void {
  if (status !== undefined && progress === undefined) log(id === undefined ? `${status}\n` : `${id}: ${status}\n`);
}
