import { isIndex } from "../../registry/media-types.ts";
import type { RegistryStore } from "../../registry/registry-store.ts";
import { EngineError } from "../engine.ts";
import type { Image, ImageConfig } from "./image.ts";

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: Platform;
}
/** What a registry lets in has the lists it needs (registry/manifest.ts). */
interface Manifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** Reads an image of the registry, out of an index the one for `platform`; undefined when there is no such reference. */
export async function loadImage(
  store: RegistryStore,
  repository: string,
  reference: string,
  platform: Platform,
): Promise<Image | undefined> {
  const found = await store.resolve(repository, reference);
  if (!found) return undefined;
  if (isIndex(found.mediaType)) {
    const { manifests } = JSON.parse(found.bytes.toString("utf8")) as { manifests: Descriptor[] };
    const child = manifests.find((descriptor) => suits(descriptor.platform, platform));
    const wanted = `${platform.os}/${platform.architecture}`;
    if (!child) throw new EngineError(`${repository}:${reference} has no image for ${wanted}`);
    return loadImage(store, repository, child.digest, platform);
  }
  const manifest = JSON.parse(found.bytes.toString("utf8")) as Manifest;
  const config = await readConfig(store, repository, manifest.config);
  return {
    config: {
      ...config,
      architecture: config.architecture ?? platform.architecture,
      os: config.os ?? platform.os,
      config: config.config ?? {},
      rootfs: { type: "layers", diff_ids: config.rootfs?.diff_ids ?? [] },
      history: config.history ?? [],
    },
    layers: manifest.layers.map(({ mediaType, digest, size }) => ({
      mediaType,
      digest,
      size,
      open: () => store.openBlob(repository, digest),
    })),
  };
}

function suits(offered: Platform | undefined, wanted: Platform): boolean {
  if (offered?.os !== wanted.os || offered.architecture !== wanted.architecture) return false;
  return wanted.variant === undefined || offered.variant === undefined || offered.variant === wanted.variant;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isText = (value: unknown) => typeof value === "string";
const listOf = (isOne: (value: unknown) => boolean) => (value: unknown) => Array.isArray(value) && value.every(isOne);
const mapOf = (isOne: (value: unknown) => boolean) => (value: unknown) =>
  isObject(value) && Object.values(value).every(isOne);

/** What we look at in a configuration, which anybody may have pushed; all of it may be missing or null. */
const shape: Readonly<Record<string, Readonly<Record<string, (value: unknown) => boolean>>>> = {
  "": {
    ...{ architecture: isText, os: isText, variant: isText },
    ...{ config: isObject, rootfs: isObject, history: listOf(isObject) },
  },
  config: {
    ...{ User: isText, WorkingDir: isText },
    ...{ Env: listOf(isText), Entrypoint: listOf(isText), Cmd: listOf(isText), Shell: listOf(isText) },
    ...{ OnBuild: listOf(isText), Volumes: mapOf(isObject), ExposedPorts: mapOf(isObject), Labels: mapOf(isText) },
  },
  rootfs: { diff_ids: listOf(isText) },
};

function isConfiguration(value: unknown): value is Partial<ImageConfig> {
  if (!isObject(value)) return false;
  return Object.entries(shape).every(([part, fields]) => {
    const inside = part === "" ? value : ((value[part] ?? {}) as Record<string, unknown>);
    return Object.entries(fields).every(([name, suits]) => (inside[name] ?? null) === null || suits(inside[name]));
  });
}

const largest = 8 * 1024 * 1024;

async function readConfig(
  store: RegistryStore,
  repository: string,
  { digest }: Descriptor,
): Promise<Partial<ImageConfig>> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of (await store.openBlob(repository, digest)) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > largest) throw new EngineError(`the configuration of ${repository} has more than ${largest} bytes`);
    chunks.push(chunk);
  }
  const value = parsed(Buffer.concat(chunks).toString("utf8"));
  if (!isConfiguration(value)) throw new EngineError(`the configuration of ${repository} is not an image's`);
  return value;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
