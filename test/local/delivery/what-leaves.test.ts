/** One push and one delete, and what each sender of the twin makes of them: the shapes of acr-tasks.md §6 and events-and-github.md §5.2. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { QueueServiceClient } from "@azure/storage-queue";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type RunningAzurite, startAzurite } from "../../../local/azurite.ts";
import type { Schema, Subscription } from "../../../local/event-grid/subscription.ts";
import { type LocalRegistry, startRegistry } from "../../../local/registry/registry.ts";
import type { RegistryEvent } from "../../../local/registry/registry-event.ts";
import { type AcrWorld, registryName, startAcrWorld } from "../../support/acr-world.ts";
import { consenting, type Received, startReceiver } from "../event-grid/receiver.ts";
import { ociManifest, pushImage } from "../registry/support.ts";

const location = "westeurope";
let azurite: RunningAzurite;
let registry: LocalRegistry;
let world: AcrWorld;
let dir: string;

beforeAll(async () => {
  azurite = await startAzurite();
  dir = await mkdtemp(join(tmpdir(), "slipway-leaves-"));
  registry = await startRegistry({ dir: join(dir, "registry") });
  const { loginServer, store } = registry;
  world = await startAcrWorld(azurite.connectionString, { loginServer, store, registryEvents: registry });
});
afterAll(async () => {
  await world?.close();
  await registry?.close();
  await azurite?.stop();
  await rm(dir, { recursive: true, force: true });
});

async function subscribe(name: string, eventDeliverySchema: Schema, destination: Subscription["destination"]) {
  const { acr } = world;
  acr.eventGrid.put(acr.resourceId, name, {
    destination,
    filter: {
      subjectBeginsWith: "",
      subjectEndsWith: "",
      isSubjectCaseSensitive: false,
      includedEventTypes: ["Microsoft.ContainerRegistry.ImagePushed", "Microsoft.ContainerRegistry.ImageDeleted"],
    },
    labels: null,
    eventDeliverySchema,
    retryPolicy: { maxDeliveryAttempts: 30, eventTimeToLiveInMinutes: 1440 },
  });
  await acr.eventGrid.settled();
}

const webHook = (endpointUrl: string) =>
  ({
    endpointType: "WebHook",
    endpointUrl,
    maxEventsPerBatch: 1,
    preferredBatchSizeInKilobytes: 64,
    headers: [],
  }) as const;

test("a push and a delete are told in the recorded shapes, and all senders tell the same", async () => {
  const { acr, client } = world;
  const [webhook, grid, cloud] = [
    await startReceiver(),
    await startReceiver(consenting),
    await startReceiver(consenting),
  ];
  const queue = QueueServiceClient.fromConnectionString(azurite.connectionString).getQueueClient("told");
  await queue.create();
  await client.webhooks.beginCreateAndWait(acr.resourceGroup, registryName, "builds", {
    location,
    serviceUri: webhook.url,
    actions: ["push", "delete"],
  });
  await subscribe("grid", "EventGridSchema", webHook(grid.url));
  await subscribe("cloud", "CloudEventSchemaV1_0", webHook(cloud.url));
  await subscribe("queue", "EventGridSchema", { endpointType: "StorageQueue", resourceId: "/any", queueName: "told" });

  const { digest, text } = await pushImage(registry.url, "team/base", "3.1");
  const remove = (reference: string) =>
    fetch(`${registry.url}/v2/team/base/manifests/${reference}`, { method: "DELETE" });
  // Untagging is told by nobody.
  await remove("3.1");
  await remove(digest);
  await acr.webhooks().settled();
  await acr.eventGrid.settled();

  const request = { id: expect.any(String), host: registry.loginServer, useragent: expect.any(String) };
  const common = {
    id: expect.any(String),
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$/),
  };
  const bodies = webhook.bodies<RegistryEvent>();
  const size = Buffer.byteLength(text);
  expect(bodies).toStrictEqual([
    {
      ...common,
      action: "push",
      target: { mediaType: ociManifest, size, digest, length: size, repository: "team/base", tag: "3.1" },
      request: { ...request, method: "PUT" },
    },
    {
      ...common,
      action: "delete",
      target: { mediaType: ociManifest, digest, repository: "team/base" },
      request: { ...request, method: "DELETE" },
    },
  ]);
  const said = (delivery: Received) => [
    delivery.method,
    delivery.headers["content-type"],
    delivery.headers["aeg-event-type"],
  ];
  expect(webhook.received.map(said)).toEqual(Array(2).fill(["POST", "application/json; charset=utf-8", undefined]));

  const told = [
    { eventType: "Microsoft.ContainerRegistry.ImagePushed", subject: "team/base:3.1" },
    { eventType: "Microsoft.ContainerRegistry.ImageDeleted", subject: "team/base" },
  ].map((each, n) => ({ ...each, data: { ...bodies[n]!, location } }));
  const gridEvents = told.map(({ eventType, subject, data }) => ({
    id: data.id,
    topic: acr.resourceId,
    subject,
    eventType,
    eventTime: data.timestamp,
    data,
    dataVersion: "1.0",
    metadataVersion: "1",
  }));
  expect(grid.bodies()).toStrictEqual(gridEvents.map((event) => [event]));
  expect(grid.received.slice(1).map(said)).toEqual(
    Array(2).fill(["POST", "application/json; charset=utf-8", "Notification"]),
  );
  expect(cloud.bodies()).toStrictEqual(
    told.map(({ eventType, subject, data }) => ({
      specversion: "1.0",
      id: data.id,
      type: eventType,
      source: acr.resourceId,
      subject,
      time: data.timestamp,
      data,
    })),
  );
  expect(cloud.received.slice(1).map(said)).toEqual(
    Array(2).fill(["POST", "application/cloudevents+json; charset=utf-8", "Notification"]),
  );
  const messages = await vi.waitFor(
    async () => {
      const { peekedMessageItems } = await queue.peekMessages({ numberOfMessages: 32 });
      if (peekedMessageItems.length < 2) throw new Error("not all are there yet");
      return peekedMessageItems.map(({ messageText }) => JSON.parse(Buffer.from(messageText, "base64").toString()));
    },
    { timeout: 60_000 },
  );
  expect(messages).toStrictEqual(gridEvents);
});

test("before any of it: a validation event in Event Grid's schema, OPTIONS in CloudEvents', and ACR's ping on request", async () => {
  const { acr, client } = world;
  const [webhook, grid, cloud] = [
    await startReceiver(),
    await startReceiver(consenting),
    await startReceiver(consenting),
  ];
  await subscribe("first", "EventGridSchema", webHook(grid.url));
  await subscribe("second", "CloudEventSchemaV1_0", webHook(cloud.url));
  const pinged = { location, serviceUri: webhook.url, actions: ["push"] };
  await client.webhooks.beginCreateAndWait(acr.resourceGroup, registryName, "pinged", pinged);
  const { id } = await client.webhooks.ping(acr.resourceGroup, registryName, "pinged");
  await acr.webhooks().settled();

  const [validation] = grid.received;
  expect(validation!.headers["aeg-event-type"]).toBe("SubscriptionValidation");
  expect(JSON.parse(validation!.text)).toMatchObject([
    {
      topic: acr.resourceId,
      eventType: "Microsoft.EventGrid.SubscriptionValidationEvent",
      data: { validationCode: expect.any(String), validationUrl: expect.stringMatching(/^https:/) },
    },
  ]);
  expect(cloud.received[0]).toMatchObject({
    method: "OPTIONS",
    headers: {
      "webhook-request-origin": "eventgrid.azure.net",
      "webhook-request-callback": expect.stringMatching(/^https:/),
      "webhook-request-rate": expect.any(String),
    },
  });
  expect(webhook.bodies()).toStrictEqual([{ id, timestamp: expect.any(String), action: "ping" }]);
});
