/** Everything people can ask and tell, in one table. */
import { z } from "zod";
import { skipReasons } from "../core/plan/reason.ts";
import { rangeOf } from "../core/state/keys.ts";
import type { Inbox } from "../core/state/rows.ts";
import { type InboxWriter, leaveWord } from "../handlers/inbox.ts";
import { sourceIdOf } from "../handlers/sources.ts";
import { dependentsOf } from "./dependents.ts";
import { basesOf } from "./freshness.ts";
import { GraphView, readGraph, toDot } from "./graph.ts";
import { checkHealth, type HealthPorts } from "./health.ts";
import {
  allRegistries,
  attemptsOf,
  type FoundRun,
  findDecision,
  findRun,
  type HistoryPorts,
  listDecisions,
  listRuns,
  tracksOfImage,
} from "./history.ts";
import { type HoldPorts, holdRoutes, listPauses } from "./hold-routes.ts";
import { type PlanPorts, planRoutes } from "./plan-routes.ts";
import { notFound, Problem } from "./problem.ts";
import { answerJson, type Route, route } from "./route.ts";
import { type LogPorts, readRunLog } from "./run-log.ts";
import { causeChain, viewRun, viewTrack } from "./views.ts";
import { findWaves, listWaves, membersOf, viewWave, WaveView, WholeWave } from "./waves.ts";
import { basesBehind, runBehind } from "./why.ts";

export type ReadPorts = HistoryPorts & HealthPorts & LogPorts & { now(): number };
export type WritePorts = InboxWriter & PlanPorts;

const nothing = z.object({});
const Name = z.string().min(1).max(200);
const paging = {
  limit: z.coerce.number().int().min(1).max(100).default(20).describe("how many at most, 1 to 100"),
  after: z.string().max(4000).optional().describe("the `next` of the page before"),
};
const RunSummaryView = z.object({
  id: z.string(),
  image: z.string(),
  source: z.string(),
  ref: z.string(),
  commit: z.string(),
  status: z.string(),
  plannedAt: z.string(),
  endedAt: z.string().optional(),
  digest: z.string().optional(),
  why: z.string(),
  outcome: z.string().optional(),
});
const Object_ = z.looseObject({});
const Accepted = z.object({ id: z.string(), decision: z.string() });

export function readRoutes(ports: ReadPorts): readonly Route[] {
  const mustFindRun = async (id: string): Promise<FoundRun> => {
    const found = await findRun(id, ports);
    if (!found) throw notFound(`there is no run ${id}`);
    return found;
  };
  const runView = async (found: FoundRun) =>
    viewRun(found, await attemptsOf(found, ports), await causeChain(found.run, ports));
  const table: Route[] = [
    route({
      method: "GET",
      template: "runs",
      summary: "Runs, newest first",
      params: nothing,
      query: z.object({
        image: Name.optional(),
        source: Name.optional().describe("owner/name or numeric id"),
        commit: z
          .string()
          .regex(/^[0-9a-f]{40}$/, "40 hex digits")
          .optional(),
        branch: Name.optional().describe("branch or Git tag, without refs/heads/"),
        status: z.string().max(20).optional(),
        ...paging,
      }),
      answers: z.object({ runs: z.array(RunSummaryView), next: z.string().optional() }),
      async handle({ query: { limit, after, ...filter } }) {
        const { items, next } = await listRuns(filter, limit, after, ports);
        return answerJson({ runs: items, ...(next ? { next } : {}) });
      },
    }),
    route({
      method: "GET",
      template: "runs/{id}",
      summary: "One run: why, what it waited for, when, what it stands on and what came of it",
      params: z.object({ id: Name }),
      query: nothing,
      answers: Object_,
      handle: async ({ params }) => answerJson(await runView(await mustFindRun(params.id))),
    }),
    route({
      method: "GET",
      template: "runs/{id}/log",
      summary:
        "The log from an offset in bytes; `follow=true` waits up to 20 s for more. The headers say where to go on and whether it is complete",
      params: z.object({ id: Name }),
      query: z.object({
        offset: z.coerce.number().int().min(0).default(0),
        follow: z.enum(["true", "false"]).default("false"),
      }),
      answers: "text/plain",
      async handle({ params, query }) {
        const part = await readRunLog(await mustFindRun(params.id), query.offset, query.follow === "true", ports);
        return {
          status: 200,
          headers: {
            "content-type": "text/plain; charset=utf-8",
            "x-content-type-options": "nosniff",
            "cache-control": "no-store",
            "x-slipway-log-next": String(part.next),
            "x-slipway-log-complete": String(part.complete),
          },
          body: part.bytes,
        };
      },
    }),
    route({
      method: "GET",
      template: "images",
      summary: "Images with the refs they are built from",
      params: nothing,
      query: nothing,
      answers: z.object({ images: z.array(Object_) }),
      async handle() {
        const found = await Promise.all(
          (await allRegistries(ports)).map(async (registry) => {
            const rows = await ports.rows.list(registry.partition, rangeOf("track"), 1000);
            return rows.map((r) => viewTrack({ track: r.value as never, registry }));
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
      answers: z.object({ name: z.string(), tracks: z.array(Object_) }),
      async handle({ params }) {
        const tracks = await tracksOfImage(params.name, ports);
        if (tracks.length === 0) throw notFound(`no image ${params.name} is built by Slipway`);
        const views = tracks.map(async (found) => ({
          ...viewTrack(found),
          bases: await basesOf(found, ports.now(), ports),
          dependents: await dependentsOf(found.track.makes, ports),
        }));
        return answerJson({ name: params.name, tracks: await Promise.all(views) });
      },
    }),
    route({
      method: "GET",
      template: "graph",
      summary:
        "Who stands on whom: images by ref, and the bases that nobody here builds; as JSON, or as DOT for Graphviz",
      params: nothing,
      query: z.object({ format: z.enum(["json", "dot"]).default("json") }),
      answers: GraphView,
      async handle({ query }) {
        const graph = await readGraph(ports);
        if (query.format === "json") return answerJson(graph);
        const headers = { "content-type": "text/vnd.graphviz; charset=utf-8", "cache-control": "no-store" };
        return { status: 200, headers, body: toDot(graph) };
      },
    }),
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
    route({
      method: "GET",
      template: "pauses",
      summary: "What is paused, since when and why",
      params: nothing,
      query: nothing,
      answers: z.object({ pauses: z.array(Object_) }),
      handle: async () => answerJson({ pauses: await listPauses(ports) }),
    }),
    route({
      method: "GET",
      template: "decisions",
      summary:
        "What was decided about each event and request, newest first, and why nothing was built where nothing was",
      params: nothing,
      query: z.object({
        reason: z
          .enum(skipReasons)
          .optional()
          .describe("those that skipped something for this reason, pushes that are news to nobody included"),
        ...paging,
      }),
      answers: z.object({ decisions: z.array(Object_), next: z.string().optional() }),
      async handle({ query }) {
        const { items, next } = await listDecisions(query.reason, query.limit, query.after, ports);
        return answerJson({ decisions: items, ...(next ? { next } : {}) });
      },
    }),
    route({
      method: "GET",
      template: "decisions/{id}",
      summary: "The decision about one event or request; one per registry concerned",
      params: z.object({ id: Name }),
      query: nothing,
      answers: z.object({ decisions: z.array(Object_) }),
      async handle({ params }) {
        const decisions = await findDecision(params.id, ports);
        if (decisions.length === 0) throw notFound(`nothing is decided about ${params.id}, or not yet`);
        return answerJson({ decisions });
      },
    }),
    route({
      method: "GET",
      template: "why",
      summary:
        "Why an image is what it is: the run behind a repo:tag or a digest, its reasons and its causes; of a base that others build, what was seen of it and who stands on it",
      params: nothing,
      query: z.object({
        reference: z.string().min(1).max(500).describe("repo:tag, login-server/repo:tag, repo@sha256:… or sha256:…"),
      }),
      answers: Object_,
      async handle({ query }) {
        const runId = await runBehind(query.reference, ports);
        const { reference } = query;
        if (runId) return answerJson({ reference, run: await runView(await mustFindRun(runId)) });
        const bases = await basesBehind(reference, ports);
        if (bases.length === 0)
          throw notFound(`Slipway built nothing that is called ${reference}, and nothing stands on it`);
        return answerJson({ reference, why: "not built by Slipway: images here stand on it", bases });
      },
    }),
    route({
      method: "GET",
      template: "health",
      summary: "Each dependency and registry, and what is wrong with it in words",
      params: nothing,
      query: nothing,
      answers: Object_,
      async handle() {
        const health = await checkHealth(ports);
        return answerJson(health, health.ok ? 200 : 503);
      },
    }),
  ];
  return table;
}

export function writeRoutes(ports: WritePorts): readonly Route[] {
  const accepted = async (alias: string, word: Inbox) => {
    await leaveWord(ports, await ports.registries.find(alias), word);
    return answerJson({ id: word.id, decision: `decisions/${word.id}` }, 202);
  };
  /** The same Idempotency-Key is the same request, however often it is sent. */
  const requestId = (header: (name: string) => string | undefined, what: string): string => {
    const given = header("idempotency-key");
    if (given === undefined) return `request-${ports.newId()}`;
    if (!/^[A-Za-z0-9._-]{1,100}$/.test(given))
      throw new Problem(400, "Bad request", "Idempotency-Key takes 1 to 100 of A-Z a-z 0-9 . _ -");
    return `request-${what}-${given}`;
  };
  const cause = (id: string, action: string) =>
    ({ kind: "request", id, action, at: new Date(ports.now()).toISOString() }) as const;
  const holds: HoldPorts = {
    rows: ports.rows,
    registries: ports.registries,
    accept: async (alias, word) => {
      await leaveWord(ports, await ports.registries.find(alias), word);
    },
    requestId,
    causeOf: cause,
  };
  const ofRun = (action: "cancel" | "retry", summary: string) =>
    route({
      method: "POST",
      template: `runs/{id}/${action}`,
      summary,
      params: z.object({ id: Name }),
      query: nothing,
      answers: Accepted,
      async handle({ params, header }) {
        const found = await findRun(params.id, ports);
        if (!found) throw notFound(`there is no run ${params.id}`);
        const id = requestId(header, `${action}-${found.run.id}`);
        return accepted(found.registry.alias, {
          kind: `${action}-requested`,
          id,
          cause: cause(id, action),
          run: found.run.id,
        });
      },
    });
  return [
    ofRun("cancel", "Cancel a run: at once while it is planned, otherwise ACR is asked to"),
    ofRun("retry", "Build once more what an ended run was for, at the present head of its ref"),
    route({
      method: "POST",
      template: "images/{name}/rebuild",
      summary: "Build an image although nothing has changed",
      params: z.object({ name: Name }),
      query: nothing,
      body: z.strictObject({
        ref: z
          .string()
          .regex(/^refs\/(heads|tags)\/.+/, "a full ref: refs/heads/main")
          .max(255)
          .optional(),
        source: Name.optional(),
      }),
      answers: Accepted,
      async handle({ params, body, header }) {
        const sourceId = body.source === undefined ? undefined : await sourceIdOf(body.source, ports);
        const found = (await tracksOfImage(params.name, ports)).filter(
          ({ track }) =>
            (body.ref === undefined || track.ref === body.ref) &&
            (body.source === undefined || track.source.id === sourceId),
        );
        const aliases = new Set(found.map((f) => f.registry.alias));
        if (aliases.size === 0) throw notFound(`no such image: ${params.name}${body.ref ? ` from ${body.ref}` : ""}`);
        if (aliases.size > 1)
          throw new Problem(
            409,
            "Ambiguous",
            `${params.name} is built into ${[...aliases].join(" and ")}: name ref and source`,
          );
        const id = requestId(header, `rebuild-${params.name}`);
        const [alias] = [...aliases];
        return accepted(alias!, {
          kind: "rebuild-requested",
          id,
          cause: cause(id, "rebuild"),
          image: params.name,
          ...(body.ref ? { ref: body.ref } : {}),
          ...(sourceId === undefined ? {} : { sourceId }),
        });
      },
    }),
    ...holdRoutes(holds),
    ...planRoutes(ports),
  ];
}
