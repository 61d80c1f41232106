import { join } from "node:path";
import type { BlobFiles } from "../../registry/blob-files.ts";
import type { Effort } from "../context/effort.ts";
import { EngineError } from "../engine.ts";
import { applyEntries } from "./apply-layer.ts";
import { expandWord } from "./expand.ts";
import { type ContainerConfig, defaultPath, type Image, type ImageConfig, type Layer } from "./image.ts";
import type { LayerEntry } from "./layer-entry.ts";
import { readLayer } from "./read-layer.ts";
import { writeLayer } from "./write-layer.ts";

interface StageOptions {
  readonly base: Image;
  /** Holds the base's files already. */
  readonly root: string;
  readonly blobs: BlobFiles;
  /** The time of everything in the image, so that the same inputs give the same digest. */
  readonly time: Date;
  readonly escapeChar: string;
  /** Of all stages together. */
  readonly effort: Effort;
}

/** An image in the making: instructions change its configuration and add layers, in the Dockerfile's order. */
export class StageBuild {
  readonly root: string;
  readonly config: ContainerConfig;
  /** Declared by ARG in this stage, with their values. */
  readonly args = new Map<string, string>();
  readonly escapeChar: string;
  author: string | undefined;
  /** An ENTRYPOINT forgets the base's CMD, but not this stage's. */
  cmdIsOwn = false;
  readonly #base: ImageConfig;
  readonly #layers: Layer[];
  readonly #diffIds: string[];
  readonly #history: ImageConfig["history"];
  readonly #options: StageOptions;

  constructor(options: StageOptions) {
    this.#options = options;
    this.root = options.root;
    this.escapeChar = options.escapeChar;
    this.#base = structuredClone(options.base.config);
    this.author = this.#base.author;
    this.config = this.#base.config;
    this.#layers = [...options.base.layers];
    this.#diffIds = this.#base.rootfs.diff_ids;
    this.#history = this.#base.history;
    this.config.Env ??= [];
    if (this.variable("PATH") === undefined) this.setVariable("PATH", defaultPath);
  }

  /** What `$NAME` means here: ENV wins over ARG. */
  variable(name: string): string | undefined {
    const entry = this.config.Env?.find((text) => text.startsWith(`${name}=`));
    return entry === undefined ? this.args.get(name) : entry.slice(name.length + 1);
  }

  setVariable(name: string, value: string): void {
    if (name === "") throw new EngineError("a variable has no name");
    const env = this.config.Env ?? [];
    const index = env.findIndex((text) => text.startsWith(`${name}=`));
    if (index < 0) env.push(`${name}=${value}`);
    else env[index] = `${name}=${value}`;
    this.config.Env = env;
  }

  expand(word: string): string {
    return expandWord(word, (name) => this.variable(name), this.escapeChar, this.#options.effort);
  }

  /** The environment of RUN: ENV, and ARGs that no ENV hides. */
  environment(): Record<string, string> {
    const env = (this.config.Env ?? []).map((text) => splitOnce(text));
    return { ...Object.fromEntries(this.args), ...Object.fromEntries(env) };
  }

  /** A path as instructions mean it, relative to WORKDIR. */
  absolute(path: string): string {
    return path.startsWith("/") ? path : join(this.config.WorkingDir || "/", path);
  }

  /** Adds a layer, and puts its entries into the stage's files too unless they are there already. */
  async addLayer(entries: readonly LayerEntry[], createdBy: string, alreadyThere = false): Promise<void> {
    if (entries.length === 0) return this.addHistory(createdBy);
    const { blobs, time } = this.#options;
    const layer = await writeLayer(blobs, entries, time);
    if (!alreadyThere) await applyEntries(this.root, readLayer(layer));
    this.#layers.push(layer);
    this.#diffIds.push(layer.diffId);
    this.#history.push({ created: time.toISOString(), created_by: createdBy });
  }

  get historyLength(): number {
    return this.#history.length;
  }

  addHistory(createdBy: string): void {
    this.#history.push({ created: this.#options.time.toISOString(), created_by: createdBy, empty_layer: true });
  }

  /** The image as it is now, its keys in a fixed order. */
  image(): Image {
    const { architecture, os, variant } = this.#base;
    const config: ImageConfig = {
      created: this.#options.time.toISOString(),
      ...(this.author === undefined ? {} : { author: this.author }),
      architecture,
      os,
      ...(variant === undefined ? {} : { variant }),
      config: sortKeys(this.config),
      rootfs: { type: "layers", diff_ids: [...this.#diffIds] },
      history: [...this.#history],
    };
    return { config, layers: [...this.#layers] };
  }
}

function sortKeys(config: ContainerConfig): ContainerConfig {
  return Object.fromEntries(Object.entries(structuredClone(config)).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function splitOnce(text: string): [string, string] {
  const equals = text.indexOf("=");
  return [text.slice(0, equals), text.slice(equals + 1)];
}
