import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { LocalRegistry } from "../../registry/registry.ts";
import { baseReferences } from "../base-references.ts";
import { cappedLog } from "../built-in/capped-log.ts";
import { type Limits, usualLimits } from "../built-in/limits.ts";
import { makePrivate } from "../built-in/sandbox.ts";
import { localNames, SandboxNetwork } from "../built-in/sandbox-network.ts";
import { readDockerfile } from "../context/read-dockerfile.ts";
import { saveContext } from "../context/save-context.ts";
import { type BuildRequest, type ContainerNetwork, type Engine, EngineError, type RunImageRequest } from "../engine.ts";
import { parseImageReference } from "../image-reference.ts";
import { removeTree } from "../remove-tree.ts";
import { SeenTags } from "../seen-tags.ts";
import { Buildah } from "./buildah.ts";
import { FinalWords } from "./final-words.ts";
import type { FoundBuildah } from "./find-buildah.ts";
import { runContainer } from "./run-container.ts";

/**
 * Builds, runs and pushes with the program buildah, as root, in chroot isolation: no daemon and no OCI runtime. Its
 * images are in Docker's format, with all steps of a stage in one layer, and live in a store of the engine's own.
 */
export class BuildahEngine implements Engine {
  readonly name = "buildah";
  readonly #registry: LocalRegistry;
  readonly #folder: string;
  readonly #scratchDir: string;
  readonly #found: FoundBuildah;
  readonly #limits: Limits;
  readonly #seen: SeenTags;
  readonly #networks = new Map<string, SandboxNetwork>();
  #buildah: Promise<Buildah> | undefined;

  /** What the engine keeps below `scratchDir` goes with `close`, and what a killed one left there before the first use. */
  constructor(registry: LocalRegistry, scratchDir: string, found: FoundBuildah, limits: Partial<Limits> = {}) {
    this.#registry = registry;
    this.#scratchDir = scratchDir;
    this.#folder = join(scratchDir, "buildah");
    this.#found = found;
    this.#limits = { ...usualLimits, ...limits };
    this.#seen = new SeenTags(registry);
  }

  async build(request: BuildRequest, log: (text: string) => void, signal: AbortSignal): Promise<void> {
    const buildah = await this.#ready();
    const text = await readDockerfile(request.contextDir, request.dockerfile);
    for (const base of baseReferences(request, text, log)) await this.#pullIfNewer(buildah, base, signal);
    const folder = await mkdtemp(buildah.file("build-"));
    try {
      await saveContext(request.contextDir, request.dockerfile, join(folder, "context"));
      await writeFile(join(folder, "Dockerfile"), text);
      // The context is without what .dockerignore names already.
      await writeFile(join(folder, "ignore"), "");
      const capped = cappedLog(log, this.#limits.output);
      const stderr = new FinalWords(capped, /^Error: [\s\S]*$/m);
      const isolation = { network: request.network ?? "host", limits: this.#limits } as const;
      const output = { stdout: capped, stderr: (said: string) => stderr.write(said) };
      const code = await buildah.execute(buildArguments(buildah, request, folder), isolation, output, signal);
      if (code !== 0) throw new EngineError(stderr.held.replace(/^Error: /, "").trim() || `buildah ended with ${code}`);
      stderr.release();
    } finally {
      await removeTree(folder);
    }
    for (const tag of request.tags) await this.#seen.remember(tag);
  }

  async run(request: RunImageRequest, log: (text: string) => void, signal: AbortSignal): Promise<number> {
    const buildah = await this.#ready();
    await this.#pullIfNewer(buildah, request.reference, signal);
    const capped = cappedLog(log, this.#limits.output);
    const network = this.#network(request.network);
    const run = (until: AbortSignal) => runContainer(buildah, request, network, this.#limits, capped, until);
    return network ? network.with(signal, run) : run(signal);
  }

  async push(reference: string, log: (text: string) => void, signal: AbortSignal): Promise<string> {
    const buildah = await this.#ready();
    const folder = await mkdtemp(buildah.file("push-"));
    try {
      const file = join(folder, "digest");
      const policy = buildah.file("policy.json");
      const options = ["--quiet", "--retry", "0", "--signature-policy", policy, "--digestfile", file];
      await buildah.ask(["push", ...options, reference, `docker://${reference}`], signal);
      const digest = (await readFile(file, "utf8")).trim();
      await this.#seen.remember(reference);
      log(`${parseImageReference(reference).tag}: digest: ${digest}\n`);
      return digest;
    } finally {
      await removeTree(folder);
    }
  }

  async createNetwork(): Promise<ContainerNetwork> {
    await this.#ready();
    const network = await SandboxNetwork.start([], this.#scratchDir);
    this.#networks.set(network.id, network);
    return network;
  }

  /** Of the local registry's images only. */
  async resolve(reference: string): Promise<string | undefined> {
    return parseImageReference(reference).digest ?? this.#seen.digest(reference);
  }

  async close(): Promise<void> {
    for (const network of this.#networks.values()) await network.remove();
    this.#networks.clear();
    this.#seen.clear();
    this.#buildah = undefined;
    await removeTree(this.#folder);
  }

  #ready(): Promise<Buildah> {
    this.#buildah ??= this.#open();
    return this.#buildah;
  }

  async #open(): Promise<Buildah> {
    await makePrivate(this.#scratchDir);
    await removeTree(this.#folder);
    const buildah = await Buildah.in(this.#folder, this.#found.driver, this.#registry.loginServer);
    await writeFile(buildah.file("hosts"), localNames);
    return buildah;
  }

  async #pullIfNewer(buildah: Buildah, reference: string, signal: AbortSignal): Promise<void> {
    if (!(await this.#seen.isBehind(reference))) return;
    await buildah.ask(
      ["pull", "--quiet", "--policy", "always", "--signature-policy", buildah.file("policy.json"), reference],
      signal,
    );
    await this.#seen.remember(reference);
  }

  #network(given: ContainerNetwork | undefined): SandboxNetwork | undefined {
    if (given === undefined) return undefined;
    const network = this.#networks.get(given.id);
    if (!network) throw new EngineError(`network ${given.id} was not made by this engine`);
    return network;
  }
}

function buildArguments(buildah: Buildah, request: BuildRequest, folder: string): string[] {
  const { tags, buildArgs, labels, secrets = {}, target, platform } = request;
  const pairs = (option: string, values: Readonly<Record<string, string>>) =>
    Object.entries(values).flatMap(([name, value]) => [option, `${name}=${value}`]);
  const epoch = buildArgs.SOURCE_DATE_EPOCH;
  return [
    ...["bud", "--isolation", "chroot", "--format", "docker", "--layers=false", "--identity-label=false"],
    ...["--signature-policy", buildah.file("policy.json"), "--pull=false", "--retry", "0"],
    ...["--file", join(folder, "Dockerfile"), "--ignorefile", join(folder, "ignore")],
    ...tags.flatMap((tag) => ["--tag", tag]),
    ...pairs("--build-arg", buildArgs),
    ...pairs("--label", labels),
    ...Object.entries(secrets).flatMap(([id, file]) => ["--secret", `id=${id},src=${file}`]),
    ...(target === undefined ? [] : ["--target", target]),
    ...(platform === undefined ? [] : ["--platform", platform]),
    ...(epoch !== undefined && /^\d{1,12}$/.test(epoch) ? ["--timestamp", epoch] : []),
    join(folder, "context"),
  ];
}
