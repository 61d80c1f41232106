import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Event, WebhookCreateParameters } from "@azure/arm-containerregistry";
import type { RestError } from "@azure/core-rest-pipeline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningAzurite, startAzurite } from "../../../local/azurite.ts";
import { type LocalRegistry, startRegistry } from "../../../local/registry/registry.ts";
import type { RegistryEvent } from "../../../local/registry/registry-event.ts";
import { type AcrWorld, registryName, startAcrWorld } from "../../support/acr-world.ts";
import { startReceiver } from "../event-grid/receiver.ts";
import { pushImage } from "../registry/support.ts";
import { rawArm } from "./arm/raw-arm.ts";

let azurite: RunningAzurite;
let world: AcrWorld;
let registry: LocalRegistry;
let dir: string;
let group: string;

beforeAll(async () => {
  azurite = await startAzurite();
  dir = await mkdtemp(join(tmpdir(), "acr-webhooks-"));
  registry = await startRegistry({ dir: join(dir, "registry") });
  world = await startAcrWorld(azurite.connectionString, {
    dir: join(dir, "acr"),
    loginServer: registry.loginServer,
    registryEvents: registry,
    store: registry.store,
    listPageSize: 2,
  });
  group = world.acr.resourceGroup;
});
afterAll(async () => {
  await world?.close();
  await registry?.close();
  await azurite?.stop();
  await rm(dir, { recursive: true, force: true });
});

const location = "westeurope";
const version = "?api-version=2025-11-01";

const create = (name: string, parameters: Partial<WebhookCreateParameters> = {}) =>
  world.client.webhooks.beginCreateAndWait(group, registryName, name, {
    location,
    serviceUri: "http://127.0.0.1:1/",
    actions: ["push"],
    ...parameters,
  });

const remove = (name: string) => world.client.webhooks.beginDeleteAndWait(group, registryName, name);

async function eventsOf(name: string): Promise<Event[]> {
  await world.acr.webhooks().settled();
  const events: Event[] = [];
  for await (const event of world.client.webhooks.listEvents(group, registryName, name)) events.push(event);
  return events;
}

async function failure(work: Promise<unknown>): Promise<RestError> {
  return await work.then(
    () => Promise.reject(new Error("it was expected to fail")),
    (error: RestError) => error,
  );
}

describe("a webhook as a resource", () => {
  test("is made at once, with an empty scope and no secrets shown, in the recorded shape", async () => {
    const given = {
      serviceUri: "https://example.com/?code=secret",
      customHeaders: { key: "secret" },
      actions: ["push"],
    };
    const path = `${world.acr.resourceId}/webhooks/CliRegWebhook${version}`;
    const made = await rawArm(world, "PUT", path, { location, properties: { ...given, status: "enabled" } });
    const got = await rawArm(world, "GET", path.toLowerCase());
    for (const { status, body } of [made, got]) {
      expect(status).toBe(200);
      expect(Object.keys(body)).toEqual(["type", "id", "name", "location", "tags", "systemData", "properties"]);
      expect(body).toMatchObject({ name: "CliRegWebhook", location, tags: {} });
      expect(Object.entries(body.properties)).toEqual([
        ["status", "enabled"],
        ["scope", ""],
        ["actions", ["push"]],
        ["provisioningState", "Succeeded"],
      ]);
      expect(JSON.stringify(body)).not.toContain("secret");
    }
    const { webhooks } = world.client;
    expect(await webhooks.getCallbackConfig(group, registryName, "cliregwebhook")).toEqual({
      serviceUri: given.serviceUri,
      customHeaders: given.customHeaders,
    });
    await remove("cliregwebhook");
  });

  test("is changed in part, replaced whole, listed, and deleted twice", async () => {
    await create("builds", { scope: "a:*", actions: ["push", "quarantine"], customHeaders: { key: "1" } });
    const changed = await world.client.webhooks.beginUpdateAndWait(group, registryName, "builds", {
      status: "disabled",
    });
    expect(changed).toMatchObject({ status: "disabled", scope: "a:*", actions: ["push", "quarantine"] });
    const config = await world.client.webhooks.getCallbackConfig(group, registryName, "builds");
    expect(config.customHeaders).toEqual({ key: "1" });
    expect(await create("BUILDS")).toMatchObject({ name: "builds", status: "enabled", scope: "", actions: ["push"] });
    expect(await world.client.webhooks.getCallbackConfig(group, registryName, "builds")).toEqual({
      serviceUri: "http://127.0.0.1:1/",
    });
    const names: (string | undefined)[] = [];
    for await (const { name } of world.client.webhooks.list(group, registryName)) names.push(name);
    expect(names).toEqual(["builds"]);
    const path = `${world.acr.resourceId}/webhooks/builds${version}`;
    const statuses = [await rawArm(world, "DELETE", path), await rawArm(world, "DELETE", path)].map((a) => a.status);
    expect(statuses).toEqual([200, 204]);
    expect(await failure(world.client.webhooks.get(group, registryName, "builds"))).toMatchObject({
      statusCode: 404,
      code: "ResourceNotFound",
    });
  });

  test.each([
    ["a name that is too short", "hook", {}],
    ["a name with a dash", "build-hook", {}],
    ["no location", "builds", { location: undefined }],
    ["no address", "builds", { serviceUri: undefined }],
    ["an address that is none", "builds", { serviceUri: "nowhere" }],
    ["an address to write files to", "builds", { serviceUri: "file:///etc" }],
    ["no actions", "builds", { actions: [] }],
    ["an unknown action", "builds", { actions: ["pull"] }],
    ["an unknown status", "builds", { status: "paused" }],
    ["a header with a line end", "builds", { customHeaders: { key: "a\nb" } }],
  ])("is refused with %s", async (_, name, change) => {
    const { location: where = undefined, ...properties } = {
      ...{ location, serviceUri: "http://127.0.0.1:1/", actions: ["push"] },
      ...(change as object),
    } as { location?: string };
    const path = `${world.acr.resourceId}/webhooks/${name}${version}`;
    const answer = await rawArm(world, "PUT", path, { location: where, properties });
    expect([answer.status, answer.body.error.code]).toEqual([400, "InvalidRequestContent"]);
    expect(world.acr.webhooks().list()).toEqual([]);
  });

  test("a Standard registry has ten, and shows how many in its usages", async () => {
    for (let n = 0; n < 10; n += 1) await create(`webhook${n}`);
    expect(await failure(create("webhook10"))).toMatchObject({ statusCode: 403, code: "QuotaExceeded" });
    await create("webhook9", { status: "disabled" });
    const usages = await world.client.registries.listUsages(group, registryName);
    expect(usages.value).toContainEqual({ name: "Webhooks", limit: 10, currentValue: 10, unit: "Count" });
    for (let n = 0; n < 10; n += 1) await remove(`webhook${n}`);
  });
});

describe("what it sends", () => {
  test("a push to the registry, once, and the ledger tells of it", async () => {
    const receiver = await startReceiver();
    await create("builds", { serviceUri: receiver.url });
    await pushImage(registry.url, "team/app", "v1");
    const events = await eventsOf("builds");
    expect(events.length).toBe(1);
    expect(events[0]?.eventRequestMessage?.content?.target).toMatchObject({ repository: "team/app", tag: "v1" });
    expect(receiver.bodies<{ id: string }>().map(({ id }) => id)).toEqual([events[0]?.id]);
    const kinds = world.acr.ledger().map(({ kind }) => kind);
    expect(kinds.slice(-2)).toEqual(["webhook-saved", "webhook-sent"]);
    await remove("builds");
  });

  test("a ping, whose id is the call's answer and the event's; the history comes newest first, in pages", async () => {
    const receiver = await startReceiver();
    await create("builds", { serviceUri: receiver.url, status: "disabled" });
    const pinged: (string | undefined)[] = [];
    for (let n = 0; n < 5; n += 1) {
      pinged.push((await world.client.webhooks.ping(group, registryName, "builds")).id);
      await world.acr.webhooks().settled();
    }
    // The same id twice: a page must not end where it began.
    world.acr.webhooks().faults.duplicate = 1;
    pinged.push((await world.client.webhooks.ping(group, registryName, "builds")).id);
    const events = await eventsOf("builds");
    expect(events.map(({ id }) => id)).toEqual([pinged[5], ...pinged.toReversed()]);
    const path = `${world.acr.resourceId}/webhooks/builds/listEvents${version}`;
    const first = (await rawArm(world, "POST", path)).body as unknown as { value: object[]; nextLink: string };
    expect([Object.keys(first), first.value.length]).toEqual([["value", "nextLink"], 2]);
    await remove("builds");
  });

  test("a registry that is made anew has no webhooks, and the deleting of its images was told to nobody", async () => {
    const receiver = await startReceiver();
    await create("builds", { serviceUri: receiver.url, actions: ["push", "delete"] });
    await pushImage(registry.url, "team/app", "v2");
    await world.acr.webhooks().settled();
    await world.acr.recreateRegistry();
    expect([world.acr.webhooks().list(), registry.store.listRepositories()]).toEqual([[], []]);
    expect(receiver.bodies<RegistryEvent>().map(({ action }) => action)).toEqual(["push"]);
    await create("builds", { serviceUri: receiver.url });
    await pushImage(registry.url, "team/app", "v2");
    expect((await eventsOf("builds")).length).toBe(1);
    await remove("builds");
  });
});
