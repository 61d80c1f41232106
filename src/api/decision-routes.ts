/** What was decided about each event and request. */
import { z } from "zod";
import { skipReasons } from "../core/plan/reason.ts";
import { findDecision, type HistoryPorts, listDecisions } from "./history.ts";
import { answerJson, notFound } from "./problem.ts";
import { type Route, route } from "./route.ts";
import { CauseView, Moment, Name, nothing, paging, SkippedView, SourceView } from "./schemas.ts";

const DecisionView = z.object({
  id: z.string(),
  at: Moment,
  registry: z.string().optional().describe("absent: it concerns none"),
  cause: CauseView,
  source: SourceView.optional(),
  ref: z.string().optional(),
  commit: z.string().optional(),
  planned: z
    .array(z.object({ image: z.string(), run: z.string() }))
    .readonly()
    .describe("the first 50"),
  plannedCount: z.number(),
  skipped: z.array(SkippedView).readonly(),
  problems: z
    .array(z.object({ line: z.number(), column: z.number(), key: z.string(), message: z.string(), fix: z.string() }))
    .readonly()
    .optional()
    .describe("of slipway.yaml"),
  done: z.string().optional().describe("what was done besides planning"),
});

export function decisionRoutes(ports: HistoryPorts): readonly Route[] {
  return [
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
      answers: z.object({ decisions: z.array(DecisionView).readonly(), next: z.string().optional() }),
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
      answers: z.object({ decisions: z.array(DecisionView).readonly() }),
      async handle({ params }) {
        const decisions = await findDecision(params.id, ports);
        if (decisions.length === 0) throw notFound(`nothing is decided about ${params.id}, or not yet`);
        return answerJson({ decisions });
      },
    }),
  ];
}
