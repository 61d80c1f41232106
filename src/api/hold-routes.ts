/** Letting waves go on or stop, and pausing what is released by itself. */
import { z } from "zod";
import { keys, lastSegment, rangeOf } from "../core/state/keys.ts";
import type { Pause } from "../core/state/rows.ts";
import type { Accept } from "./accept.ts";
import { allRegistries, type HistoryPorts, tracksOfImage } from "./history.ts";
import { answerJson, notFound } from "./problem.ts";
import { type Route, route } from "./route.ts";
import { Accepted, Moment, Name, nothing } from "./schemas.ts";
import { findWaves } from "./waves.ts";

const PauseView = z.object({
  registry: z.string(),
  image: z.string().optional().describe("absent: the whole registry"),
  why: z.string(),
  at: Moment,
});
const AcceptedByEach = Accepted.extend({ registries: z.array(z.string()).readonly() });
const Scope = {
  registry: Name.optional().describe("alias; every registry when absent"),
  image: Name.optional().describe("one image; every image when absent"),
};

export function holdRoutes(ports: HistoryPorts): readonly Route[] {
  return [
    route({
      method: "GET",
      template: "pauses",
      summary: "What is paused, since when and why",
      params: nothing,
      query: nothing,
      answers: z.object({ pauses: z.array(PauseView) }),
      handle: async () => answerJson({ pauses: await listPauses(ports) }),
    }),
  ];
}

export function holdRequests(ports: HistoryPorts, accept: Accept): readonly Route[] {
  const ofWave = (action: "continue" | "stop", summary: string) =>
    route({
      method: "POST",
      template: `waves/{id}/${action}`,
      summary,
      params: z.object({ id: Name }),
      query: nothing,
      answers: AcceptedByEach,
      async handle({ params: { id: wave }, header }) {
        const found = await findWaves(wave, ports);
        if (found.length === 0) throw notFound(`there is no wave ${wave}`);
        return accept.words(
          found.map((f) => f.registry.alias),
          { kind: "wave-requested", ...accept.request(header, action, wave), wave, action },
        );
      },
    });
  const aliasesFor = async (scope: { registry?: string | undefined; image?: string | undefined }) => {
    const all = (await allRegistries(ports)).map((r) => r.alias);
    const named = scope.registry === undefined ? all : all.filter((alias) => alias === scope.registry);
    if (named.length === 0) throw notFound(`there is no registry ${scope.registry}`);
    if (scope.image === undefined) return named;
    const tracks = await tracksOfImage(scope.image, ports);
    // One that has left, or is built elsewhere by now, may still be paused: that can be ended.
    const paused = (await listPauses(ports)).filter((pause) => pause.image === scope.image);
    const concerned = [...tracks.map((t) => t.registry.alias), ...paused.map((p) => p.registry)];
    const aliases = named.filter((alias) => concerned.includes(alias));
    if (aliases.length > 0) return aliases;
    const where = scope.registry === undefined ? "is built by Slipway" : `is built into ${scope.registry}`;
    throw notFound(`no image ${scope.image} ${where}`);
  };
  const pausing = (action: "pause" | "resume", summary: string, body: z.ZodObject) =>
    route({
      method: "POST",
      template: action,
      summary,
      params: nothing,
      query: nothing,
      body,
      answers: AcceptedByEach,
      async handle({ body: asked, header }) {
        const scope = asked as { registry?: string; image?: string; why?: string };
        return accept.words(await aliasesFor(scope), {
          kind: "pause-requested",
          ...accept.request(header, action, scope.registry, scope.image),
          action,
          ...(scope.image ? { image: scope.image } : {}),
          why: scope.why ?? "",
        });
      },
    });
  return [
    ofWave("continue", "Let a wave go on: neither canaries nor failures stop it any more"),
    ofWave("stop", "Stop a wave: what it planned waits; what is at ACR goes on"),
    pausing(
      "pause",
      "Hold what would be released by itself: of an image, a registry or everything. What a person asks for is built",
      z.strictObject({ ...Scope, why: z.string().min(1).max(200).describe("what people who wait should read") }),
    ),
    pausing("resume", "End such a pause", z.strictObject(Scope)),
  ];
}

async function listPauses(ports: HistoryPorts): Promise<z.infer<typeof PauseView>[]> {
  const found = await Promise.all(
    (await allRegistries(ports)).map(async (registry) =>
      (await ports.rows.list(registry.partition, rangeOf("pause"), 1000)).map((row) => {
        // Names of images need no escape.
        const image = row.key === keys.pausedRegistry ? undefined : lastSegment(row.key);
        return { registry: registry.alias, ...(image === undefined ? {} : { image }), ...(row.value as Pause) };
      }),
    ),
  );
  return found.flat();
}
