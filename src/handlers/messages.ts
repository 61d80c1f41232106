/** What travels through the queues: ids and small facts, never payloads. Each is parsed where it is received. */

import { z } from "zod";
import { registryEventSenders } from "../core/plan/reason.ts";

/** Carried by a message that is being tried again. */
const retry = { tries: z.number().optional(), since: z.string().optional() };

const Sha = z.string().regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/);

/** Something may have happened: `events` → resolve-event. */
export const EventMessage = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("ref-moved"),
    /** The delivery's GUID, or the sweep's own id. */
    eventId: z.string(),
    origin: z.enum(["delivery", "sweep"]),
    receivedAt: z.string(),
    sourceId: z.number(),
    fullName: z.string(),
    ref: z.string(),
    before: Sha.optional(),
    after: Sha.optional(),
    deleted: z.boolean(),
    changedPaths: z.array(z.string()).optional(),
    by: z.string().optional(),
    /** `after` is a tag object, as the sweep found it listed. */
    annotatedTag: z.boolean().optional(),
    /** How often GitHub was found to lag behind this event. */
    lagged: z.number().optional(),
    ...retry,
  }),
  z.object({
    kind: z.literal("tag-moved"),
    /** The sender's id of the event, made unique by sender; or the timer's own. */
    eventId: z.string(),
    sender: z.enum(registryEventSenders),
    receivedAt: z.string(),
    /** Canonical. */
    reference: z.string(),
    /** What the sender says is behind it: a hint, for people. */
    hint: z.string().optional(),
    ...retry,
  }),
]);
export type EventMessage = z.infer<typeof EventMessage>;
export type RefMoved = Extract<EventMessage, { kind: "ref-moved" }>;
export type TagMoved = Extract<EventMessage, { kind: "tag-moved" }>;

/** `registries` → reconcile-registry. */
export const Nudge = z.object({ registry: z.string(), nudge: z.string().optional(), ...retry });
export type Nudge = z.infer<typeof Nudge>;

/** `run-work` → run-work. */
export const RunWork = z.object({
  kind: z.enum(["prepare", "collect"]),
  registry: z.string(),
  run: z.string(),
  runAttempt: z.number(),
  ...retry,
});
export type RunWork = z.infer<typeof RunWork>;

/** `reports` → report-run. */
export const Report = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("run"), registry: z.string(), run: z.string(), ...retry }),
  /** Something GitHub has to be told that is not a run: a bad slipway.yaml, an image that was refused. */
  z.object({ kind: z.literal("note"), note: z.string(), ...retry }),
]);
export type Report = z.infer<typeof Report>;
