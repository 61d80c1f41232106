/** What registries and Event Grid send, as one internal event each. Bodies are hints: whoever resolves them asks the registry. */
import { z } from "zod";
import { formatReference, parseReference } from "../core/image/reference.ts";
import { canonicalHost } from "../core/image/registry-host.ts";
import type { EventSender } from "../core/plan/reason.ts";
import type { TagMoved } from "./messages.ts";

/** What an event says, in one of the ways a sender may be answered. */
export type ReadEvent =
  | { readonly kind: "moved"; readonly event: Omit<TagMoved, "receivedAt"> }
  | { readonly kind: "validation"; readonly code: string }
  | { readonly kind: "ignored"; readonly why: string };

const Text = z.string().max(1000);

/** https://learn.microsoft.com/azure/container-registry/container-registry-webhook-reference */
const AcrEvent = z.object({
  id: Text,
  action: Text,
  target: z.object({ repository: Text, tag: Text.nullish(), digest: Text.nullish() }).nullish(),
  request: z.object({ host: Text }).nullish(),
});
type AcrEvent = z.infer<typeof AcrEvent>;

const EventGridEvent = z.object({ id: Text, eventType: Text, data: z.unknown() });
/** https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md */
const CloudEvent = z.object({ specversion: z.literal("1.0"), id: Text, type: Text, data: z.unknown() });
const Validation = z.object({ validationCode: Text });

/** The body of an ACR webhook: one event. */
export function readAcrWebhook(body: unknown): ReadEvent {
  return readAcr(body, "acr-webhook", undefined);
}

/** An event of Event Grid's own schema; a request carries a list of them. https://learn.microsoft.com/azure/event-grid/event-schema */
export function readEventGridEvent(body: unknown): ReadEvent {
  const event = EventGridEvent.safeParse(body);
  if (!event.success) return { kind: "ignored", why: "not an event of Event Grid's schema" };
  const { id, eventType, data } = event.data;
  if (eventType === "Microsoft.EventGrid.SubscriptionValidationEvent") {
    const validation = Validation.safeParse(data);
    return validation.success
      ? { kind: "validation", code: validation.data.validationCode }
      : { kind: "ignored", why: "a validation event without a code" };
  }
  return readTyped("event-grid", id, eventType, data);
}

export function readCloudEvent(body: unknown): ReadEvent {
  const event = CloudEvent.safeParse(body);
  if (!event.success) return { kind: "ignored", why: "not a CloudEvent of version 1.0" };
  return readTyped("cloud-events", event.data.id, event.data.type, event.data.data);
}

function readTyped(sender: EventSender, id: string, type: string, data: unknown): ReadEvent {
  // Older senders leave the namespace out.
  if (!/^(Microsoft\.ContainerRegistry\.)?ImagePushed$/.test(type))
    return { kind: "ignored", why: "nothing was pushed" };
  return readAcr(data, sender, id);
}

function readAcr(body: unknown, sender: EventSender, outerId: string | undefined): ReadEvent {
  const parsed = AcrEvent.safeParse(body);
  if (!parsed.success) return { kind: "ignored", why: "not an event of a container registry" };
  const event: AcrEvent = parsed.data;
  if (event.action !== "push") return { kind: "ignored", why: "nothing was pushed" };
  // The parts of an image for several platforms are pushed by digest; the tag follows.
  const { target, request } = event;
  if (typeof target?.tag !== "string") return { kind: "ignored", why: "pushed without a tag" };
  if (!request) return { kind: "ignored", why: "it does not say which registry" };
  const { host } = request;
  const reference = parseReference(`${host}/${target.repository}:${target.tag}`);
  if (!reference.ok) return { kind: "ignored", why: reference.message };
  // Parts that only make sense together could name another registry, or a digest that never moves.
  if (reference.reference.registry !== canonicalHost(host) || reference.reference.tag !== target.tag)
    return { kind: "ignored", why: "its host, repository and tag are not each what they say" };
  const { digest } = target;
  return {
    kind: "moved",
    event: {
      kind: "tag-moved",
      eventId: `${sender}:${outerId ?? event.id}`.slice(0, 200),
      sender,
      reference: formatReference(reference.reference),
      ...(digest ? { hint: digest } : {}),
    },
  };
}
