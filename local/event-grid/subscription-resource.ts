import type { ProvisioningState, Subscription } from "./subscription.ts";

/** As recorded: the address without its query, which may hold a secret, and secret headers as `Hidden`. */
export function subscriptionResource(
  subscription: Subscription,
  provisioningState: ProvisioningState = subscription.provisioningState,
) {
  const { topic, name, filter, labels, eventDeliverySchema, retryPolicy } = subscription;
  return {
    properties: {
      topic,
      provisioningState,
      destination: destinationBody(subscription),
      filter: {
        subjectBeginsWith: filter.subjectBeginsWith,
        subjectEndsWith: filter.subjectEndsWith,
        ...(filter.isSubjectCaseSensitive && { isSubjectCaseSensitive: true }),
        includedEventTypes: filter.includedEventTypes,
      },
      labels,
      eventDeliverySchema,
      retryPolicy,
    },
    systemData: null,
    id: `${topic}/providers/Microsoft.EventGrid/eventSubscriptions/${name}`,
    name,
    type: "Microsoft.EventGrid/eventSubscriptions",
  };
}

function destinationBody({ destination }: Subscription): object {
  if (destination.endpointType === "StorageQueue") {
    const { endpointType, ...properties } = destination;
    return { properties, endpointType };
  }
  const { endpointUrl, maxEventsPerBatch, preferredBatchSizeInKilobytes, headers, endpointType } = destination;
  const base = new URL(endpointUrl);
  return {
    properties: {
      endpointUrl: null,
      endpointBaseUrl: base.origin + base.pathname,
      maxEventsPerBatch,
      preferredBatchSizeInKilobytes,
      deliveryAttributeMappings: headers.map(({ name, value, isSecret }) => ({
        properties: { value: isSecret ? "Hidden" : value, isSecret },
        name,
        type: "Static",
      })),
    },
    endpointType,
  };
}
