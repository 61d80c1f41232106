import { QueueServiceClient } from "@azure/storage-queue";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type RunningAzurite, startAzurite } from "../../../local/azurite.ts";
import { Clock } from "../../../local/clock.ts";
import { type RegistryEvent, registryEvent } from "../../../local/registry/registry-event.ts";
import { type AcrWorld, startAcrWorld } from "../../support/acr-world.ts";
import { rawArm } from "../acr/arm/raw-arm.ts";
import { consenting, startReceiver } from "./receiver.ts";

let azurite: RunningAzurite;
let world: AcrWorld;
const listeners = new Set<(event: RegistryEvent) => void>();

beforeAll(async () => {
  azurite = await startAzurite();
  const onEvent = (listener: (event: RegistryEvent) => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  world = await startAcrWorld(azurite.connectionString, { registryEvents: { onEvent }, clock: new Clock(1000) });
});
afterAll(async () => {
  await world?.close();
  await azurite?.stop();
});

const version = "?api-version=2022-06-15";
const idOf = (name: string) => `${world.acr.resourceId}/providers/Microsoft.EventGrid/eventSubscriptions/${name}`;
const arm = (method: string, path: string, body?: object) => rawArm(world, method, `${path}${version}`, body);

function put(name: string, destination: object, more: object = {}) {
  return arm("PUT", idOf(name), { properties: { destination, ...more } });
}

const webHook = (endpointUrl: string, more: object = {}) => ({
  endpointType: "WebHook",
  properties: { endpointUrl, ...more },
});

async function operationEnds(answer: { headers: NodeJS.Dict<string | string[]> }) {
  const url = String(answer.headers["azure-asyncoperation"]);
  return await vi.waitFor(
    async () => {
      const { body } = await rawArm(world, "GET", url);
      if (body.status === "InProgress") throw new Error("still in progress");
      return body;
    },
    { timeout: 60_000 },
  );
}

function push(repository: string, tag: string): RegistryEvent {
  const change = { action: "push", repository, tag, digest: "sha256:0", mediaType: "m", size: 1 } as const;
  const event = registryEvent({ ...change, origin: { useragent: "test" } }, world.acr.loginServer, new Date());
  for (const listener of listeners) listener(event);
  return event;
}

describe("a subscription to a registry's events", () => {
  test("is made in the recorded steps and shape, hides its secrets, and gets what is pushed", async () => {
    const receiver = await startReceiver(consenting);
    const secret = { name: "X-Key", type: "Static", properties: { value: "s3cret", isSecret: true } };
    const shown = { name: "X-Who", type: "Static", properties: { value: "me", isSecret: false } };
    const destination = webHook(`${receiver.url}?code=s3cret`, { deliveryAttributeMappings: [secret, shown] });
    const made = await put("Builds", destination, { filter: { subjectBeginsWith: "team/" } });
    expect([made.status, made.body.properties.provisioningState]).toEqual([201, "Creating"]);
    expect(await operationEnds(made)).toMatchObject({ status: "Succeeded" });
    const got = await arm("GET", idOf("builds"));
    expect(got.body).toEqual({
      properties: {
        topic: world.acr.resourceId,
        provisioningState: "Succeeded",
        destination: {
          properties: {
            endpointUrl: null,
            endpointBaseUrl: receiver.url,
            maxEventsPerBatch: 1,
            preferredBatchSizeInKilobytes: 64,
            deliveryAttributeMappings: [
              { properties: { value: "Hidden", isSecret: true }, name: "X-Key", type: "Static" },
              { properties: { value: "me", isSecret: false }, name: "X-Who", type: "Static" },
            ],
          },
          endpointType: "WebHook",
        },
        filter: {
          subjectBeginsWith: "team/",
          subjectEndsWith: "",
          includedEventTypes: [
            "Microsoft.ContainerRegistry.ImagePushed",
            "Microsoft.ContainerRegistry.ImageDeleted",
            "Microsoft.ContainerRegistry.ChartPushed",
            "Microsoft.ContainerRegistry.ChartDeleted",
          ],
        },
        labels: null,
        eventDeliverySchema: "EventGridSchema",
        retryPolicy: { maxDeliveryAttempts: 30, eventTimeToLiveInMinutes: 1440 },
      },
      systemData: null,
      id: idOf("Builds"),
      name: "Builds",
      type: "Microsoft.EventGrid/eventSubscriptions",
    });
    push("other/app", "v1");
    const event = push("team/app", "v1");
    await world.acr.eventGrid.settled();
    expect(receiver.bodies<{ data: object }[]>().map(([one]) => one?.data)).toEqual([
      { ...event, location: "westeurope" },
    ]);
    expect(receiver.received.at(-1)).toMatchObject({ path: "/hook?code=s3cret", headers: { "x-key": "s3cret" } });
    expect(world.acr.ledger().at(-1)).toMatchObject({ kind: "event-sent", subscription: "Builds", ids: [event.id] });

    const list = await arm("GET", `${world.acr.resourceId}/providers/microsoft.eventgrid/eventsubscriptions`);
    expect(list.body.value.map(({ name }) => name)).toEqual(["Builds"]);
    const removed = await arm("DELETE", idOf("builds"));
    expect([removed.status, (await operationEnds(removed)).status]).toEqual([202, "Succeeded"]);
    expect((await arm("DELETE", idOf("builds"))).status).toBe(204);
    expect((await arm("GET", idOf("builds"))).status).toBe(404);
  });

  test("whose receiver does not consent fails, and says why", async () => {
    const receiver = await startReceiver(() => ({ status: 405 }));
    const made = await put("refused", webHook(receiver.url), { eventDeliverySchema: "CloudEventSchemaV1_0" });
    const ended = await operationEnds(made);
    expect(ended).toMatchObject({ status: "Failed", error: { code: "Url validation" } });
    expect((await arm("GET", idOf("refused"))).body.properties.provisioningState).toBe("Failed");
    await arm("DELETE", idOf("refused"));
  });

  test("can be confirmed through the validation URL, without a token", async () => {
    const receiver = await startReceiver();
    const made = await put("manual", webHook(receiver.url));
    await receiver.until(1);
    const [validation] = JSON.parse(receiver.received[0]!.text);
    expect(validation.data.validationUrl).toMatch(
      /^https:\/\/127\.0\.0\.1:\d+\/eventsubscriptions\/manual\/validate\?id=/,
    );
    expect(await visit(validation.data.validationUrl)).toBe(200);
    expect((await operationEnds(made)).status).toBe("Succeeded");
    expect(await visit(`${world.acr.url}/eventsubscriptions/manual/validate?id=guess`)).toBe(404);
    await arm("DELETE", idOf("manual"));
  });

  test.each([
    ["a name that is too short", "ab", webHook("http://127.0.0.1:1/"), {}],
    ["no address", "builds", { endpointType: "WebHook", properties: {} }, {}],
    ["an address that is none", "builds", webHook("nowhere"), {}],
    ["an unknown kind of destination", "builds", { endpointType: "EventHub", properties: {} }, {}],
    [
      "an unknown event type",
      "builds",
      webHook("http://127.0.0.1:1/"),
      { filter: { includedEventTypes: ["ImagePushed"] } },
    ],
    ["advanced filters", "builds", webHook("http://127.0.0.1:1/"), { filter: { advancedFilters: [{}] } }],
    ["a dead-letter container", "builds", webHook("http://127.0.0.1:1/"), { deadLetterDestination: {} }],
    ["an unknown schema", "builds", webHook("http://127.0.0.1:1/"), { eventDeliverySchema: "CustomInputSchema" }],
    ["no attempts", "builds", webHook("http://127.0.0.1:1/"), { retryPolicy: { maxDeliveryAttempts: 0 } }],
    ["a batch too large", "builds", webHook("http://127.0.0.1:1/", { maxEventsPerBatch: 5001 }), {}],
    [
      "a header with a line end",
      "builds",
      webHook("http://127.0.0.1:1/", {
        deliveryAttributeMappings: [{ name: "a", type: "Static", properties: { value: "b\nc" } }],
      }),
      {},
    ],
  ])("is refused with %s", async (_, name, destination, more) => {
    const answer = await put(name, destination, more);
    expect([answer.status, answer.body.error.code]).toEqual([400, "InvalidRequestContent"]);
    expect(world.acr.eventGrid.list(world.acr.resourceId)).toEqual([]);
  });
});

test("a storage queue gets each event as one Base64 message, in the subscription's schema, once it exists", async () => {
  const queue = QueueServiceClient.fromConnectionString(azurite.connectionString).getQueueClient("registry-events");
  const resourceId = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/any";
  const properties = { resourceId, queueName: "registry-events", queueMessageTimeToLiveInSeconds: 300 };
  const made = await put(
    "queued",
    { endpointType: "StorageQueue", properties },
    { eventDeliverySchema: "CloudEventSchemaV1_0" },
  );
  expect((await operationEnds(made)).status).toBe("Succeeded");
  expect((await arm("GET", idOf("queued"))).body).toMatchObject({
    properties: { destination: { endpointType: "StorageQueue", properties } },
  });
  const event = push("team/app", "v1");
  await world.acr.eventGrid.settled();
  expect(world.acr.eventGrid.pending(world.acr.resourceId, "queued")).toMatchObject([
    { event: { subject: "team/app:v1" } },
  ]);
  await queue.create();
  const message = await vi.waitFor(
    async () => {
      const { receivedMessageItems } = await queue.receiveMessages();
      if (receivedMessageItems.length === 0) throw new Error("no message yet");
      return receivedMessageItems[0]!;
    },
    { timeout: 60_000, interval: 50 },
  );
  expect(JSON.parse(Buffer.from(message.messageText, "base64").toString())).toMatchObject({
    id: event.id,
    specversion: "1.0",
  });
  expect(message.expiresOn.getTime() - message.insertedOn.getTime()).toBe(300_000);
  await arm("DELETE", idOf("queued"));
});

test("a registry that is made anew has no subscriptions", async () => {
  const receiver = await startReceiver(consenting);
  await operationEnds(await put("builds", webHook(receiver.url)));
  await world.acr.recreateRegistry();
  expect(world.acr.eventGrid.list(world.acr.resourceId)).toEqual([]);
  push("team/app", "v1");
  await world.acr.eventGrid.settled();
  expect(receiver.bodies()).toEqual([]);
  await operationEnds(await put("builds", webHook(receiver.url)));
  push("team/app", "v2");
  await world.acr.eventGrid.settled();
  expect(receiver.bodies().length).toBe(1);
});

/** As a browser would: no token. */
async function visit(url: string): Promise<number> {
  const { request } = await import("node:https");
  return await new Promise((resolve, reject) => {
    const call = request(url, { ca: world.certificate.cert }, (answer) => resolve(answer.resume().statusCode!));
    call.once("error", reject).end();
  });
}
