import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import type { Schema, StorageQueueDestination, WebHookDestination } from "../../local/event-grid/subscription.ts";
import { useScenario } from "../support/scenario.ts";
import { pushBase, quickBaseUpdates } from "../support/scenario-base.ts";
import { until } from "../support/scenario-until.ts";

const scenario = useScenario({ platform: quickBaseUpdates });

async function subscribe(
  name: string,
  schema: Schema,
  destination: WebHookDestination | StorageQueueDestination,
): Promise<void> {
  const { eventGrid, acr } = scenario.twin;
  eventGrid.put(acr.resourceId, name, {
    destination,
    filter: {
      subjectBeginsWith: "vendor/",
      subjectEndsWith: "",
      isSubjectCaseSensitive: false,
      includedEventTypes: ["Microsoft.ContainerRegistry.ImagePushed"],
    },
    labels: null,
    eventDeliverySchema: schema,
    retryPolicy: { maxDeliveryAttempts: 30, eventTimeToLiveInMinutes: 1440 },
  });
  await until(
    `${name} has shaken hands`,
    () => eventGrid.get(acr.resourceId, name)?.provisioningState === "Succeeded",
    { orElse: () => `; it is ${eventGrid.get(acr.resourceId, name)?.provisioningState}` },
  );
}

function webHook(sender: string, headers: WebHookDestination["headers"] = []): WebHookDestination {
  const { registryEvents, registryEventsKey } = scenario.twin.endpoints;
  // Event Grid may send a header with each delivery; a handshake of CloudEvents knows only the URL.
  const endpointUrl = `${registryEvents}/${sender}?key=${registryEventsKey}`;
  return { endpointType: "WebHook", endpointUrl, maxEventsPerBatch: 1, preferredBatchSizeInKilobytes: 64, headers };
}

const queue: StorageQueueDestination = {
  endpointType: "StorageQueue",
  resourceId: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/local",
  queueName: "registry-events",
};

async function post(sender: string, body: unknown, key = scenario.twin.endpoints.registryEventsKey): Promise<number> {
  const answer = await fetch(`${scenario.twin.endpoints.registryEvents}/${sender}`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-slipway-key": key },
    body: JSON.stringify(body),
  });
  return answer.status;
}

test("one push, told by webhook, Event Grid in both schemas, the queue and by hand, each twice, is one wave", async () => {
  const { acr, eventGrid, registry } = scenario.twin;
  await pushBase(scenario, "vendor/os", "1", "os 1\n");
  const story = await scenario.story("told");
  await story.pushed({ ground: { from: ["vendor/os:1"] }, web: { from: ["ground"] } });
  const before = new Set((await story.runs()).map((r) => r.id));
  await subscribe("grid", "EventGridSchema", webHook("event-grid"));
  await subscribe("cloud", "CloudEventSchemaV1_0", webHook("cloud-events"));
  await subscribe("queue", "EventGridSchema", queue);
  await subscribe("cloud-queue", "CloudEventSchemaV1_0", queue);
  acr.webhooks().faults.duplicate = 1;
  eventGrid.faults.duplicate = 4;

  const digest = await pushBase(scenario, "vendor/os", "1", "os 2\n");
  const data = {
    id: randomUUID(),
    timestamp: "2026-03-24T10:15:30.1234567Z",
    action: "push",
    target: { mediaType: "application/vnd.oci.image.manifest.v1+json", digest, repository: "vendor/os", tag: "1" },
    request: { id: randomUUID(), host: registry.loginServer, method: "PUT", useragent: "docker/26.1" },
  };
  const type = "Microsoft.ContainerRegistry.ImagePushed";
  for (const _ of [1, 2]) {
    expect(await post("acr-webhook", data)).toBe(202);
    expect(await post("event-grid", [{ id: data.id, eventType: type, data }])).toBe(202);
    expect(await post("cloud-events", { specversion: "1.0", id: data.id, type, source: "/", data })).toBe(202);
  }
  expect(await post("acr-webhook", data, "not the key of anybody")).toBe(401);
  await story.reached("web", (run) => !before.has(run.id) && run.status === "Succeeded");
  await acr.webhooks().settled();
  await eventGrid.settled();
  expect(eventGrid.undelivered).toEqual([]);
  for (const name of ["grid", "cloud", "queue", "cloud-queue"])
    expect(eventGrid.pending(acr.resourceId, name)).toEqual([]);
  await until("an event of every sender is decided", async () => {
    const { decisions } = await scenario.read<{ decisions: { cause: { sender?: string } }[] }>("decisions?limit=100");
    const senders = new Set(decisions.map((d) => d.cause.sender));
    return ["acr-webhook", "event-grid", "cloud-events"].every((sender) => senders.has(sender));
  });
  await scenario.rest();

  const runs = (await story.runs()).filter((r) => !before.has(r.id));
  expect(runs.map((r) => `${r.image} ${r.status}`).sort()).toEqual(["ground Succeeded", "web Succeeded"]);
  const views = await Promise.all(runs.map((r) => story.run(r.id)));
  expect(new Set(views.flatMap((v) => v.waves)).size).toBe(1);
  expect(await scenario.files("platform/told/web")).toMatchObject({ os: "os 2\n" });
});
