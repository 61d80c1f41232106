/** What several requests take and several answers show. The views are typed by these, so that OpenAPI cannot say anything else. */
import { z } from "zod";
import { registryEventSenders, skipReasons } from "../core/plan/reason.ts";
import { acrStatuses } from "../core/run/acr-run.ts";

export const nothing = z.object({});
export const Name = z.string().min(1).max(200);
const fullRef = "a full ref, such as refs/heads/main";
export const FullRef = z
  .string()
  .regex(/^refs\/(heads|tags)\/.+/, fullRef)
  .max(255)
  .describe(fullRef);
export const paging = {
  limit: z.coerce.number().int().min(1).max(100).default(20).describe("how many at most, 1 to 100"),
  after: z.string().max(4000).optional().describe("the `next` of the page before"),
};

const id = z.string();
export const Moment = z.string().describe("ISO 8601, UTC");
const at = Moment;
export const Digest = z.string().describe("sha256:…");
export const Status = z.enum(["Planned", "Preparing", "Scheduling", ...acrStatuses, "Skipped", "Superseded"]);

/** What a request is answered that is decided by the next pass. */
export const Accepted = z.object({ id, decision: z.string().describe("where to ask what came of it") });

export const SourceView = z.object({ provider: z.literal("github"), id: z.number(), fullName: z.string() });
export const CauseView = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("delivery"), id, event: z.string(), at, by: z.string().optional() }),
  z.object({ kind: z.literal("sweep"), id, at }),
  z.object({
    kind: z.literal("registry-event"),
    id,
    sender: z.enum(registryEventSenders),
    reference: z.string(),
    at,
  }),
  z.object({ kind: z.literal("request"), id, action: z.string(), at }),
  z.object({ kind: z.literal("run"), id }),
]);
export const HoldView = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("base"), runs: z.array(id).readonly() }),
  z.object({ kind: z.literal("track-busy"), run: id }),
  z.object({ kind: z.literal("base-unknown"), reference: z.string(), why: z.string() }),
  z.object({ kind: z.literal("canary"), wave: id, run: id, image: z.string() }),
  z.object({ kind: z.literal("wave-stopped"), wave: id, why: z.string() }),
  z.object({ kind: z.literal("paused"), scope: z.enum(["registry", "image"]), why: z.string() }),
  z.object({ kind: z.literal("frozen"), until: at, why: z.string() }),
]);
export const ReasonView = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("first-build") }),
  z.object({ kind: z.literal("commit"), from: z.string(), to: z.string(), paths: z.array(z.string()).readonly() }),
  z.object({
    kind: z.literal("definition"),
    changes: z.array(z.object({ key: z.string(), from: z.string(), to: z.string() })).readonly(),
  }),
  z.object({
    kind: z.literal("base"),
    reference: z.string(),
    from: Digest.optional(),
    to: Digest.optional().describe("absent until the base's own run has ended"),
    run: id.optional(),
  }),
  z.object({ kind: z.literal("request"), action: z.enum(["retry", "rebuild"]), id, of: id.optional() }),
]);
export const SkippedView = z.object({
  reason: z.enum(skipReasons),
  count: z.number().describe("of images"),
  images: z.array(z.string()).readonly().describe("the first 50"),
  message: z.string().optional(),
});
export const BaseOf = z.object({
  reference: z.string(),
  class: z.enum(["runtime", "buildtime", "frontend"]),
  pinned: z.boolean(),
  tag: z.string().optional().describe("of a pinned one that was written with a tag too"),
});
/** Reference → digest; null where none could be found. */
export const DigestsOf = z.record(z.string(), z.string().nullable()).readonly();
