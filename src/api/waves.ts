/** Waves as people ask for them: how far each is, and what became of each image in it. */
import { z } from "zod";
import { seqOf } from "../core/run/desk.ts";
import { failuresOf, openIn } from "../core/run/wave.ts";
import { keys, rangeOf } from "../core/state/keys.ts";
import type { Run, Wave, WaveIndex, WaveMember } from "../core/state/rows.ts";
import { readValue } from "../handlers/read-rows.ts";
import type { Registry } from "../handlers/registries.ts";
import { allRegistries, type HistoryPorts, newestFirst, type Page } from "./history.ts";
import { answerJson, notFound } from "./problem.ts";
import { type Route, route } from "./route.ts";
import { CauseView, HoldView, Moment, Name, nothing, paging, Status } from "./schemas.ts";

const Canary = z.object({ level: z.number(), image: z.string(), run: z.string(), passed: z.boolean() });
const WaveView = z.object({
  id: z.string(),
  registry: z.string(),
  at: Moment,
  cause: CauseView,
  state: z.enum(["open", "stopped", "continued", "ended"]),
  why: z.string().optional().describe("what stopped it"),
  planned: z.number(),
  open: z.number(),
  failed: z.number(),
  ended: z.record(z.string(), z.number().optional()).describe("how many of its runs ended in each status"),
  owners: z
    .array(
      z.object({
        owner: z.string().optional(),
        planned: z.number(),
        open: z.number(),
        fresh: z.number(),
        failed: z.number(),
        other: z.number().describe("replaced, blocked by a failed base, retired or canceled"),
      }),
    )
    .describe("the same by owner; without a name: of images that have none"),
  levels: z.number(),
  canaries: z.array(Canary).optional(),
});
const ImageOfWave = z.object({
  image: z.string(),
  level: z.number(),
  run: z.string(),
  owner: z.string().optional(),
  ref: z.string().optional(),
  source: z.string().optional(),
  status: Status.optional(),
  state: z.enum(["fresh", "failed", "blocked", "building", "waiting", "replaced", "canceled", "retired"]).optional(),
  hold: HoldView.optional(),
  outcome: z.string().optional(),
  supersededBy: z.string().optional(),
});
const WholeWave = WaveView.extend({ images: z.array(ImageOfWave), next: z.string().optional() });

export function waveRoutes(ports: HistoryPorts): readonly Route[] {
  return [
    route({
      method: "GET",
      template: "waves",
      summary: "Waves, newest first: what one cause set off, how far it is, and whether it is stopped",
      params: nothing,
      query: z.object(paging),
      answers: z.object({ waves: z.array(WaveView), next: z.string().optional() }),
      async handle({ query }) {
        const { items, next } = await listWaves(query.limit, query.after, ports);
        return answerJson({
          waves: items.map(({ wave, registry }) => viewWave(wave, registry)),
          ...(next ? { next } : {}),
        });
      },
    }),
    route({
      method: "GET",
      template: "waves/{id}",
      summary: "One wave: its levels, its images in order, what became of each, and what holds those that wait",
      params: z.object({ id: Name }),
      query: z.object({
        owner: Name.optional(),
        limit: z.coerce.number().int().min(1).max(500).default(200).describe("images at most, 1 to 500"),
        after: paging.after,
      }),
      answers: z.object({ waves: z.array(WholeWave) }),
      async handle({ params, query }) {
        const found = await findWaves(params.id, ports);
        if (found.length === 0) throw notFound(`there is no wave ${params.id}`);
        const views = found.map(async (wave) => ({
          ...viewWave(wave.wave, wave.registry),
          ...(await membersOf(wave, query, ports)),
        }));
        return answerJson({ waves: await Promise.all(views) });
      },
    }),
  ];
}

function viewWave(wave: Wave, registry: Registry): z.infer<typeof WaveView> {
  const open = openIn(wave);
  const canaries = Object.entries(wave.canaries).map(([level, { image, run, passed }]) => ({
    level: Number(level),
    image,
    run,
    passed,
  }));
  return {
    id: wave.id,
    registry: registry.alias,
    at: wave.at,
    cause: wave.cause,
    state: open === 0 ? "ended" : wave.state,
    ...(wave.state === "stopped" && open > 0 ? { why: wave.why } : {}),
    planned: wave.planned,
    open,
    failed: failuresOf(wave),
    ended: wave.ended,
    owners: Object.entries(wave.owners).map(([owner, { planned, good, bad, neither }]) => ({
      ...(owner === "" ? {} : { owner }),
      planned,
      open: planned - good - bad - neither,
      fresh: good,
      failed: bad,
      other: neither,
    })),
    levels: wave.highest - wave.lowest + 1,
    ...(canaries.length > 0 ? { canaries } : {}),
  };
}

export interface FoundWave {
  readonly wave: Wave;
  readonly registry: Registry;
}

/** The same cause may set off a wave in several registries. */
export async function findWaves(id: string, ports: HistoryPorts): Promise<readonly FoundWave[]> {
  const found = await Promise.all(
    (await allRegistries(ports)).map(async (registry) => {
      const wave = await readValue<Wave>(ports.rows, registry.partition, keys.wave(id));
      return wave ? [{ wave, registry }] : [];
    }),
  );
  return found.flat();
}

async function listWaves(limit: number, after: string | undefined, ports: HistoryPorts): Promise<Page<FoundWave>> {
  const registries = await allRegistries(ports);
  const partitions = registries.map((r) => r.partition);
  const { items, next } = await newestFirst<WaveIndex>(ports.rows, partitions, rangeOf("waves"), limit, after, {
    valueOf: (stored) => stored as WaveIndex,
    timeOf: (index) => index.at,
    fits: () => true,
  });
  const found = await Promise.all(
    items.map(async ({ wave, registry }) => {
      const place = registries.find((r) => r.alias === registry);
      const row = place && (await ports.rows.read(place.partition, keys.wave(wave))).row;
      return row ? [{ wave: row.value as Wave, registry: place }] : [];
    }),
  );
  return { items: found.flat(), ...(next ? { next } : {}) };
}

/** Members in the order they were planned. Those of one owner are looked for in as many as a page may look through. */
async function membersOf(
  { wave, registry }: FoundWave,
  filter: { readonly owner?: string | undefined; readonly after?: string | undefined; readonly limit: number },
  ports: HistoryPorts,
) {
  const { limit, after, owner } = filter;
  const range = rangeOf("inwave", wave.id);
  const { items, next } = await newestFirst<WaveMember>(ports.rows, [registry.partition], range, limit, after, {
    valueOf: (stored) => stored as WaveMember,
    // One partition, so there is nothing to merge: they come in the order of their keys.
    timeOf: () => "",
    fits: (member) => owner === undefined || member.owner === owner,
  });
  const images = await Promise.all(
    items.map(async (member): Promise<z.infer<typeof ImageOfWave>> => {
      const run = await readValue<Run>(ports.rows, registry.partition, keys.run(seqOf(member.run)));
      return {
        image: member.image,
        level: member.level,
        run: member.run,
        ...(member.owner ? { owner: member.owner } : {}),
        ...(run ? { ref: run.ref, source: run.source.fullName, status: run.status, state: stateOf(run) } : {}),
        ...(run?.hold ? { hold: run.hold } : {}),
        ...(run?.ended ? { outcome: run.ended.message } : {}),
        ...(run?.supersededBy ? { supersededBy: run.supersededBy } : {}),
      };
    }),
  );
  return { images, ...(next ? { next } : {}) };
}

function stateOfSkipped(code: string | undefined): z.infer<typeof ImageOfWave>["state"] {
  if (code === "nothing-changed") return "fresh";
  return code === "image-removed" || code === "ref-deleted" || code === "ref-not-watched" ? "retired" : "blocked";
}

/** In one word, for whoever only wants to know whether it is well. */
function stateOf(run: Run): z.infer<typeof ImageOfWave>["state"] {
  switch (run.status) {
    case "Succeeded":
      return "fresh";
    case "Failed":
    case "Error":
    case "Timeout":
      return "failed";
    case "Skipped":
      return stateOfSkipped(run.ended?.code);
    case "Superseded":
      return "replaced";
    case "Canceled":
      return "canceled";
    case "Planned":
      return run.hold?.kind === "wave-stopped" || run.hold?.kind === "paused" || run.hold?.kind === "frozen"
        ? "blocked"
        : "waiting";
    default:
      return "building";
  }
}
