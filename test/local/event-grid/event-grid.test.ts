import { setTimeout } from "node:timers/promises";
import { Hono } from "hono";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { Clock } from "../../../local/clock.ts";
import { EventGrid, type EventGridOptions, type SentEvents } from "../../../local/event-grid/event-grid.ts";
import { isDelivered, secondsUntilRetry } from "../../../local/event-grid/retry.ts";
import {
  eventTypes,
  matches,
  type SubscriptionSettings,
  topicEvent,
  type WebHookDestination,
} from "../../../local/event-grid/subscription.ts";
import { validationPath } from "../../../local/event-grid/validation-path.ts";
import { type Bindings, listen } from "../../../local/http.ts";
import { type RegistryEvent, registryEvent } from "../../../local/registry/registry-event.ts";
import { temporaryDirectory } from "../registry/support.ts";
import { consenting, type Received, type Receiver, startReceiver } from "./receiver.ts";

const topic = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/acmeprod";

interface SettingsChange {
  readonly destination?: Partial<WebHookDestination>;
  readonly filter?: Partial<SubscriptionSettings["filter"]>;
  readonly eventDeliverySchema?: SubscriptionSettings["eventDeliverySchema"];
  readonly retryPolicy?: Partial<SubscriptionSettings["retryPolicy"]>;
}

function settings(endpointUrl: string, change: SettingsChange = {}): SubscriptionSettings {
  return {
    destination: {
      endpointType: "WebHook",
      endpointUrl,
      maxEventsPerBatch: 1,
      preferredBatchSizeInKilobytes: 64,
      headers: [],
      ...change.destination,
    },
    filter: {
      subjectBeginsWith: "",
      subjectEndsWith: "",
      isSubjectCaseSensitive: false,
      includedEventTypes: eventTypes,
      ...change.filter,
    },
    labels: null,
    eventDeliverySchema: change.eventDeliverySchema ?? "EventGridSchema",
    retryPolicy: { maxDeliveryAttempts: 30, eventTimeToLiveInMinutes: 1440, ...change.retryPolicy },
  };
}

interface World {
  readonly grid: EventGrid;
  readonly dir: string;
  readonly sent: SentEvents[];
}

/** Thousand times faster than Azure unless told: the first retry comes after 10 ms. */
async function startGrid(options: Partial<EventGridOptions> = {}): Promise<World> {
  const dir = options.dir ?? (await temporaryDirectory());
  const sent: SentEvents[] = [];
  const grid = new EventGrid({ clock: new Clock(1000), onSent: (one) => sent.push(one), ...options, dir });
  const server = await listen(new Hono<Bindings>().route("/", validationPath(grid)), 0);
  onTestFinished(async () => {
    await grid.close();
    await server.close();
  });
  grid.start(server.url);
  return { grid, dir, sent };
}

async function subscribed(receiver: Receiver, change: SettingsChange = {}, options: Partial<EventGridOptions> = {}) {
  const world = await startGrid(options);
  world.grid.put(topic, "builds", settings(receiver.url, change));
  await world.grid.settled();
  expect(world.grid.get(topic, "builds")?.provisioningState).toBe("Succeeded");
  return world;
}

function event(repository: string, tag?: string): RegistryEvent {
  const digest = `sha256:${repository}`;
  const change = {
    action: "push",
    repository,
    digest,
    mediaType: "m",
    size: 7,
    origin: { useragent: "test" },
  } as const;
  return registryEvent(tag === undefined ? change : { ...change, tag }, "127.0.0.1:5000", new Date());
}

const publish = (grid: EventGrid, ...events: RegistryEvent[]) => {
  for (const one of events) grid.publish(topic, "westeurope", one);
};
/** It is so many hours later, for dates; timers run as ever. */
function later(hours: number): void {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + hours * 3_600_000 });
  onTestFinished(() => {
    vi.useRealTimers();
  });
}

const keys = (value: object) => Object.keys(value).toSorted();
const subjects = (receiver: Receiver) =>
  receiver.bodies<{ subject: string }[]>().flatMap((all) => all.map((e) => e.subject));
const deliveries = (receiver: Receiver) =>
  receiver.received.filter(({ headers }) => headers["aeg-event-type"] === "Notification");

/** Consents, and answers deliveries with these statuses in turn, the last one for ever. */
function answering(...statuses: number[]) {
  let count = 0;
  return (request: Received) => {
    if (request.headers["aeg-event-type"] !== "Notification") return consenting(request);
    count += 1;
    return { status: statuses[Math.min(count, statuses.length) - 1]! };
  };
}

describe("before anything is delivered", () => {
  test("a webhook is asked with a SubscriptionValidation event, and its echo is consent", async () => {
    const receiver = await startReceiver(consenting);
    const { grid } = await subscribed(receiver);
    const [request] = receiver.received;
    expect(request!.headers).toMatchObject({
      "aeg-event-type": "SubscriptionValidation",
      "aeg-subscription-name": "BUILDS",
      "aeg-delivery-count": "0",
      "content-type": "application/json; charset=utf-8",
    });
    const [validation] = JSON.parse(request!.text);
    expect(keys(validation)).toEqual([
      "data",
      "dataVersion",
      "eventTime",
      "eventType",
      "id",
      "metadataVersion",
      "subject",
      "topic",
    ]);
    expect(validation).toMatchObject({ topic, eventType: "Microsoft.EventGrid.SubscriptionValidationEvent" });
    expect(keys(validation.data)).toEqual(["validationCode", "validationUrl"]);
    publish(grid, event("a", "1"));
    await grid.settled();
    expect(subjects(receiver)).toEqual(["a:1"]);
  });

  test.each([202, 404, 500])("%i is no consent, whatever it says", async (status) => {
    const receiver = await startReceiver((request) => ({ ...consenting(request), status }));
    const { grid } = await startGrid();
    const { operationId } = grid.put(topic, "builds", settings(receiver.url));
    await grid.settled();
    publish(grid, event("a", "1"));
    await grid.settled();
    expect(grid.get(topic, "builds")?.provisioningState).toBe("Failed");
    expect(grid.operation(operationId)).toMatchObject({
      status: "Failed",
      message: expect.stringContaining(`${status}`),
    });
    expect(receiver.received.length).toBe(1);
  });

  test("200 without the code waits for a visit to the validation URL, and delivers nothing until then", async () => {
    const receiver = await startReceiver();
    const { grid } = await startGrid({ clock: new Clock(1) });
    const { operationId } = grid.put(topic, "builds", settings(receiver.url));
    await grid.settled();
    publish(grid, event("a", "before"));
    await grid.settled();
    expect(grid.get(topic, "builds")?.provisioningState).toBe("AwaitingManualAction");
    expect(grid.operation(operationId)?.status).toBe("InProgress");
    expect(deliveries(receiver)).toEqual([]);

    const [validation] = JSON.parse(receiver.received[0]!.text);
    const wrong = validation.data.validationUrl.replace(validation.data.validationCode, "guess");
    expect((await fetch(wrong)).status).toBe(404);
    expect(grid.get(topic, "builds")?.provisioningState).toBe("AwaitingManualAction");
    expect((await fetch(validation.data.validationUrl)).status).toBe(200);
    expect(grid.get(topic, "builds")?.provisioningState).toBe("Succeeded");
    expect(grid.operation(operationId)?.status).toBe("Succeeded");
    publish(grid, event("a", "after"));
    await grid.settled();
    expect(subjects(receiver)).toEqual(["a:after"]);
  });

  test("a validation URL is good for five minutes", async () => {
    const receiver = await startReceiver();
    const { grid } = await startGrid({ clock: new Clock(6000) });
    grid.put(topic, "builds", settings(receiver.url));
    await vi.waitFor(() => expect(grid.get(topic, "builds")?.provisioningState).toBe("Failed"), { timeout: 60_000 });
    const [validation] = JSON.parse(receiver.received[0]!.text);
    expect((await fetch(validation.data.validationUrl)).status).toBe(404);
    expect(grid.get(topic, "builds")?.provisioningState).toBe("Failed");
  });

  test("consent that came in time is not taken back when the time is over", async () => {
    const receiver = await startReceiver();
    const { grid } = await startGrid({ clock: new Clock(50) });
    grid.put(topic, "builds", settings(receiver.url));
    await receiver.until(1);
    const [validation] = JSON.parse(receiver.received[0]!.text);
    await grid.settled();
    const { status } = await fetch(validation.data.validationUrl);
    expect(status).toBe(200);
    await setTimeout(6_100);
    expect(grid.get(topic, "builds")?.provisioningState).toBe("Succeeded");
  });

  test("for CloudEvents the question is OPTIONS, and consent a header or a visit to the callback", async () => {
    const willing = await startReceiver(consenting);
    const { grid } = await subscribed(willing, { eventDeliverySchema: "CloudEventSchemaV1_0" });
    const [options] = willing.received;
    expect(options!.method).toBe("OPTIONS");
    expect(options!.headers["webhook-request-origin"]).toBe("eventgrid.azure.net");

    const silent = await startReceiver();
    grid.put(topic, "later", settings(silent.url, { eventDeliverySchema: "CloudEventSchemaV1_0" }));
    await grid.settled();
    const [asked] = silent.received;
    expect((await fetch(String(asked!.headers["webhook-request-callback"]), { method: "POST" })).status).toBe(200);
    expect(grid.get(topic, "later")?.provisioningState).toBe("Succeeded");

    const stranger = await startReceiver(() => ({ headers: { "WebHook-Allowed-Origin": "example.com" } }));
    grid.put(topic, "never", settings(stranger.url, { eventDeliverySchema: "CloudEventSchemaV1_0" }));
    await grid.settled();
    expect(grid.get(topic, "never")?.provisioningState).toBe("AwaitingManualAction");
  });

  test("nobody outside this machine is asked", async () => {
    const { grid } = await startGrid();
    const { operationId } = grid.put(topic, "builds", settings("https://example.com/hook?code=secret"));
    await grid.settled();
    expect(grid.operation(operationId)).toMatchObject({
      status: "Failed",
      message: expect.stringContaining("127.0.0.1"),
    });
  });

  test("a receiver may visit the URL before it answers", async () => {
    const receiver = await startReceiver(async ({ text }) => {
      const [validation] = JSON.parse(text);
      await fetch(validation.data.validationUrl);
      return {};
    });
    const { grid } = await startGrid();
    grid.put(topic, "builds", settings(receiver.url));
    await grid.settled();
    expect(grid.get(topic, "builds")?.provisioningState).toBe("Succeeded");
  });

  test("the answer to an older question changes nothing", async () => {
    let answer = () => {};
    const asked = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const slow = await startReceiver(async (request) => {
      await asked;
      return consenting(request);
    });
    const { grid } = await startGrid({ clock: new Clock(1) });
    grid.put(topic, "builds", settings(slow.url));
    await slow.until(1);
    const prompt = await startReceiver();
    grid.put(topic, "builds", settings(prompt.url));
    await vi.waitFor(() => expect(grid.get(topic, "builds")?.provisioningState).toBe("AwaitingManualAction"), {
      timeout: 60_000,
    });
    answer();
    await grid.settled();
    expect(grid.get(topic, "builds")).toMatchObject({
      provisioningState: "AwaitingManualAction",
      destination: { endpointUrl: prompt.url },
    });
  });

  test("a new destination gets nothing before its own consent, and then what was published meanwhile", async () => {
    const before = await startReceiver(consenting);
    const { grid } = await subscribed(before, {}, { clock: new Clock(1) });
    const after = await startReceiver();
    grid.put(topic, "builds", settings(after.url));
    publish(grid, event("a", "1"));
    await grid.settled();
    expect([deliveries(before).length, deliveries(after).length]).toEqual([0, 0]);
    const [validation] = JSON.parse(after.received[0]!.text);
    await fetch(validation.data.validationUrl);
    await grid.settled();
    expect(subjects(after)).toEqual(["a:1"]);
  });

  test("a new destination is asked for itself, and gets what was published meanwhile", async () => {
    const before = await startReceiver(consenting);
    const { grid } = await subscribed(before);
    const after = await startReceiver(consenting);
    expect(grid.put(topic, "BUILDS", settings(after.url))).toMatchObject({
      name: "builds",
      provisioningState: "Updating",
    });
    publish(grid, event("a", "1"));
    await grid.settled();
    expect([subjects(before), subjects(after)]).toEqual([[], ["a:1"]]);
    expect(grid.list(topic).length).toBe(1);
  });
});

describe("what is delivered", () => {
  test("in Event Grid's schema: a list of one, with exactly these keys, the webhook's body as data", async () => {
    const receiver = await startReceiver(consenting);
    const { grid } = await subscribed(receiver, {
      destination: { headers: [{ name: "X-Secret", value: "word", isSecret: true }] },
    });
    const pushed = event("team/base", "3.1");
    publish(grid, pushed);
    await grid.settled();
    const [request] = deliveries(receiver);
    expect(request!.headers).toMatchObject({
      "aeg-event-type": "Notification",
      "aeg-subscription-name": "BUILDS",
      "aeg-delivery-count": "0",
      "aeg-metadata-version": "1",
      "aeg-data-version": "1.0",
      "x-secret": "word",
    });
    const body = JSON.parse(request!.text);
    expect(body).toEqual([
      {
        id: pushed.id,
        topic,
        subject: "team/base:3.1",
        eventType: "Microsoft.ContainerRegistry.ImagePushed",
        eventTime: pushed.timestamp,
        data: { ...pushed, location: "westeurope" },
        dataVersion: "1.0",
        metadataVersion: "1",
      },
    ]);
  });

  test("as a CloudEvent: one object in structured mode, a list only where batches were asked for", async () => {
    const [single, batched] = [await startReceiver(consenting), await startReceiver(consenting)];
    const { grid } = await subscribed(single, { eventDeliverySchema: "CloudEventSchemaV1_0" });
    const batches = { eventDeliverySchema: "CloudEventSchemaV1_0", destination: { maxEventsPerBatch: 10 } } as const;
    grid.put(topic, "batched", settings(batched.url, batches));
    await grid.settled();
    const pushed = event("team/base", "3.1");
    publish(grid, pushed);
    await grid.settled();
    const expected = {
      id: pushed.id,
      source: topic,
      type: "Microsoft.ContainerRegistry.ImagePushed",
      subject: "team/base:3.1",
      time: pushed.timestamp,
      specversion: "1.0",
      data: { ...pushed, location: "westeurope" },
    };
    const [alone, list] = [deliveries(single)[0]!, deliveries(batched)[0]!];
    expect(JSON.parse(alone.text)).toEqual(expected);
    expect(alone.headers["content-type"]).toBe("application/cloudevents+json; charset=utf-8");
    expect(JSON.parse(list.text)).toEqual([expected]);
    expect(list.headers["content-type"]).toBe("application/cloudevents-batch+json; charset=utf-8");
  });

  test("a delete by digest has the repository for its subject", () => {
    const { subject, eventType } = topicEvent(topic, "westeurope", { ...event("team/base"), action: "delete" });
    expect([subject, eventType]).toEqual(["team/base", "Microsoft.ContainerRegistry.ImageDeleted"]);
  });

  test.each([
    [{}, true],
    [{ includedEventTypes: ["Microsoft.ContainerRegistry.ImageDeleted"] }, false],
    [{ subjectBeginsWith: "team/" }, true],
    [{ subjectBeginsWith: "other/" }, false],
    [{ subjectEndsWith: ":V1" }, true],
    [{ subjectEndsWith: ":V1", isSubjectCaseSensitive: true }, false],
    [{ subjectBeginsWith: "team/", subjectEndsWith: ":v2" }, false],
  ] as const)("a filter of %j takes the push of team/base:v1: %s", (filter, expected) => {
    const pushed = topicEvent(topic, "westeurope", event("team/base", "v1"));
    expect(matches(settings("http://127.0.0.1/", { filter }), pushed)).toBe(expected);
  });

  test("batches are no larger than asked, and each request tells its events' attempts", async () => {
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const receiver = await startReceiver(async (request) => {
      if (subjectsOf(request)[0] === "a:first") await gate;
      return consenting(request);
    });
    const { grid, sent } = await subscribed(receiver, { destination: { maxEventsPerBatch: 3 } });
    publish(grid, event("a", "first"));
    await receiver.until(2);
    publish(grid, ...["1", "2", "3", "4", "5"].map((tag) => event("a", tag)));
    open();
    await grid.settled();
    expect(sent.map(({ ids }) => ids.length)).toEqual([1, 3, 2]);
    expect(subjects(receiver)).toEqual(["a:first", "a:1", "a:2", "a:3", "a:4", "a:5"]);
  });

  test("a retried event and a new one share no request, because it has one delivery count", async () => {
    let isOpen = false;
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = () => {
        isOpen = true;
        resolve();
      };
    });
    const receiver = await startReceiver(async (request) => {
      if (request.headers["aeg-event-type"] !== "Notification") return consenting(request);
      if (subjectsOf(request)[0] === "a:1" && !isOpen) return { status: 500 };
      if (subjectsOf(request)[0] === "a:2") await gate;
      return {};
    });
    const { grid, sent } = await subscribed(receiver, { destination: { maxEventsPerBatch: 10 } });
    publish(grid, event("a", "1"));
    await receiver.until(2);
    publish(grid, event("a", "2"));
    // While the second is held, the first comes due again beside a third that was never sent.
    await vi.waitFor(() => expect(subjects(receiver)).toContain("a:2"), { timeout: 60_000 });
    publish(grid, event("a", "3"));
    const [first] = grid.pending(topic, "builds");
    expect(first!.attempts).toBeGreaterThan(0);
    await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(first!.dueAt), { timeout: 60_000 });
    open();
    await vi.waitFor(() => expect(grid.pending(topic, "builds")).toEqual([]), { timeout: 60_000 });
    expect(sent.every(({ ids }) => ids.length === 1)).toBe(true);
  });

  test("nothing more after the subscription is removed", async () => {
    const receiver = await startReceiver(answering(500));
    const { grid } = await subscribed(receiver);
    publish(grid, event("a", "1"));
    await receiver.until(3);
    expect(grid.remove(topic, "Builds")?.status).toBe("Succeeded");
    await grid.settled();
    const before = receiver.received.length;
    publish(grid, event("a", "2"));
    await grid.settled();
    expect([receiver.received.length, grid.get(topic, "builds")]).toEqual([before, undefined]);
    expect(grid.remove(topic, "builds")).toBeUndefined();
    grid.put(topic, "builds", settings(receiver.url));
    await grid.settled();
    expect(grid.pending(topic, "builds")).toEqual([]);
  });

  test("an event held back by a fault does not reach a subscription of the same name made later", async () => {
    const receiver = await startReceiver(consenting);
    const { grid } = await subscribed(receiver);
    grid.put(topic, "other", settings((await startReceiver(consenting)).url));
    await grid.settled();
    grid.faults.reverse = 3;
    publish(grid, event("a", "1"));
    grid.remove(topic, "builds");
    publish(grid, event("a", "2"));
    await grid.settled();
    grid.put(topic, "builds", settings(receiver.url));
    await grid.settled();
    expect(subjects(receiver)).toEqual([]);
  });
});

const subjectsOf = ({ method, text }: Received): string[] =>
  method === "POST" ? (JSON.parse(text) as { subject: string }[]).map(({ subject }) => subject) : [];

describe("when a delivery fails", () => {
  test("the schedule is the documented one: 10 s, 30 s, 1, 5, 10, 30 min, 1, 3, 6, then every 12 h", () => {
    const minutes = [1 / 6, 0.5, 1, 5, 10, 30, 60, 180, 360, 720, 720, 720];
    expect(minutes.map((_, index) => secondsUntilRetry(500, index + 1)! / 60)).toEqual(minutes);
    expect(secondsUntilRetry(undefined, 1)).toBe(10);
  });

  test("400, 401, 403 and 413 are final, 404 is not; 408 and 503 wait longer at first", () => {
    expect([400, 401, 403, 413].map((status) => secondsUntilRetry(status, 1))).toEqual(Array(4).fill(undefined));
    expect([404, 408, 429, 503, 301].map((status) => secondsUntilRetry(status, 1))).toEqual([10, 120, 10, 30, 10]);
    expect([199, 200, 202, 204, 205, 302].map(isDelivered)).toEqual([false, true, true, true, false, false]);
  });

  test("it is tried again with the same id and a growing delivery count, until it is taken", async () => {
    const receiver = await startReceiver(answering(500, 404, 200));
    const { grid } = await subscribed(receiver);
    publish(grid, event("a", "1"));
    await receiver.until(4);
    await grid.settled();
    const tries = deliveries(receiver);
    expect(tries.map(({ headers }) => headers["aeg-delivery-count"])).toEqual(["0", "1", "2"]);
    expect(new Set(tries.map(({ text }) => text)).size).toBe(1);
    expect(grid.pending(topic, "builds")).toEqual([]);
  });

  test("an event that the receiver refuses for good is given up at once, and others are not held up", async () => {
    const receiver = await startReceiver(answering(401, 200));
    const { grid } = await subscribed(receiver);
    publish(grid, event("a", "1"), event("a", "2"));
    await grid.settled();
    expect(subjects(receiver)).toEqual(["a:1", "a:2"]);
    expect(grid.undelivered.map(({ event, deadLetterReason }) => [event.subject, deadLetterReason])).toEqual([
      ["a:1", "UndeliverableDueToHttpStatus"],
    ]);
  });

  test("it is given up after so many attempts, or when it would outlive its time", async () => {
    const receiver = await startReceiver(answering(500));
    const few = { retryPolicy: { maxDeliveryAttempts: 3 } };
    const { grid } = await subscribed(receiver, few);
    publish(grid, event("a", "1"));
    await receiver.until(4);
    await grid.settled();
    grid.put(topic, "builds", settings(receiver.url, { retryPolicy: { eventTimeToLiveInMinutes: 1 } }));
    await grid.settled();
    publish(grid, event("a", "2"));
    await vi.waitFor(() => expect(grid.undelivered.length).toBe(2), { timeout: 60_000 });
    const [counted, timed] = grid.undelivered;
    expect([counted!.attempts, counted!.deadLetterReason]).toEqual([3, "MaxDeliveryAttemptsExceeded"]);
    // 10 s and 30 s fit into a minute, another minute does not.
    expect(timed!.attempts).toBeLessThanOrEqual(3);
    expect(timed!.deadLetterReason).toBe("TimeToLiveExceeded");
  });

  test("a silent receiver counts as a failure", async () => {
    const receiver = await startReceiver((request) =>
      deliveries(receiver).length === 1 && request.headers["aeg-event-type"] === "Notification"
        ? "silence"
        : consenting(request),
    );
    const { grid, sent } = await subscribed(receiver, {}, { answerWithinMs: 3000 });
    publish(grid, event("a", "1"));
    await vi.waitFor(() => expect(sent.length).toBe(2), { timeout: 60_000 });
    expect(sent.map(({ deliveryCount, outcome }) => [deliveryCount, outcome])).toEqual([
      [0, "timed-out"],
      [1, "200 OK"],
    ]);
  });
});

describe("over a restart", () => {
  test("what was not taken is delivered by the next process, at least once, and consent is not asked again", async () => {
    let down = true;
    const receiver = await startReceiver((request) =>
      down && deliveries(receiver).length > 0 ? "silence" : consenting(request),
    );
    const first = await subscribed(receiver, {}, { clock: new Clock(1) });
    publish(first.grid, event("a", "1"), event("a", "2"));
    await receiver.until(2);
    await first.grid.close();
    down = false;
    const second = await startGrid({ dir: first.dir });
    await second.grid.settled();
    expect(subjects(receiver)).toEqual(["a:1", "a:1", "a:2"]);
    expect(receiver.received.length).toBe(4);
    expect(second.grid.pending(topic, "builds")).toEqual([]);
  });

  test("a retry keeps its time and its count", async () => {
    const receiver = await startReceiver(answering(500));
    const first = await subscribed(receiver, {}, { clock: new Clock(1) });
    publish(first.grid, event("a", "1"));
    await first.grid.settled();
    await first.grid.close();
    const before = first.grid.pending(topic, "builds");
    const { grid } = await startGrid({ dir: first.dir, clock: new Clock(1) });
    await grid.settled();
    expect(grid.pending(topic, "builds")).toEqual(before);
    expect(before).toMatchObject([{ attempts: 1, lastOutcome: "500 Internal Server Error" }]);
    expect(before[0]!.dueAt - before[0]!.publishedAt).toBeGreaterThanOrEqual(10_000);
    expect(deliveries(receiver).length).toBe(1);
  });

  test("an event whose time has passed meanwhile is not sent", async () => {
    const receiver = await startReceiver(answering(500));
    const first = await subscribed(receiver, {}, { clock: new Clock(1) });
    publish(first.grid, event("a", "1"));
    await first.grid.settled();
    await first.grid.close();
    later(25);
    const { grid } = await startGrid({ dir: first.dir, clock: new Clock(1) });
    await grid.settled();
    expect(deliveries(receiver).length).toBe(1);
    expect(grid.undelivered.map(({ deadLetterReason }) => deadLetterReason)).toEqual(["TimeToLiveExceeded"]);
  });

  test("a validation URL that nobody visited in time is over", async () => {
    const receiver = await startReceiver();
    const first = await startGrid({ clock: new Clock(1) });
    first.grid.put(topic, "builds", settings(receiver.url));
    await first.grid.settled();
    await first.grid.close();
    later(1);
    const { grid } = await startGrid({ dir: first.dir, clock: new Clock(1) });
    await vi.waitFor(() => expect(grid.get(topic, "builds")?.provisioningState).toBe("Failed"), { timeout: 60_000 });
  });

  test("a handshake that was cut short is asked again", async () => {
    let up = false;
    const receiver = await startReceiver((request) => (up ? consenting(request) : "silence"));
    const first = await startGrid();
    first.grid.put(topic, "builds", settings(receiver.url));
    await receiver.until(1);
    await first.grid.close();
    up = true;
    const { grid } = await startGrid({ dir: first.dir });
    await grid.settled();
    expect(grid.get(topic, "builds")?.provisioningState).toBe("Succeeded");
  });
});

test("faults strike before the queue: lost, doubled, turned around", async () => {
  const receiver = await startReceiver(consenting);
  const { grid } = await subscribed(receiver);
  grid.faults.lose = 1;
  publish(grid, event("a", "lost"));
  grid.faults.duplicate = 1;
  publish(grid, event("a", "twice"));
  await grid.settled();
  grid.faults.reverse = 2;
  publish(grid, event("a", "1"), event("a", "2"));
  await grid.settled();
  expect(subjects(receiver)).toEqual(["a:twice", "a:twice", "a:2", "a:1"]);
});
