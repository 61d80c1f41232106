import { isHeader, isHttpUrl } from "../../delivery/receiver.ts";
import {
  type EventType,
  eventTypes,
  type Schema,
  type StorageQueueDestination,
  type SubscriptionSettings,
  schemas,
  type WebHookDestination,
} from "../../event-grid/subscription.ts";
import { badRequest } from "./arm-error.ts";
import { JsonFields } from "./json-fields.ts";

/** Settings that would change what is delivered: to drop them in silence would be a lie. */
const notEmulated = {
  properties: ["deadLetterDestination", "deadLetterWithResourceIdentity", "deliveryWithResourceIdentity"],
  filter: ["advancedFilters"],
};

const mostHeaders = 10;
const longestHeader = 4096;

/** Reads the body of a PUT. Unknown properties, among them `expirationTimeUtc`, are dropped. */
export function readSubscription(body: unknown): SubscriptionSettings {
  const properties = new JsonFields(body, "eventSubscription").fields("properties");
  refuseAny(properties, notEmulated.properties);
  const filter = properties.optionalFields("filter") ?? new JsonFields({}, "filter");
  refuseAny(filter, notEmulated.filter);
  const retry = properties.optionalFields("retryPolicy") ?? new JsonFields({}, "retryPolicy");
  return {
    destination: readDestination(properties.fields("destination")),
    filter: {
      subjectBeginsWith: filter.optionalText("subjectBeginsWith") ?? "",
      subjectEndsWith: filter.optionalText("subjectEndsWith") ?? "",
      isSubjectCaseSensitive: filter.flag("isSubjectCaseSensitive", false),
      includedEventTypes: readEventTypes(filter.texts("includedEventTypes")),
    },
    labels: properties.keys().includes("labels") ? properties.texts("labels") : null,
    eventDeliverySchema: oneOf(properties.optionalText("eventDeliverySchema") ?? "EventGridSchema", schemas),
    retryPolicy: {
      maxDeliveryAttempts: wholeNumber(retry, "maxDeliveryAttempts", 1, 30) ?? 30,
      eventTimeToLiveInMinutes: wholeNumber(retry, "eventTimeToLiveInMinutes", 1, 1440) ?? 1440,
    },
  };
}

function readDestination(destination: JsonFields): WebHookDestination | StorageQueueDestination {
  const type = oneOf(destination.text("endpointType"), ["WebHook", "StorageQueue"] as const);
  const properties = destination.fields("properties");
  if (type === "StorageQueue") {
    const timeToLive = properties.optionalNumber("queueMessageTimeToLiveInSeconds");
    return {
      endpointType: type,
      resourceId: properties.text("resourceId"),
      queueName: properties.text("queueName"),
      ...(timeToLive !== undefined && { queueMessageTimeToLiveInSeconds: timeToLive }),
    };
  }
  const endpointUrl = properties.text("endpointUrl");
  if (!isHttpUrl(endpointUrl)) throw badRequest("The endpointUrl is not a URL.");
  return {
    endpointType: type,
    endpointUrl,
    maxEventsPerBatch: wholeNumber(properties, "maxEventsPerBatch", 1, 5000) ?? 1,
    preferredBatchSizeInKilobytes: wholeNumber(properties, "preferredBatchSizeInKilobytes", 1, 1024) ?? 64,
    headers: readHeaders(properties),
  };
}

/** https://learn.microsoft.com/azure/event-grid/delivery-properties */
function readHeaders(properties: JsonFields): WebHookDestination["headers"] {
  const mappings = properties.list("deliveryAttributeMappings");
  if (mappings.length > mostHeaders) throw badRequest(`There can be ${mostHeaders} delivery attributes at most.`);
  return mappings.map((mapping) => {
    if (mapping.text("type") !== "Static") throw badRequest("The local twin emulates Static delivery attributes only.");
    const given = mapping.fields("properties");
    const header = { name: mapping.text("name"), value: given.text("value"), isSecret: given.flag("isSecret", false) };
    if (header.value.length > longestHeader || !isHeader(header.name, header.value))
      throw badRequest(`The delivery attribute '${header.name}' cannot be sent as a header.`);
    return header;
  });
}

function readEventTypes(given: readonly string[]): readonly EventType[] {
  return given.length === 0 ? eventTypes : given.map((type) => oneOf(type, eventTypes));
}

function oneOf<T extends EventType | Schema | string>(given: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one.toLowerCase() === given.toLowerCase());
  if (!found)
    throw badRequest(`'${given}' is not one of ${allowed.join(", ")}, which is what the local twin emulates.`);
  return found;
}

function wholeNumber(fields: JsonFields, key: string, least: number, most: number): number | undefined {
  const given = fields.optionalNumber(key);
  if (given !== undefined && !(Number.isInteger(given) && given >= least && given <= most))
    throw badRequest(`The value of '${key}' must be a whole number from ${least} to ${most}.`);
  return given;
}

function refuseAny(fields: JsonFields, keys: readonly string[]): void {
  for (const key of keys)
    if (isSet(fields.json()[key]))
      throw badRequest(`The local twin does not emulate '${key}' of an event subscription.`);
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0);
}
