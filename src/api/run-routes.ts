/** Runs: what became of them and why, their logs; and cancelling or retrying one. */

import { z } from "zod";
import { type Cause, describeReason } from "../core/plan/reason.ts";
import type { Attempt, Run } from "../core/state/rows.ts";
import type { Accept } from "./accept.ts";
import { attemptsOf, type FoundRun, findRun, type HistoryPorts, listRuns, mustFindRun } from "./history.ts";
import { answerJson } from "./problem.ts";
import { type Route, route } from "./route.ts";
import { type LogPorts, readRunLog } from "./run-log.ts";
import {
  Accepted,
  CauseView,
  Digest,
  DigestsOf,
  HoldView,
  Moment,
  Name,
  nothing,
  paging,
  ReasonView,
  SourceView,
  Status,
} from "./schemas.ts";

const RunSummaryView = z.object({
  id: z.string(),
  image: z.string(),
  source: z.string(),
  ref: z.string(),
  commit: z.string(),
  status: Status,
  plannedAt: Moment,
  endedAt: Moment.optional(),
  digest: Digest.optional(),
  why: z.string(),
  outcome: z.string().optional(),
});

export const RunView = z.object({
  id: z.string(),
  status: Status,
  image: z.string(),
  repository: z.string().describe("with the login server"),
  registry: z.string(),
  source: SourceView,
  ref: z.string(),
  commit: z.string(),
  owner: z.string().optional(),
  why: z.array(z.string()).describe("the reasons in words"),
  reasons: z.array(ReasonView).readonly(),
  cause: z.array(CauseView).readonly().describe("what set it off, and what that, back to the event at the root"),
  waves: z.array(z.string()).readonly(),
  hold: HoldView.optional().describe("what it waits for now"),
  holds: z
    .array(z.object({ hold: HoldView, since: Moment, until: Moment.optional() }))
    .readonly()
    .describe("what it waited for, the last ten"),
  times: z.partialRecord(Status, Moment).readonly().describe("when each status was first seen"),
  ended: z.object({ code: z.string(), message: z.string() }).optional(),
  notes: z.array(z.string()).readonly().optional(),
  supersededBy: z.string().optional(),
  digest: Digest.optional(),
  tags: z.array(z.string()).readonly(),
  bases: DigestsOf,
  attempts: z.array(
    z.object({
      number: z.number(),
      stage: z.enum(["preparing", "prepared", "calling", "lost", "linked", "ended"]),
      startedAt: Moment,
      acrRunId: z.string().optional(),
      acrStatus: Status.optional(),
      endedAt: Moment.optional(),
      ended: z.string().optional(),
    }),
  ),
  log: z.object({ available: z.boolean() }),
});
export type RunView = z.infer<typeof RunView>;

export function runRoutes(ports: HistoryPorts & LogPorts): readonly Route[] {
  return [
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
        branch: Name.optional().describe("branch or Git tag: main; refs/heads/main is the branch alone"),
        status: Status.optional(),
        ...paging,
      }),
      answers: z.object({ runs: z.array(RunSummaryView).readonly(), next: z.string().optional() }),
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
      answers: RunView,
      handle: async ({ params }) => answerJson(await viewRun(await mustFindRun(params.id, ports), ports)),
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
        const found = await mustFindRun(params.id, ports);
        const part = await readRunLog(found, query.offset, query.follow === "true", ports);
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
  ];
}

export function runRequests(ports: HistoryPorts, accept: Accept): readonly Route[] {
  const ofRun = (action: "cancel" | "retry", summary: string) =>
    route({
      method: "POST",
      template: `runs/{id}/${action}`,
      summary,
      params: z.object({ id: Name }),
      query: nothing,
      answers: Accepted,
      async handle({ params, header }) {
        const { run, registry } = await mustFindRun(params.id, ports);
        const asked = accept.request(header, action, run.id);
        return accept.word(registry.alias, { kind: `${action}-requested`, ...asked, run: run.id });
      },
    });
  return [
    ofRun("cancel", "Cancel a run: at once while it is planned, otherwise ACR is asked to"),
    ofRun("retry", "Build once more what an ended run was for, at the present head of its ref"),
  ];
}

export async function viewRun(found: FoundRun, ports: HistoryPorts): Promise<RunView> {
  const { run } = found;
  return {
    id: run.id,
    status: run.status,
    image: run.image,
    repository: `${run.loginServer}/${run.repository}`,
    registry: run.registry,
    source: run.source,
    ref: run.ref,
    commit: run.commit,
    ...(run.owner ? { owner: run.owner } : {}),
    why: run.reasons.map(describeReason),
    reasons: run.reasons,
    cause: await causeChain(run, ports),
    waves: run.waves,
    ...(run.hold ? { hold: run.hold } : {}),
    holds: run.holds ?? [],
    times: run.times,
    ...(run.ended ? { ended: run.ended } : {}),
    ...(run.notes ? { notes: run.notes } : {}),
    ...(run.supersededBy ? { supersededBy: run.supersededBy } : {}),
    ...(run.digest ? { digest: run.digest } : {}),
    tags: run.tags ?? [],
    bases: run.bases ?? {},
    attempts: (await attemptsOf(found, ports)).map(viewAttempt),
    log: { available: run.log !== undefined || run.acrRunId !== undefined },
  };
}

function viewAttempt(a: Attempt) {
  return {
    number: a.number,
    stage: a.stage,
    startedAt: a.startedAt,
    ...(a.acrRunId ? { acrRunId: a.acrRunId } : {}),
    ...(a.acrStatus ? { acrStatus: a.acrStatus } : {}),
    ...(a.endedAt ? { endedAt: a.endedAt, ended: a.ended } : {}),
  };
}

/** Deeper chains than this are cut; the last cause shown still names the run to ask for next. */
const chainMost = 50;

/** From what set this run off to the event at the root. */
async function causeChain(run: Run, ports: HistoryPorts): Promise<readonly Cause[]> {
  const chain: Cause[] = [run.cause];
  for (let cause = run.cause; cause.kind === "run" && chain.length < chainMost; ) {
    const before = await findRun(cause.id, ports);
    if (!before) break;
    cause = before.run.cause;
    chain.push(cause);
  }
  return chain;
}
