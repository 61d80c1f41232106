import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import type { BlobFiles } from "../../registry/blob-files.ts";
import { readDockerfile } from "../context/read-dockerfile.ts";
import { saveContext } from "../context/save-context.ts";
import { type BuildRequest, EngineError } from "../engine.ts";
import { removeTree } from "../remove-tree.ts";
import { BuildArguments, parsePlatform } from "./build-arguments.ts";
import type { CacheFolders } from "./cache-folders.ts";
import type { CopySource } from "./copy-source.ts";
import { type Dockerfile, type Instruction, parseDockerfile, parseTriggers } from "./dockerfile.ts";
import { effortOfVariables } from "./expand.ts";
import type { Image } from "./image.ts";
import { configuring } from "./instructions/configure.ts";
import { add, copy } from "./instructions/copy.ts";
import type { InstructionHandler } from "./instructions/instruction-call.ts";
import { run } from "./instructions/run.ts";
import { workdir } from "./instructions/workdir.ts";
import type { Platform } from "./load-image.ts";
import type { LocalImages } from "./local-images.ts";
import { neededStages, stageOfCopy, stageOfFrom, targetIndex } from "./needed-stages.ts";
import { asPlain } from "./plainly.ts";
import type { Sandbox } from "./sandbox.ts";
import { StageBuild } from "./stage-build.ts";
import { unpackImage } from "./unpack-image.ts";

interface BuildTools {
  readonly images: LocalImages;
  readonly blobs: BlobFiles;
  readonly caches: CacheFolders;
  readonly scratchDir: string;
  sandbox(): Promise<Sandbox>;
}

const handlers: Readonly<Record<string, InstructionHandler>> = {
  ...configuring,
  ADD: add,
  COPY: copy,
  RUN: run,
  WORKDIR: workdir,
};

/** Builds the target of a Dockerfile, and only the stages it needs. The folder it works in is gone afterwards. */
export async function buildImage(
  request: BuildRequest,
  tools: BuildTools,
  log: (text: string) => void,
  signal: AbortSignal,
): Promise<Image> {
  const dockerfile = parseDockerfile(await readDockerfile(request.contextDir, request.dockerfile));
  const scratchDir = await mkdtemp(join(tools.scratchDir, "build-"));
  try {
    return await new Build(request, dockerfile, { ...tools, scratchDir }, log, signal).run();
  } finally {
    await removeTree(scratchDir);
  }
}

class Build {
  readonly #request: BuildRequest;
  readonly #dockerfile: Dockerfile;
  readonly #tools: BuildTools;
  readonly #log: (text: string) => void;
  readonly #signal: AbortSignal;
  readonly #platform: Platform;
  readonly #args: BuildArguments;
  readonly #effort = effortOfVariables();
  readonly #finished = new Map<number, { image: Image; root: string }>();
  #context: Promise<CopySource> | undefined;

  constructor(
    request: BuildRequest,
    dockerfile: Dockerfile,
    tools: BuildTools,
    log: (text: string) => void,
    signal: AbortSignal,
  ) {
    this.#request = request;
    this.#dockerfile = dockerfile;
    this.#tools = tools;
    this.#log = log;
    this.#signal = signal;
    this.#platform = parsePlatform(request.platform);
    this.#args = new BuildArguments(request.buildArgs, this.#platform, dockerfile, this.#effort);
  }

  async run(): Promise<Image> {
    const { stages } = this.#dockerfile;
    const target = targetIndex(this.#dockerfile, this.#request.target);
    const needed = neededStages(stages, target, (stage) => this.#imageOf(stage.image));
    const steps = needed.reduce((sum, index) => sum + 1 + stages[index]!.instructions.length, 0);
    let step = 0;
    const announce = (text: string) => {
      this.#signal.throwIfAborted();
      step += 1;
      this.#log(`Step ${step}/${steps} : ${text}\n`);
    };
    for (const index of needed) await this.#buildStage(index, index === target, announce);
    const unused = this.#args.unused();
    if (unused.length > 0) this.#log(`[Warning] One or more build-args [${unused.join(" ")}] were not consumed\n`);
    return this.#finished.get(target)!.image;
  }

  async #buildStage(index: number, isTarget: boolean, announce: (text: string) => void): Promise<void> {
    const { stages, escapeChar } = this.#dockerfile;
    const { image, platform, instructions, name } = stages[index]!;
    announce(`FROM ${image}${name === undefined ? "" : ` AS ${name}`}`);
    const base = await this.#base(index, platform);
    const root = join(this.#tools.scratchDir, `stage-${index}`);
    await unpackImage(base, root, this.#log, this.#signal);
    const { blobs } = this.#tools;
    const stage = new StageBuild({ base, root, blobs, time: this.#time(), escapeChar, effort: this.#effort });
    const triggers = parseTriggers(base.config.config.OnBuild ?? []);
    if (triggers.length > 0) this.#log(`# Executing ${triggers.length} build trigger(s)\n`);
    stage.config.OnBuild = null;
    for (const trigger of triggers) await this.#perform(trigger, stage, index);
    for (const instruction of instructions) {
      announce(instruction.display);
      await this.#perform(instruction, stage, index);
    }
    if (stage.config.OnBuild === null) delete stage.config.OnBuild;
    const labels = Object.entries(this.#request.labels);
    if (isTarget && labels.length > 0) stage.config.Labels = { ...stage.config.Labels, ...this.#request.labels };
    this.#finished.set(index, { image: stage.image(), root });
  }

  async #perform(instruction: Instruction, stage: StageBuild, index: number): Promise<void> {
    const handle = handlers[instruction.keyword];
    const { keyword, display, line } = instruction;
    if (!handle) throw new EngineError(`line ${line}: unknown instruction ${keyword}`);
    try {
      const before = stage.historyLength;
      await handle({
        stage,
        instruction,
        log: this.#log,
        signal: this.#signal,
        context: () => this.#contextSource(),
        secrets: this.#request.secrets ?? {},
        caches: this.#tools.caches,
        proxies: this.#args.proxies(),
        scratchDir: this.#tools.scratchDir,
        copySource: (from) => this.#copySource(from, index),
        buildArg: (name) => this.#args.given(name),
        globalArg: (name) => this.#args.global(name),
        sandbox: () => this.#tools.sandbox(),
      });
      if (stage.historyLength === before) stage.addHistory(display);
    } catch (thrown) {
      const error = asPlain(thrown);
      if (!(error instanceof EngineError)) throw error;
      throw new EngineError(`line ${line}, ${keyword}: ${error.message}`, { cause: error });
    }
  }

  async #base(index: number, platform: string | undefined): Promise<Image> {
    const { stages, escapeChar } = this.#dockerfile;
    const image = this.#imageOf(stages[index]!.image);
    const stage = stageOfFrom(stages, image, index);
    if (stage !== undefined) return this.#finished.get(stage)!.image;
    const wanted =
      platform === undefined ? this.#platform : parsePlatform(this.#args.expandGlobally(platform, escapeChar));
    if (image === "scratch") return emptyImage(wanted);
    const found = await this.#tools.images.find(image, wanted);
    const { os, architecture } = found.config;
    if (platform === undefined && this.#request.platform !== undefined && architecture !== wanted.architecture) {
      const difference = `wanted ${wanted.os}/${wanted.architecture}, actual: ${os}/${architecture}`;
      throw new EngineError(`${image} was found but does not match the specified platform: ${difference}`);
    }
    return found;
  }

  async #copySource(from: string, index: number): Promise<CopySource> {
    const { stages } = this.#dockerfile;
    const stage = stageOfCopy(stages, from, index);
    if (stage !== undefined) return wholeTree(this.#finished.get(stage)!.root, `stage ${from}`);
    const root = await mkdtemp(join(this.#tools.scratchDir, "from-"));
    await unpackImage(await this.#tools.images.find(from, this.#platform), root, this.#log, this.#signal);
    return wholeTree(root, `image ${from}`);
  }

  #contextSource(): Promise<CopySource> {
    this.#context ??= this.#saveContext();
    return this.#context;
  }

  async #saveContext(): Promise<CopySource> {
    const { contextDir, dockerfile } = this.#request;
    const root = join(this.#tools.scratchDir, "context");
    await saveContext(contextDir, dockerfile, root);
    return { root, keepsOwners: false, name: "the build context, or is left out by .dockerignore" };
  }

  #imageOf(written: string): string {
    const image = this.#args.expandGlobally(written, this.#dockerfile.escapeChar);
    if (image === "") throw new EngineError(`FROM ${written}: nothing is left when the variables are replaced`);
    return image;
  }

  /** https://reproducible-builds.org/docs/source-date-epoch/, given as a build argument; else the epoch itself. */
  #time(): Date {
    const seconds = Number(this.#args.given("SOURCE_DATE_EPOCH") ?? 0);
    if (!Number.isSafeInteger(seconds) || seconds < 0)
      throw new EngineError("SOURCE_DATE_EPOCH is not a number of seconds");
    return new Date(seconds * 1000);
  }
}

function emptyImage({ architecture, os, variant }: Platform): Image {
  const config = {
    architecture,
    os,
    variant,
    config: {},
    rootfs: { type: "layers" as const, diff_ids: [] },
    history: [],
  };
  return { config, layers: [] };
}

function wholeTree(root: string, name: string): CopySource {
  return { root, keepsOwners: true, name };
}
