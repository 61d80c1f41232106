import { randomUUID } from "node:crypto";
import type { Answer, Sending } from "../delivery/send.ts";
import type { Subscription } from "./subscription.ts";

/** Whom a receiver is asked to allow. */
const origin = "eventgrid.azure.net";

export type Verdict =
  | { readonly kind: "validated" }
  /** The receiver took the request without consent; whoever holds the validation URL may still give it. */
  | { readonly kind: "awaits-url" }
  | { readonly kind: "refused"; readonly message: string };

export type Handshake = Omit<Sending, "url" | "timeoutMs"> & { readonly judge: (answer: Answer) => Verdict };

/** What is asked of a webhook before anything is delivered: https://learn.microsoft.com/azure/event-grid/webhook-event-delivery */
export function handshakeFor(
  subscription: Subscription,
  endpointUrl: string,
  validationUrl: string,
  now: Date,
): Handshake {
  return subscription.eventDeliverySchema === "CloudEventSchemaV1_0"
    ? cloudEventsHandshake(endpointUrl, validationUrl)
    : validationEvent(subscription, endpointUrl, validationUrl, now);
}

function validationEvent(subscription: Subscription, endpointUrl: string, validationUrl: string, now: Date): Handshake {
  const { validationCode } = subscription;
  const event = {
    id: randomUUID(),
    topic: subscription.topic,
    subject: "",
    data: { validationCode, validationUrl },
    eventType: "Microsoft.EventGrid.SubscriptionValidationEvent",
    eventTime: now.toISOString().replace("Z", "0000Z"),
    metadataVersion: "1",
    dataVersion: "2",
  };
  return {
    method: "POST",
    headers: deliveryHeaders(subscription, "SubscriptionValidation", 0),
    body: JSON.stringify([event]),
    judge: (answer) => {
      // 202 is not enough, unlike for a delivery.
      if (answer.kind !== "answered" || answer.status !== 200) return refused(endpointUrl, answer);
      return validationResponse(answer.body) === validationCode ? { kind: "validated" } : { kind: "awaits-url" };
    },
  };
}

/** https://github.com/cloudevents/spec/blob/v1.0/http-webhook.md#4-abuse-protection */
function cloudEventsHandshake(endpointUrl: string, validationUrl: string): Handshake {
  return {
    method: "OPTIONS",
    headers: {
      "WebHook-Request-Origin": origin,
      "WebHook-Request-Callback": validationUrl,
      "WebHook-Request-Rate": "120",
      "Content-Length": "0",
    },
    body: "",
    judge: (answer) => {
      if (answer.kind !== "answered" || answer.status < 200 || answer.status > 299) return refused(endpointUrl, answer);
      const allowed = answer.headers["webhook-allowed-origin"]?.trim();
      return allowed === "*" || allowed === origin ? { kind: "validated" } : { kind: "awaits-url" };
    },
  };
}

/** Azure writes the subscription's name in capitals here, so nobody can rely on its case. */
export function deliveryHeaders(
  { name, eventDeliverySchema, destination }: Subscription,
  eventType: "SubscriptionValidation" | "Notification",
  deliveryCount: number,
): Record<string, string> {
  const cloudEvents = eventDeliverySchema === "CloudEventSchemaV1_0";
  const webHook = destination.endpointType === "WebHook" ? destination : undefined;
  const batched = (webHook?.maxEventsPerBatch ?? 1) > 1;
  const type = cloudEvents ? `application/cloudevents${batched ? "-batch" : ""}+json` : "application/json";
  return {
    ...Object.fromEntries((webHook?.headers ?? []).map((header) => [header.name, header.value])),
    "Content-Type": `${type}; charset=utf-8`,
    "aeg-event-type": eventType,
    "aeg-subscription-name": name.toUpperCase(),
    "aeg-delivery-count": String(deliveryCount),
    "aeg-metadata-version": cloudEvents ? "1.0" : "1",
    ...(cloudEvents ? { Origin: origin } : { "aeg-data-version": eventType === "Notification" ? "1.0" : "2" }),
  };
}

function validationResponse(body: string): unknown {
  try {
    return (JSON.parse(body) as { validationResponse?: unknown } | null)?.validationResponse;
  } catch {
    return undefined;
  }
}

function refused(endpointUrl: string, answer: Answer): Verdict {
  const how = {
    answered: answer.kind === "answered" ? `returned ${answer.status}` : "",
    "timed-out": "was not answered in time",
    failed: answer.kind === "failed" ? `failed: ${answer.message}` : "",
    elsewhere: "was not sent: the local twin sends to 127.0.0.1 and localhost only",
  }[answer.kind];
  return { kind: "refused", message: `Webhook validation handshake failed for ${endpointUrl}. The request ${how}.` };
}
