/** Whether a digest behind a tag is one that our own runs pushed: then their ends tell those that stand on it, and not an event. */
import { seqOf } from "../core/run/desk.ts";
import { keys } from "../core/state/keys.ts";
import type { Followed, Made, Run, Track, TrackPointer } from "../core/state/rows.ts";
import type { Rows } from "../core/state/store.ts";
import { readValue } from "./read-rows.ts";
import { homeOf, type Registries, type Registry } from "./registries.ts";

/** A registry with images that stand on the tag, or (`moves` false) only on digests it once had. */
export interface Follower {
  readonly registry: Registry;
  readonly moves: boolean;
}

interface Found {
  readonly digest: string;
  /** What was known of the tag before. */
  readonly known: Followed | undefined;
  readonly followers: readonly Follower[];
  readonly ports: { readonly rows: Rows };
}

/** Whose the digest behind the tag is. `tell`: the registries whose dependents hear of it by our word, and not by the end of a run. */
export type Whose =
  /** As before. If a run of ours claims it, that has not ended: whose it is cannot be said yet. */
  | { readonly kind: "known" }
  /** Seen while a run of ours was making the tag: by now the run has ended, and had pushed it. */
  | { readonly kind: "proved"; readonly run: string; readonly known: Followed }
  /** New while a run of ours makes the tag: it may be the run's, or somebody else's. */
  | { readonly kind: "building"; readonly run: string; readonly tell: readonly Registry[] }
  /** New, and pushed by a run of ours that has ended. */
  | { readonly kind: "own-push"; readonly run: string; readonly tell: readonly Registry[] }
  /** Nobody's of ours. `hasSettled`: it only seemed to be our run's when it was seen, and has stayed since. */
  | { readonly kind: "foreign"; readonly hasSettled: boolean; readonly tell: readonly Registry[] };

export async function whoseDigest(reference: string, { digest, known, followers, ports }: Found): Promise<Whose> {
  const isKnown = known?.digest === digest && !known.unsure;
  if (isKnown && known.claimedBy === undefined) return { kind: "known" };
  const makers = await Promise.all(
    followers.map(({ registry }) => makerOf(reference, digest, known?.since, registry, ports)),
  );
  const tell = followers.filter((f, i) => f.moves && makers[i] === undefined).map((f) => f.registry);
  const building = makers.find((maker) => maker?.building);
  if (building) return isKnown ? { kind: "known" } : { kind: "building", run: building.run, tell };
  const run = makers.find((maker) => maker !== undefined)?.run;
  if (run === undefined) return { kind: "foreign", hasSettled: isKnown, tell };
  return isKnown ? { kind: "proved", run, known } : { kind: "own-push", run, tell };
}

interface Maker {
  readonly run: string;
  /** The run has not ended, so the digest may be its own or somebody else's. */
  readonly building: boolean;
}

/** The run of ours that pushed this digest under the tag, or may have: its end tells the dependents in its registry. */
async function makerOf(
  reference: string,
  digest: string,
  /** Since when the digest known before has been there; undefined: whenever the run was. */
  since: string | undefined,
  registry: Registry,
  ports: { readonly rows: Rows },
): Promise<Maker | undefined> {
  const read = <T>(rowKey: string) => readValue<T>(ports.rows, registry.partition, rowKey);
  const tag = await read<Made>(keys.tag(reference));
  if (tag?.digest === digest) {
    const run = await read<Run>(keys.run(seqOf(tag.run)));
    const at = run?.times.Succeeded;
    // A run that had ended before did not bring its digest back, and would tell nobody that it is back.
    if (at === undefined || since === undefined || at >= since) return { run: tag.run, building: false };
  }
  const maker = await read<TrackPointer>(keys.makes(reference));
  const track = maker && (await read<Track>(maker.track));
  return track?.active && { run: track.active.id, building: true };
}

/**
 * The tracks whose runs led to this digest, the one that made it last; none: no run of ours pushed it. Of whichever
 * registry, because there it may be others who stand on the tag.
 */
export async function lineageOf(
  reference: string,
  digest: string,
  { rows, registries }: { readonly rows: Rows; readonly registries: Registries },
): Promise<readonly string[]> {
  const home = await homeOf(reference, registries);
  const maker = home && (await makerOf(reference, digest, undefined, home, { rows }));
  const run = maker && (await readValue<Run>(rows, home.partition, keys.run(seqOf(maker.run))));
  return run ? [...(run.lineage ?? []), run.track] : [];
}
