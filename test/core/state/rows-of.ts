import type { SourceRepository } from "../../../src/core/source.ts";
import { keys } from "../../../src/core/state/keys.ts";
import type { Attempt, Base, Run, SnapshotImage, Track } from "../../../src/core/state/rows.ts";
import { definition } from "../config/definitions.ts";
import { noon } from "./decide.ts";

export const source: SourceRepository = { provider: "github", id: 7, fullName: "acme/platform" };
export const main = "refs/heads/main";
export const commitA = "a".repeat(40);
export const commitB = "b".repeat(40);
export const referenceOf = (image: string) => `acme.azurecr.io/${image}:main`;
export const trackKeyOf = (image: string) => keys.track(source.id, main, image);

export function base(reference: string, change: Partial<Base> = {}): Base {
  return { reference, class: "runtime", pinned: false, ...change };
}

export function runOf(change: Partial<Run> = {}): Run {
  const seq = change.seq ?? 12;
  return {
    id: `acme-${seq}`,
    seq,
    registry: "acme",
    loginServer: "acme.azurecr.io",
    track: trackKeyOf(change.image ?? "web"),
    image: "web",
    source,
    ref: main,
    commit: commitA,
    repository: "web",
    status: "Planned",
    times: { Planned: noon },
    reasons: [{ kind: "first-build" }],
    cause: { kind: "delivery", id: "delivery-1", event: "push", at: noon },
    waves: ["delivery-1"],
    priority: 1,
    order: seq,
    baseTries: 0,
    attempt: 0,
    ...change,
  };
}

export function attemptOf(change: Partial<Attempt> = {}): Attempt {
  return {
    run: "acme-12",
    number: 1,
    stage: "preparing",
    startedAt: noon,
    definition: definition({ registry: "acme" }),
    wanted: { commit: commitA, inputs: "files-1", definition: "definition-1" },
    bases: {},
    stableTags: ["main"],
    uniqueTags: ["main-aaaaaaa-12"],
    buildArgs: {},
    ...change,
  };
}

export function trackOf(image: string, on: readonly string[] = [], change: Partial<Track> = {}): Track {
  return {
    key: trackKeyOf(image),
    source,
    ref: main,
    image,
    definition: definition({ name: image, repository: image, registry: "acme" }),
    dockerfileSha: "dockerfile-1",
    bases: on.map((name) => base(name.includes("/") ? name : referenceOf(name))),
    makes: [referenceOf(image)],
    wanted: { commit: commitA, inputs: `${image} files`, definition: `${image} definition` },
    failures: 0,
    ...change,
  };
}

export function imageOf(image: string, on: readonly string[] = [], change: Partial<SnapshotImage> = {}): SnapshotImage {
  const { definition, bases, makes, dockerfileSha, wanted } = trackOf(image, on);
  return {
    name: image,
    definition,
    definitionKey: wanted.definition,
    inputs: wanted.inputs,
    dockerfileSha,
    bases,
    makes,
    ...change,
  };
}

/** Rows of tracks with the edges and makers that come with them. */
export function stored(tracks: readonly Track[]): Record<string, unknown> {
  return Object.fromEntries(
    tracks.flatMap((track): [string, unknown][] => [
      [track.key, track],
      [keys.imageTrack(track.image, track.source.id, track.ref), { track: track.key }],
      ...track.makes.map((reference): [string, unknown] => [keys.makes(reference), { track: track.key }]),
      ...track.bases
        .filter((b) => !b.pinned)
        .map((b): [string, unknown] => [
          keys.base(b.reference, track.key),
          { track: track.key, reference: b.reference, class: b.class, baseUpdate: track.definition.on.baseUpdate },
        ]),
      ...track.bases
        .filter((b) => b.pinned)
        .map((b): [string, unknown] => {
          const reference = b.tag ?? b.reference;
          return [keys.pinned(reference, track.key), { track: track.key, reference }];
        }),
    ]),
  );
}
