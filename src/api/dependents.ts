/** Who stands directly on a tag or a digest, in every registry. */
import { z } from "zod";
import { isPinned, parseReference } from "../core/image/reference.ts";
import type { Edge } from "../core/plan/closure.ts";
import { type KeyRange, key, rangeOf } from "../core/state/keys.ts";
import type { Base, Track } from "../core/state/rows.ts";
import { readValue } from "../handlers/read-rows.ts";
import type { Registry } from "../handlers/registries.ts";
import { allRegistries, type HistoryPorts } from "./history.ts";

export const Dependent = z.object({
  image: z.string(),
  ref: z.string(),
  source: z.string(),
  registry: z.string(),
  on: z.string().describe("the tag, or the digest that was asked for"),
  pinned: z.literal(true).optional().describe("names a digest, so it does not follow"),
  digest: z.string().optional().describe("what it stands on; absent before it is built"),
});
export type Dependent = z.infer<typeof Dependent>;

const dependentsMost = 1000;

/** At most 1,000 that follow and 1,000 that pin each of them, in each registry; what is beyond is left out without a word. */
export async function dependentsOf(references: readonly string[], ports: HistoryPorts): Promise<Dependent[]> {
  const found = (await allRegistries(ports)).flatMap((registry) =>
    references.flatMap((reference) => [
      readDependents("base", reference, registry, ports),
      readDependents("pinned", reference, registry, ports),
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
  const range = edge === "pinned" && on.includes("@") ? pinsOfRepository(on) : rangeOf(edge, on);
  const edges = await ports.rows.list(registry.partition, range, dependentsMost);
  const dependents = edges.map(async ({ value }): Promise<Dependent | undefined> => {
    const { track: trackKey, reference } = value as Pick<Edge, "track" | "reference">;
    const track = await readValue<Track>(ports.rows, registry.partition, trackKey);
    if (!track) return undefined;
    const pin = track.bases.find((b) => b.pinned && (b.tag === on || b.reference === on));
    if (edge === "pinned" && (!pin || (pin.tag ?? pin.reference) !== reference)) return undefined;
    const digest = edge === "pinned" ? pinnedDigest(pin!) : track.built?.bases[on];
    return {
      image: track.image,
      ref: track.ref,
      source: track.source.fullName,
      registry: registry.alias,
      on,
      ...(edge === "pinned" ? { pinned: true as const } : {}),
      ...(digest ? { digest } : {}),
    };
  });
  return (await Promise.all(dependents)).filter((d) => d !== undefined);
}

/** A digest may be named beside any tag of its repository, or without one. In keys, `:` and `@` sort right before `A`. */
function pinsOfRepository(reference: string): KeyRange {
  const repository = key("pinned", reference.slice(0, reference.indexOf("@")));
  return { from: `${repository}:`, to: `${repository}A` };
}

export function pinnedDigest({ reference }: Base): string | undefined {
  const parsed = parseReference(reference);
  return parsed.ok && isPinned(parsed.reference) ? parsed.reference.digest : undefined;
}
