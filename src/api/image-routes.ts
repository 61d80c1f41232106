/** Images: the refs they are built from, what was built last and what it stands on; and building one although nothing changed. */
import { z } from "zod";
import { rangeOf } from "../core/state/keys.ts";
import type { Track } from "../core/state/rows.ts";
import type { Accept } from "./accept.ts";
import { Dependent, dependentsOf } from "./dependents.ts";
import { BaseView, basesOf } from "./freshness.ts";
import { allRegistries, type FoundTrack, type HistoryPorts, mustFindImage } from "./history.ts";
import { answerJson, Problem } from "./problem.ts";
import { type Route, route } from "./route.ts";
import { Accepted, BaseOf, Digest, FullRef, Moment, Name, nothing, SourceView } from "./schemas.ts";

const TrackView = z.object({
  image: z.string(),
  source: SourceView,
  ref: z.string(),
  registry: z.string(),
  repository: z.string().describe("with the login server"),
  owner: z.string().optional(),
  stableTags: z.array(z.string()).readonly(),
  wanted: z.object({
    commit: z.string(),
    inputs: z.string().describe("content id of everything it is built from"),
  }),
  built: z
    .object({
      commit: z.string(),
      digest: Digest,
      run: z.string(),
      at: Moment,
      proved: z.boolean().describe("false: nobody can say which base is inside"),
    })
    .optional(),
  bases: z.array(BaseOf.extend({ digest: Digest.optional().describe("what the last build stands on") })),
  notes: z.array(z.string()).readonly().optional(),
  planned: z.string().optional().describe("its planned run"),
  active: z.string().optional().describe("its run at ACR"),
  failures: z.number().describe("in a row, of the present files"),
});
export type TrackView = z.infer<typeof TrackView>;
const WholeTrack = TrackView.extend({ bases: z.array(BaseView), dependents: z.array(Dependent) });

export function imageRoutes(ports: HistoryPorts & { now(): number }): readonly Route[] {
  return [
    route({
      method: "GET",
      template: "images",
      summary: "Images with the refs they are built from",
      params: nothing,
      query: nothing,
      answers: z.object({ images: z.array(TrackView) }),
      async handle() {
        const found = await Promise.all(
          (await allRegistries(ports)).map(async (registry) => {
            const rows = await ports.rows.list(registry.partition, rangeOf("track"), 1000);
            return rows.map((r) => viewTrack({ track: r.value as Track, registry }));
          }),
        );
        return answerJson({ images: found.flat() });
      },
    }),
    route({
      method: "GET",
      template: "images/{name}",
      summary: "One image: every ref it is built from, what was built last, and what it stands on",
      params: z.object({ name: Name }),
      query: nothing,
      answers: z.object({ name: z.string(), tracks: z.array(WholeTrack) }),
      async handle({ params }) {
        const tracks = await mustFindImage(params.name, {}, ports);
        const views = tracks.map(async (found) => ({
          ...viewTrack(found),
          bases: await basesOf(found, ports.now(), ports),
          dependents: await dependentsOf(found.track.makes, ports),
        }));
        return answerJson({ name: params.name, tracks: await Promise.all(views) });
      },
    }),
  ];
}

export function imageRequests(ports: HistoryPorts, accept: Accept): readonly Route[] {
  return [
    route({
      method: "POST",
      template: "images/{name}/rebuild",
      summary: "Build an image although nothing has changed",
      params: z.object({ name: Name }),
      query: nothing,
      body: z.strictObject({ ref: FullRef.optional(), source: Name.optional() }),
      answers: Accepted,
      async handle({ params: { name: image }, body: { ref, source }, header }) {
        const found = await mustFindImage(image, { ref, source }, ports);
        const [alias, ...others] = new Set(found.map((f) => f.registry.alias));
        if (others.length > 0)
          throw new Problem(
            409,
            "Ambiguous",
            `${image} is built into ${[alias, ...others].join(" and ")}: name ref and source`,
          );
        return accept.word(alias!, {
          kind: "rebuild-requested",
          ...accept.request(header, "rebuild", image, ref, source),
          image,
          ...(ref === undefined ? {} : { ref }),
          ...(source === undefined ? {} : { sourceId: found[0]!.track.source.id }),
        });
      },
    }),
  ];
}

function viewTrack({ track, registry }: FoundTrack): TrackView {
  const { built } = track;
  return {
    image: track.image,
    source: track.source,
    ref: track.ref,
    registry: registry.alias,
    repository: `${registry.loginServer}/${track.definition.repository}`,
    ...(track.definition.owner ? { owner: track.definition.owner } : {}),
    stableTags: track.makes,
    wanted: { commit: track.wanted.commit, inputs: track.wanted.inputs },
    ...(built
      ? {
          built: { commit: built.commit, digest: built.digest, run: built.run, at: built.at, proved: built.proved },
        }
      : {}),
    bases: track.bases.map((b) => ({
      ...b,
      ...(built?.bases[b.reference] ? { digest: built.bases[b.reference]! } : {}),
    })),
    ...(track.notes ? { notes: track.notes } : {}),
    ...(track.planned ? { planned: track.planned.id } : {}),
    ...(track.active ? { active: track.active.id } : {}),
    failures: track.failures,
  };
}
