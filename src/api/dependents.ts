/** Who stands directly on a tag, in every registry. */
import { isPinned, parseReference } from "../core/image/reference.ts";
import { rangeOf } from "../core/state/keys.ts";
import type { Base, Track } from "../core/state/rows.ts";
import type { Registry } from "../handlers/registries.ts";
import { allRegistries, type HistoryPorts } from "./history.ts";

export interface Dependent {
  readonly image: string;
  readonly ref: string;
  readonly source: string;
  readonly registry: string;
  /** The tag. */
  readonly on: string;
  /** Names a digest beside the tag, so it does not follow. */
  readonly pinned?: true;
  /** What it stands on; absent before it is built. */
  readonly digest?: string;
}

const dependentsMost = 1000;

export async function dependentsOf(tags: readonly string[], ports: HistoryPorts): Promise<readonly Dependent[]> {
  const found = (await allRegistries(ports)).flatMap((registry) =>
    tags.flatMap((tag) => [
      readDependents("base", tag, registry, ports),
      readDependents("pinned", tag, registry, ports),
    ]),
  );
  return (await Promise.all(found)).flat();
}

async function readDependents(
  edge: "base" | "pinned",
  on: string,
  registry: Registry,
  ports: HistoryPorts,
): Promise<readonly Dependent[]> {
  const edges = await ports.rows.list(registry.partition, rangeOf(edge, on), dependentsMost);
  const dependents = edges.map(async ({ value }): Promise<Dependent | undefined> => {
    const { track: trackKey } = value as { readonly track: string };
    const track = (await ports.rows.read(registry.partition, trackKey)).row?.value as Track | undefined;
    if (!track) return undefined;
    const pin = edge === "pinned" && track.bases.find(({ tag }) => tag === on);
    const digest = pin ? pinnedDigest(pin) : track.built?.bases[on];
    return {
      image: track.image,
      ref: track.ref,
      source: track.source.fullName,
      registry: registry.alias,
      on,
      ...(pin ? { pinned: true } : {}),
      ...(digest ? { digest } : {}),
    };
  });
  return (await Promise.all(dependents)).filter((d) => d !== undefined);
}

export function pinnedDigest({ reference }: Base): string | undefined {
  const parsed = parseReference(reference);
  return parsed.ok && isPinned(parsed.reference) ? parsed.reference.digest : undefined;
}
