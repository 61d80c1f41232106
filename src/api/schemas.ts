/** What several answers show, for OpenAPI; the views that make them are typed by these. */
import { z } from "zod";
import { holdKinds, skipReasons } from "../core/plan/reason.ts";

export const CauseView = z.looseObject({
  kind: z.enum(["delivery", "sweep", "registry-event", "request", "run"]),
  id: z.string(),
});
export const HoldView = z.looseObject({ kind: z.enum(holdKinds) });
export const ReasonView = z.looseObject({ kind: z.enum(["first-build", "commit", "definition", "base", "request"]) });
export const SkippedView = z.object({
  reason: z.enum(skipReasons),
  count: z.number(),
  images: z.array(z.string()).readonly().describe("the first 50"),
  message: z.string().optional(),
});
