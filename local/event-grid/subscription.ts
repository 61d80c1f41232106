import type { RegistryEvent } from "../registry/registry-event.ts";

/** What ACR tells Event Grid: https://learn.microsoft.com/azure/event-grid/event-schema-container-registry */
export const eventTypes = [
  "Microsoft.ContainerRegistry.ImagePushed",
  "Microsoft.ContainerRegistry.ImageDeleted",
  "Microsoft.ContainerRegistry.ChartPushed",
  "Microsoft.ContainerRegistry.ChartDeleted",
] as const;
export type EventType = (typeof eventTypes)[number];

export const schemas = ["EventGridSchema", "CloudEventSchemaV1_0"] as const;
export type Schema = (typeof schemas)[number];

export interface WebHookDestination {
  readonly endpointType: "WebHook";
  readonly endpointUrl: string;
  readonly maxEventsPerBatch: number;
  /** Shown, not followed: a batch ends at its number of events. */
  readonly preferredBatchSizeInKilobytes: number;
  readonly headers: readonly { readonly name: string; readonly value: string; readonly isSecret: boolean }[];
}

export interface StorageQueueDestination {
  readonly endpointType: "StorageQueue";
  readonly resourceId: string;
  readonly queueName: string;
  readonly queueMessageTimeToLiveInSeconds?: number;
}

/** What an owner of a subscription writes. */
export interface SubscriptionSettings {
  readonly destination: WebHookDestination | StorageQueueDestination;
  readonly filter: {
    readonly subjectBeginsWith: string;
    readonly subjectEndsWith: string;
    readonly isSubjectCaseSensitive: boolean;
    readonly includedEventTypes: readonly EventType[];
  };
  readonly labels: readonly string[] | null;
  readonly eventDeliverySchema: Schema;
  readonly retryPolicy: { readonly maxDeliveryAttempts: number; readonly eventTimeToLiveInMinutes: number };
}

/** `Updating` is `Creating` of one that was there before: events go on being collected for it meanwhile. */
export type ProvisioningState = "Creating" | "Updating" | "AwaitingManualAction" | "Succeeded" | "Failed";

export interface Subscription extends SubscriptionSettings {
  readonly name: string;
  /** The resource that is listened to, as it was written when subscribing. */
  readonly topic: string;
  readonly provisioningState: ProvisioningState;
  /** Of the ARM operation of the last PUT, and what the validation URL must bring along. */
  readonly operationId: string;
  readonly validationCode: string;
  /** Epoch milliseconds until when a visit to the validation URL is waited for. */
  readonly validUntil: number;
}

/** An event on its topic, before it is put into a subscription's schema. */
export interface TopicEvent {
  readonly topic: string;
  readonly subject: string;
  readonly eventType: EventType;
  readonly data: RegistryEvent & { readonly location: string };
}

export function topicEvent(topic: string, location: string, event: RegistryEvent): TopicEvent {
  const { repository, tag } = event.target;
  return {
    topic,
    // Seen in samples: `repo:tag` for a push, `repo` for a delete by digest. A push by digest is put like the latter.
    subject: tag === undefined ? repository : `${repository}:${tag}`,
    eventType: `Microsoft.ContainerRegistry.Image${event.action === "push" ? "Pushed" : "Deleted"}`,
    data: { ...event, location },
  };
}

export function matches({ filter }: Pick<Subscription, "filter">, event: TopicEvent): boolean {
  const as = (text: string) => (filter.isSubjectCaseSensitive ? text : text.toLowerCase());
  return (
    filter.includedEventTypes.includes(event.eventType) &&
    as(event.subject).startsWith(as(filter.subjectBeginsWith)) &&
    as(event.subject).endsWith(as(filter.subjectEndsWith))
  );
}

/** As it leaves: https://learn.microsoft.com/azure/event-grid/event-schema and …/cloud-event-schema */
export function inSchema(schema: Schema, { topic, subject, eventType, data }: TopicEvent) {
  const { id, timestamp } = data;
  if (schema === "CloudEventSchemaV1_0")
    return { id, source: topic, type: eventType, data, time: timestamp, specversion: "1.0", subject };
  return { id, topic, subject, eventType, data, dataVersion: "1.0", metadataVersion: "1", eventTime: timestamp };
}
