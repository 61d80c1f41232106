/** What a commit says: its slipway.yaml, its Dockerfiles, and the content id of every file an image is built from. */
import { createHash } from "node:crypto";
import {
  type ConfigProblem,
  type ImageDefinition,
  type Parsed,
  type SlipwayConfig,
  slipwayYamlPath,
} from "../core/config/definition.ts";
import { definitionKey } from "../core/config/definition-hash.ts";
import { inputPaths } from "../core/config/inputs.ts";
import type { PublishPolicy } from "../core/config/platform.ts";
import { mayPublish } from "../core/config/publish.ts";
import { isPushTriggered } from "../core/config/triggers.ts";
import { preflight } from "../core/image/preflight.ts";
import { formatReference } from "../core/image/reference.ts";
import { templateVariables } from "../core/image/tags.ts";
import type { SkipReason } from "../core/plan/reason.ts";
import { type Claims, isTaken, tagTaken } from "../core/plan/taken-tag.ts";
import { dockerfileOptions, renderBuildArgs, renderTags, variablesOf } from "../core/run/render-run.ts";
import type { SourceRepository, SourceTree, TreeEntry } from "../core/source.ts";
import { keys } from "../core/state/keys.ts";
import type { Base, RefSnapshot, Refusal, SnapshotImage, Track } from "../core/state/rows.ts";
import { PermanentError } from "../errors.ts";
import type { Registries, Registry } from "./registries.ts";

export interface ReadRefPorts {
  readonly github: {
    tree(source: SourceRepository, sha: string): Promise<SourceTree>;
    /** undefined: no such file. */
    file(source: SourceRepository, sha: string, path: string): Promise<string | undefined>;
  };
  readonly platform: PublishPolicy;
  readonly registries: Registries;
  parseConfig(text: string): Parsed<SlipwayConfig>;
  /** Tracks of this ref as last planned: an unchanged Dockerfile need not be read again. */
  tracksOf(registry: Registry, source: SourceRepository, ref: string): Promise<readonly Track[]>;
  /** Key of the track that makes this stable tag. */
  makerOf(registry: Registry, reference: string): Promise<string | undefined>;
}

/** What a handler needs that finds out first which commit a ref is at. */
export type HeadReader = ReadRefPorts["github"] & {
  repository(id: number, lastKnownName?: string): Promise<SourceRepository | undefined>;
  refHead(
    source: SourceRepository,
    ref: string,
  ): Promise<{ readonly kind: "found"; readonly sha: string } | { readonly kind: "absent" }>;
};

export interface RegistryPart {
  readonly registry: Registry;
  readonly images: readonly SnapshotImage[];
  readonly refused: readonly Refusal[];
  /** Of the images, those whose tag another one makes as things stand: the pass decides, and what it would refuse is told. */
  readonly taken: readonly Refusal[];
}

export type ReadRef =
  | { readonly kind: "no-config" }
  | { readonly kind: "invalid"; readonly problems: readonly ConfigProblem[] }
  | {
      readonly kind: "read";
      readonly parts: readonly RegistryPart[];
      /** Images whose registry is not one of ours, or cannot be had. */
      readonly homeless: readonly Refusal[];
      readonly watched: number;
      /** Images that the file does not build from this ref. */
      readonly unwatched: readonly ImageDefinition[];
    };

/** Table storage takes a track's edges in one transaction with the rest of its plan. */
const basesMost = 20;
const stableTagsMost = 8;
const filesAtOnce = 8;

export async function readRef(
  source: SourceRepository,
  ref: string,
  sha: string,
  ports: ReadRefPorts,
): Promise<ReadRef> {
  const file = await readText(source, sha, slipwayYamlPath, ports);
  if (file === undefined) return { kind: "no-config" };
  if ("tooLarge" in file) {
    const fix = "describe fewer images in one repository";
    return { kind: "invalid", problems: [{ line: 1, column: 1, key: "", message: file.tooLarge, fix }] };
  }
  const config = ports.parseConfig(file.text);
  if (!config.ok) return { kind: "invalid", problems: config.problems };
  const watched = config.value.images.filter((image) => isPushTriggered(image, ref));
  const tree = watched.length > 0 ? await ports.github.tree(source, sha) : { entries: [], truncated: false };

  const homeless: Refusal[] = [];
  const parts: RegistryPart[] = [];
  for (const alias of new Set(watched.map((d) => d.registry))) {
    const definitions = watched.filter((d) => d.registry === alias);
    const registry = await findRegistry(alias, ports);
    if (typeof registry === "string") {
      homeless.push(
        ...definitions.map((d): Refusal => ({ image: d.name, reason: "unknown-registry", message: registry })),
      );
      continue;
    }
    // A retired track has given up its bases, and would lend the image that comes back none.
    const tracksNow = (await ports.tracksOf(registry, source, ref)).filter((t) => !t.retired);
    const tracks = new Map(tracksNow.map((t) => [t.image, t]));
    const read = await mapBounded(definitions, (d) =>
      readImage(d, { source, ref, sha, tree, registry, track: tracks.get(d.name), ports }),
    );
    const images = read.flatMap((r) => ("name" in r ? [r] : []));
    const taken = await takenIn(images, {
      source,
      ref,
      registry,
      named: new Set(definitions.map((d) => d.name)),
      tracks,
      ports,
    });
    parts.push({
      registry,
      images,
      refused: read.flatMap((r) => ("reason" in r ? [r] : [])),
      taken,
    });
  }
  const unwatched = config.value.images.filter((image) => !isPushTriggered(image, ref));
  return { kind: "read", parts, homeless, watched: watched.length, unwatched };
}

/** What one registry is told. An image whose registry nobody knows is not one that was removed: what it has stays. */
export function tellOf(
  read: ReadRef | undefined,
  alias: string,
): Pick<RefSnapshot, "images" | "refused" | "unwatched"> {
  if (read?.kind !== "read") return { images: [], refused: [] };
  const part = read.parts.find((p) => p.registry.alias === alias);
  return {
    images: part?.images ?? [],
    refused: [...(part?.refused ?? []), ...read.homeless],
    unwatched: read.unwatched.filter((d) => d.registry === alias).map((d) => d.name),
  };
}

/** The registry, or why there is none. One that ARM does not show us must not keep images of the others from being read. */
export async function findRegistry(alias: string, ports: ReadRefPorts): Promise<Registry | string> {
  try {
    return await ports.registries.find(alias);
  } catch (error) {
    if (error instanceof PermanentError) return error.message;
    throw error;
  }
}

interface ImageContext {
  readonly source: SourceRepository;
  readonly ref: string;
  readonly sha: string;
  readonly tree: SourceTree;
  readonly registry: Registry;
  readonly track: Track | undefined;
  readonly ports: ReadRefPorts;
}

async function readImage(definition: ImageDefinition, context: ImageContext): Promise<SnapshotImage | Refusal> {
  const { source, sha, tree, registry, track, ports } = context;
  const refuse = (reason: SkipReason, message: string): Refusal => ({ image: definition.name, reason, message });
  if (!mayPublish(ports.platform, source, registry.alias, definition.repository))
    return refuse(
      "not-allowed-to-publish",
      `${source.fullName} may not publish to ${registry.alias}/${definition.repository}`,
    );

  const path = definition.context === "" ? definition.dockerfile : `${definition.context}/${definition.dockerfile}`;
  const entry = tree.entries.find((e) => e.path === path);
  if (!tree.truncated && entry?.type !== "blob")
    return refuse("dockerfile-missing", `there is no ${path} at ${sha.slice(0, 7)}`);

  const variables = variablesOf(registry.loginServer, context.ref, definition.name, sha, "0");
  const key = definitionKey(definition);
  const common = {
    name: definition.name,
    definition,
    definitionKey: key,
    inputs: inputsOf(definition, tree, sha),
    dockerfileSha: entry?.sha ?? `commit:${sha}`,
    makes: renderTags(definition.tags.stable, variables).map((tag) =>
      formatReference({ registry: registry.loginServer, repository: definition.repository, tag }),
    ),
  };
  if (common.makes.length > stableTagsMost)
    return refuse(
      "too-many-tags",
      `${definition.name} makes ${common.makes.length} stable tags; at most ${stableTagsMost}`,
    );
  if (track && entry && track.dockerfileSha === entry.sha && track.wanted.definition === key && !usesCommit(definition))
    return { ...common, bases: track.bases, ...(track.notes ? { notes: track.notes } : {}) };

  const buildArgs = renderBuildArgs(definition, variables);
  if (!buildArgs.ok) return refuse("dockerfile-invalid", buildArgs.message);
  const file = await readText(source, sha, path, ports);
  if (file === undefined) return refuse("dockerfile-missing", `there is no ${path} at ${sha.slice(0, 7)}`);
  if ("tooLarge" in file)
    return refuse("dockerfile-invalid", `${file.tooLarge}; COPY what makes it large from a file of its own`);
  const checked = preflight(file.text, dockerfileOptions(definition, buildArgs.values), definition.compat === true);
  if (!checked.ok)
    return refuse("dockerfile-invalid", `${path} line ${checked.line}: ${checked.message}; ${checked.fix}`);
  const bases = checked.dependencies.map(
    (d): Base => ({
      reference: formatReference(d.reference),
      class: d.class,
      pinned: d.pinned,
      ...(d.tag ? { tag: formatReference(d.tag) } : {}),
    }),
  );
  if (bases.length > basesMost)
    return refuse("too-many-bases", `${path} names ${bases.length} images; at most ${basesMost} are followed`);
  const notes = checked.notes.map((note) => `${path} line ${note.line}: ${note.message}`);
  return { ...common, bases, ...(notes.length > 0 ? { notes } : {}) };
}

/** As far as can be seen now: what the pass decides before this reading may leave a tag free, or give it away. */
async function takenIn(
  images: readonly SnapshotImage[],
  of: Pick<ImageContext, "source" | "ref" | "registry" | "ports"> & {
    /** Images that this reading builds or refuses. */
    readonly named: ReadonlySet<string>;
    readonly tracks: ReadonlyMap<string, Track>;
  },
): Promise<readonly Refusal[]> {
  const { source, ref, registry, ports, named, tracks } = of;
  const trackOf = (name: string) => keys.track(source.id, ref, name);
  const leaving = new Set([...tracks.keys()].filter((name) => !named.has(name)).map(trackOf));
  const claims: Claims = {
    makes: new Map(images.map(({ name, makes }) => [trackOf(name), makes])),
    isLeaving: (track) => leaving.has(track),
  };
  const taken = await mapBounded(images, async ({ name, makes }): Promise<readonly Refusal[]> => {
    for (const tag of makes.filter((tag) => !tracks.get(name)?.makes.includes(tag)))
      if (isTaken(tag, trackOf(name), await ports.makerOf(registry, tag), claims))
        return [{ image: name, reason: "tag-taken", message: tagTaken(tag) }];
    return [];
  });
  return taken.flat();
}

/** undefined: there is no such file. One file that is larger than is read must not keep the others' images from being built. */
async function readText(
  source: SourceRepository,
  sha: string,
  path: string,
  { github }: ReadRefPorts,
): Promise<{ readonly text: string } | { readonly tooLarge: string } | undefined> {
  try {
    const text = await github.file(source, sha, path);
    return text === undefined ? undefined : { text };
  } catch (error) {
    if (error instanceof PermanentError && error.code === "too-large") return { tooLarge: error.message };
    throw error;
  }
}

/** Content, not commits: an image is rebuilt when a file it is built from differs, however many commits lie between. */
function inputsOf(definition: ImageDefinition, tree: SourceTree, sha: string): string {
  // A tree too large to list in one answer: every commit counts as a change, which is safe and said in the docs.
  if (tree.truncated) return `commit:${sha}`;
  const isInput = inputPaths(definition);
  const hash = createHash("sha256");
  for (const entry of tree.entries) if (entry.type !== "tree" && isInput(entry.path)) hash.update(lineOf(entry));
  if (usesCommit(definition)) hash.update(`commit ${sha}\n`);
  return hash.digest("hex");
}

function lineOf(entry: TreeEntry): string {
  return `${entry.mode} ${entry.sha} ${entry.path}\n`;
}

/** When the commit itself goes into the image or its stable tag, every commit is a different input. */
function usesCommit(definition: ImageDefinition): boolean {
  const templates = [...Object.values(definition.buildArgs), ...definition.tags.stable];
  return templates.some((t) => templateVariables(t).some((v) => v === "sha" || v === "short_sha"));
}

async function mapBounded<A, B>(items: readonly A[], work: (item: A) => Promise<B>): Promise<B[]> {
  const out: B[] = [];
  for (let i = 0; i < items.length; i += filesAtOnce)
    out.push(...(await Promise.all(items.slice(i, i + filesAtOnce).map(work))));
  return out;
}
