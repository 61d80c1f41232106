import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RestError } from "@azure/core-rest-pipeline";
import { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ociRegistries } from "../../../local/acr/arm/oci-registries.ts";
import { stuckInQueue } from "../../../local/acr/fault-actions.ts";
import { type RunningAzurite, startAzurite } from "../../../local/azurite.ts";
import { Clock } from "../../../local/clock.ts";
import { type Bindings, listen } from "../../../local/http.ts";
import { type LocalRegistry, startRegistry } from "../../../local/registry/registry.ts";
import {
  type AcrWorld,
  readLog,
  registryName,
  runEnded,
  scheduleTask,
  startAcrWorld,
} from "../../support/acr-world.ts";
import { ociIndex, ociManifest, pushImage, putManifest, sha256, uploadBlob } from "../registry/support.ts";
import { rawArm } from "./arm/raw-arm.ts";

const dir = mkdtempSync(join(tmpdir(), "acr-registries-"));
let azurite: RunningAzurite;
let images: LocalRegistry;
let world: AcrWorld;
let group: string;

beforeAll(async () => {
  azurite = await startAzurite();
  images = await startRegistry({ dir: join(dir, "images") });
  world = await start();
  group = world.acr.resourceGroup;
});
afterAll(async () => {
  await world?.close();
  await images?.close();
  await azurite?.stop();
  rmSync(dir, { recursive: true, force: true });
});

function start(): Promise<AcrWorld> {
  const { loginServer, store } = images;
  return startAcrWorld(azurite.connectionString, { dir, loginServer, store, clock: new Clock(100) });
}

/** Another vendor's: only its token service takes passwords, and one of its blobs is not what its name says. */
async function startForeignRegistry() {
  const blobs = ["{}", "layer"].map((text) => ({ digest: sha256(text), size: text.length, text }));
  const manifestOf = (layer: string) =>
    JSON.stringify({
      schemaVersion: 2,
      mediaType: ociManifest,
      config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: blobs[0]!.digest, size: 2 },
      layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar", digest: layer, size: 5 }],
    });
  const good = manifestOf(blobs[1]!.digest);
  const manifests = new Map([
    ["/v2/lib/node/manifests/20", good],
    ["/v2/lib/damaged/manifests/1", manifestOf(sha256("what it should be"))],
  ]);
  const indexOf = (...digests: readonly string[]) =>
    JSON.stringify({ schemaVersion: 2, mediaType: ociIndex, manifests: digests.map((digest) => ({ digest })) });
  const indexes = new Map([["/v2/lib/twice/manifests/1", indexOf(sha256(good), sha256(good))]]);
  const app = new Hono<Bindings>();
  let host = "";
  const asked: string[] = [];
  app.get("/token", (c) => {
    const asked = c.req.header("authorization") === `Basic ${btoa("robot:secret")}`;
    return asked && c.req.query("scope") ? c.json({ token: "good" }) : c.json({}, 401);
  });
  app.use("/v2/*", async (c, next) => {
    if (c.req.header("authorization") === "Bearer good") return await next();
    const challenge = `Bearer realm="http://${host}/token",service="foreign",scope="repository:lib/node:pull"`;
    return c.body(null, 401, { "WWW-Authenticate": challenge });
  });
  app.get("/v2/lib/loop/manifests/:tag", (c) => {
    asked.push(c.req.path);
    // Not for ever: what never ends would take the test with it.
    return asked.length > 100 ? c.json({}, 404) : c.body(indexOf(sha256("itself")), 200, { "Content-Type": ociIndex });
  });
  app.get("/v2/lib/long/manifests/:tag", (c) => {
    let left = 64;
    const pull = (stream: ReadableStreamDefaultController) => {
      left -= 1;
      stream.enqueue(Buffer.alloc(1024 * 1024, " "));
      if (left > 0) return;
      asked.push("all of it");
      stream.close();
    };
    return c.body(new ReadableStream({ pull }), 200, { "Content-Type": ociIndex });
  });
  app.get("/v2/lib/:name/manifests/:tag", (c) => {
    asked.push(c.req.path);
    const index = indexes.get(c.req.path);
    if (index) return c.body(index, 200, { "Content-Type": ociIndex });
    const text = c.req.param("tag") === sha256(good) ? good : manifests.get(c.req.path);
    return text ? c.body(text, 200, { "Content-Type": ociManifest }) : c.json({}, 404);
  });
  app.get("/v2/lib/:name/blobs/:digest", (c) => {
    return c.body(blobs.find(({ digest }) => digest === c.req.param("digest"))?.text ?? "something else");
  });
  const server = await listen(app, 0);
  host = `127.0.0.1:${server.port}`;
  return { host, asked, digest: sha256(good), close: () => server.close() };
}

async function failure(work: Promise<unknown>): Promise<RestError> {
  return await work.then(
    () => Promise.reject(new Error("it was expected to fail")),
    (error: RestError) => error,
  );
}

const version = "api-version=2025-11-01";
const sku = { name: "Basic" } as const;

function create(name: string, more: object = {}, inGroup = group) {
  return world.client.registries.beginCreateAndWait(inGroup, name, { location: "West Europe", sku, ...more });
}

function idOf(name: string, inGroup = group): string {
  return world.acr.resourceId.replace(`/${group}/`, `/${inGroup}/`).replace(registryName, name);
}

function subscription(): string {
  return `/subscriptions/${world.acr.subscriptionId}`;
}

describe("a registry made through ARM", () => {
  test("has an OCI registry of its own, which keeps its address and its images over a restart of the twin", async () => {
    const made = await create("Maderegistry", { tags: { team: "a" } });
    expect(made).toMatchObject({ location: "westeurope", provisioningState: "Succeeded", tags: { team: "a" } });
    expect(made.sku?.name).toBe("Basic");
    const { digest } = await pushImage(`http://${made.loginServer}`, "app", "app-v1");
    await world.close();
    world = await start();
    const again = await world.client.registries.get(group, "maderegistry");
    expect([again.loginServer, again.creationDate]).toEqual([made.loginServer, made.creationDate]);
    const head = await fetch(`http://${made.loginServer}/v2/app/manifests/app-v1`, {
      headers: { accept: ociManifest },
    });
    expect(head.headers.get("docker-content-digest")).toBe(digest);
  });

  test("is answered 201 with an operation to ask, and the second time 200", async () => {
    const body = { location: "westeurope", sku };
    const first = await rawArm(world, "PUT", `${idOf("askedtwice")}?${version}`, body);
    expect([first.status, first.body.properties.provisioningState]).toEqual([201, "Creating"]);
    const operation = first.headers["azure-asyncoperation"] as string;
    expect(operation).toMatch(/\/locations\/westeurope\/operationStatuses\/registries-[0-9a-f-]{36}\?/);
    expect((await rawArm(world, "GET", operation)).body.status).toBe("Succeeded");
    expect((await rawArm(world, "PUT", `${idOf("askedtwice")}?${version}`, body)).status).toBe(200);
  });

  test("runs tasks of its own, counted and told apart from the first registry's", async () => {
    await create("ownruns");
    const run = await world.client.registries.beginScheduleRunAndWait(group, "ownruns", {
      type: "EncodedTaskRunRequest",
      encodedTaskContent: Buffer.from("steps: [{cmd: img}]").toString("base64"),
      platform: { os: "Linux" },
    });
    expect(run.runId).toBe("cf1");
    expect(world.acr.runs().length).toBe(0);
    expect(world.acr.runs("ownruns").length).toBe(1);
    expect(
      world.acr
        .ledger("ownruns")
        .map(({ kind }) => kind)
        .slice(0, 2),
    ).toEqual(["registry-created", "run-scheduled"]);
  });

  test("is made once, however many ask for it at the same time", async () => {
    const path = `${idOf("samename")}?${version}`;
    const asked = [1, 2, 3].map(() => rawArm(world, "PUT", path, { location: "westeurope", sku }));
    const addresses = (await Promise.all(asked)).map(({ body }) => body.properties.loginServer);
    expect(new Set(addresses).size).toBe(1);
    expect(world.acr.ledger("samename").filter(({ kind }) => kind === "registry-created")).toHaveLength(1);
  });

  test("goes on with a run that was held when the fault is lifted, as the first registry does", async () => {
    await create("heldruns");
    const stuck = world.acr.faults.add({ operation: "execute" }, stuckInQueue);
    const request = {
      type: "EncodedTaskRunRequest",
      encodedTaskContent: Buffer.from("steps: [{cmd: img}]").toString("base64"),
      platform: { os: "Linux" },
    } as const;
    for (const name of [registryName, "heldruns"]) {
      await world.client.registries.beginScheduleRunAndWait(group, name, request);
    }
    const last = () => [registryName, "heldruns"].map((name) => world.acr.runs(name).at(-1)?.status);
    expect(last()).toEqual(["Queued", "Queued"]);
    stuck.lift();
    await expect.poll(last).toEqual(["Succeeded", "Succeeded"]);
  });

  test("stays where it is: neither it nor its group moves to another location", async () => {
    await create("settled");
    const path = `${idOf("settled")}?${version}`;
    const moved = await rawArm(world, "PUT", path, { location: "eastus", sku });
    expect([moved.status, moved.body.error.code]).toEqual([409, "InvalidResourceLocation"]);
    const groupPath = `${subscription()}/resourcegroups/${group}?${version}`;
    expect((await rawArm(world, "PUT", groupPath, { location: "eastus" })).body.error.code).toBe(
      "InvalidResourceGroupLocation",
    );
  });

  test("is changed by PATCH, and keeps what the PATCH does not say", async () => {
    await create("changing", { tags: { a: "1" }, anonymousPullEnabled: true });
    const { registries } = world.client;
    const changed = await registries.beginUpdateAndWait(group, "changing", {
      sku: { name: "Premium" },
      tags: { b: "2" },
      adminUserEnabled: true,
    });
    expect(changed).toMatchObject({ tags: { b: "2" }, adminUserEnabled: true, anonymousPullEnabled: true });
    expect(changed.tags).not.toHaveProperty("a");
    expect((await registries.get(group, "changing")).sku?.name).toBe("Premium");
  });

  test("is deleted with everything in it, once asked twice", async () => {
    const { loginServer } = await create("goingaway");
    const path = `${idOf("goingaway")}?${version}`;
    const first = await rawArm(world, "DELETE", path);
    expect(first.status).toBe(202);
    const result = await rawArm(world, "GET", first.headers.location as string);
    expect([result.status, result.body]).toEqual([200, undefined]);
    expect((await rawArm(world, "DELETE", path)).status).toBe(204);
    await rawArm(world, "PUT", `${subscription()}/resourcegroups/elsewhere?${version}`, { location: "eastus" });
    const elsewhere = await rawArm(world, "DELETE", `${idOf(registryName, "elsewhere")}?${version}`);
    expect([elsewhere.status, world.acr.registries()[0]?.name]).toEqual([204, registryName]);
    expect((await rawArm(world, "GET", path)).body.error.code).toBe("ResourceNotFound");
    await expect(fetch(`http://${loginServer}/v2/`)).rejects.toThrow();
    await create("goingaway");
    await world.client.registries.beginDeleteAndWait(group, "goingaway");
  });

  test.each([
    ["a name with a dash", "no-dashes", {}, 400],
    ["no location", "nolocation", { location: undefined }, 400],
    ["no sku", "skuless", { sku: undefined }, 400],
    ["a sku nobody sells", "unsold", { sku: { name: "Gold" } }, 400],
    ["the name of a registry in another group", registryName, {}, 409],
    ["a group that is not there", "grouplost", {}, 404],
  ])("is refused with %s", async (_, name, change, status) => {
    const { directory = "elsewhere" } = {
      directory: status === 404 ? "nogroup" : status === 409 ? "elsewhere" : group,
    };
    await rawArm(world, "PUT", `${subscription()}/resourcegroups/elsewhere?${version}`, { location: "eastus" });
    const body = { location: "westeurope", sku, ...change };
    const answer = await rawArm(world, "PUT", `${idOf(name, directory)}?${version}`, body);
    expect([answer.status, answer.body.error.details]).toEqual([status, null]);
    expect(world.acr.registries().filter((registry) => registry.name === name).length).toBe(status === 409 ? 1 : 0);
  });
});

describe("finding registries", () => {
  test("by subscription, by group and among ARM's resources", async () => {
    await rawArm(world, "PUT", `${subscription()}/resourcegroups/Other?${version}`, { location: "eastus" });
    await create("inother", {}, "other");
    const all: string[] = [];
    for await (const { name } of world.client.registries.list()) all.push(name!);
    expect(all).toContain(registryName);
    const inOther: string[] = [];
    for await (const { id } of world.client.registries.listByResourceGroup("other")) inOther.push(id!);
    expect(inOther).toEqual([idOf("inother", "Other")]);
    const filter = encodeURIComponent("resourceType eq 'Microsoft.ContainerRegistry/registries' and name eq 'INOTHER'");
    const { body } = await rawArm(world, "GET", `${subscription()}/resources?api-version=2021-04-01&$filter=${filter}`);
    expect(body.value.map(({ name }) => name)).toEqual(["inother"]);
    expect((await rawArm(world, "GET", `${idOf("inother")}?${version}`)).status).toBe(404);
  });

  test("names are free or taken, whatever the case", async () => {
    const check = (name: string) =>
      world.client.registries.checkNameAvailability({ name, type: "Microsoft.ContainerRegistry/registries" });
    expect(await check("nobodyhasit")).toMatchObject({ nameAvailable: true });
    expect(await check(registryName.toUpperCase())).toMatchObject({ nameAvailable: false, reason: "AlreadyExists" });
    const body = { name: "a-b", type: "Microsoft.ContainerRegistry/registries" };
    const path = `${subscription()}/providers/Microsoft.ContainerRegistry/checkNameAvailability?${version}`;
    expect((await rawArm(world, "POST", path, body)).body).toMatchObject({ nameAvailable: false, reason: "Invalid" });
  });

  test("through the tenant, the subscription and the provider that clients look at first", async () => {
    const get = async (path: string) => (await rawArm(world, "GET", `${path}?api-version=2022-12-01`)).body;
    const { tenantId } = world.identity;
    expect((await get("/tenants")).value).toMatchObject([{ tenantId }]);
    expect((await get("/subscriptions")).value).toMatchObject([{ subscriptionId: world.acr.subscriptionId, tenantId }]);
    expect(await get(subscription())).toMatchObject({ state: "Enabled" });
    const provider = await get(`${subscription()}/providers/Microsoft.ContainerRegistry`);
    expect(provider).toMatchObject({ registrationState: "Registered" });
    expect((await get("/subscriptions/00000000-0000-4000-8000-00000000dead")).error.code).toBe("SubscriptionNotFound");
    expect((await rawArm(world, "GET", "/subscriptions?api-version=latest")).body.error.code).toBe(
      "InvalidApiVersionParameter",
    );
    expect((await get(`${subscription()}/providers/Microsoft.Compute`)).error.code).toBe("InvalidResourceType");
  });
});

test("a resource group is made, seen, and deleted with its registries", async () => {
  const path = `${subscription()}/resourcegroups/Brief?api-version=2021-04-01`;
  const head = async () => (await rawArm(world, "HEAD", path)).status;
  expect(await head()).toBe(404);
  const put = () => rawArm(world, "PUT", path, { location: "East US", tags: { a: "1" } });
  expect([(await put()).status, (await put()).status]).toEqual([201, 200]);
  expect((await rawArm(world, "GET", path)).body).toMatchObject({
    name: "Brief",
    location: "eastus",
    tags: { a: "1" },
  });
  expect(await head()).toBe(204);
  await create("briefone", {}, "brief");
  const deleted = await rawArm(world, "DELETE", path);
  expect(deleted.status).toBe(202);
  expect((await rawArm(world, "GET", deleted.headers.location as string)).status).toBe(200);
  expect(await head()).toBe(404);
  expect(world.acr.registries().map(({ name }) => name)).not.toContain("briefone");
});

describe("limits and credentials", () => {
  test.each([
    ["Basic", { Size: 10 * 1024 ** 3, Webhooks: 2 }],
    ["Standard", { Size: 107_374_182_400, Webhooks: 10 }],
    ["Premium", { Size: 500 * 1024 ** 3, Webhooks: 500, "Geo-replications": -1, Tokens: 50_000 }],
  ] as const)("%s says its own", async (name, limits) => {
    const registry = `tier${name}`;
    const { loginServer } = await create(registry, { sku: { name } });
    await pushImage(`http://${loginServer}`, "app", "v1", "0123456789");
    const { value } = await world.client.registries.listUsages(group, registry);
    expect(Object.fromEntries(value!.map((usage) => [usage.name, usage.limit]))).toMatchObject(limits);
    expect(value!.find((usage) => usage.name === "Size")?.currentValue).toBeGreaterThan(10);
  });

  test("the admin user's passwords are shown while it is enabled, and made anew one at a time", async () => {
    const { registries } = world.client;
    await create("admins");
    expect(await failure(registries.listCredentials(group, "admins"))).toMatchObject({
      statusCode: 400,
      code: "UnAuthorizedForCredentialOperations",
    });
    await registries.beginUpdateAndWait(group, "admins", { adminUserEnabled: true });
    const before = await registries.listCredentials(group, "admins");
    const after = await registries.regenerateCredential(group, "admins", { name: "password2" });
    expect(before.username).toBe("admins");
    expect(after.passwords?.[0]).toEqual(before.passwords?.[0]);
    expect(after.passwords?.[1]?.value).not.toBe(before.passwords?.[1]?.value);
  });
});

test("a registry re-created has a new date, no images, and begins its runs again, without the old one's logs", async () => {
  const before = await world.client.registries.get(group, registryName);
  await pushImage(images.url, "lost", "v1");
  images.store.setAttributes("lost", "v1", { deleteEnabled: false });
  await pushImage(images.url, "hidden", "v1");
  images.store.setAttributes("hidden", "", { listEnabled: false });
  const blob = await uploadBlob(images.url, "bare", "blob");
  const upload = (await fetch(`${images.url}/v2/bare/blobs/uploads/`, { method: "POST" })).headers.get("location")!;
  const first = await scheduleTask(world, "steps: [{cmd: img}]");
  await runEnded(world, first.runId!);
  await readLog(world, first.runId!);

  await world.acr.recreateRegistry();
  const after = await world.client.registries.get(group, registryName);
  expect([after.id, after.loginServer]).toEqual([before.id, before.loginServer]);
  expect(after.creationDate!.getTime()).toBeGreaterThan(before.creationDate!.getTime());
  expect(images.store.listRepositories()).toEqual([]);
  for (const path of ["/v2/hidden/manifests/v1", `/v2/bare/blobs/${blob}`, upload])
    expect((await fetch(images.url + path)).status).toBe(404);
  expect(await images.store.usage()).toBe(0);
  const stuck = world.acr.faults.add({ operation: "execute" }, stuckInQueue);
  const { logLink } = await world.client.registries
    .beginScheduleRunAndWait(group, registryName, {
      type: "EncodedTaskRunRequest",
      encodedTaskContent: Buffer.from("steps: [{cmd: img}]").toString("base64"),
      platform: { os: "Linux" },
      agentPoolName: "second",
    })
    .then(({ runId }) => world.client.runs.getLogSasUrl(group, registryName, runId!));
  expect(logLink).toContain("/cf1/rawtext.log");
  await expect(readLog(world, "cf1")).rejects.toMatchObject({ statusCode: 404 });
  stuck.lift();
  await runEnded(world, "cf1");
  expect(world.acr.runs().map(({ runId, agentPoolName }) => [runId, agentPoolName])).toEqual([["cf1", "second"]]);

  const kinds = world.acr.ledger().map(({ kind }) => kind);
  const at = kinds.indexOf("registry-deleted");
  expect(kinds.slice(at, at + 3)).toEqual(["registry-deleted", "registry-created", "run-scheduled"]);
  const numbers = world.acr.ledger().map(({ sequence }) => sequence);
  expect(numbers).toEqual(numbers.map((_, index) => index + 1));
});

describe("importing an image", () => {
  const importing = (name: string, parameters: object) =>
    rawArm(world, "POST", `${idOf(name)}/importImage?${version}`, parameters);

  async function imported(name: string, parameters: object): Promise<number> {
    const { status, body, headers } = await importing(name, parameters);
    expect([status, body]).toEqual([202, null]);
    for (;;) {
      const result = await rawArm(world, "GET", headers.location as string);
      if (result.status !== 202) return result.status;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  test("from another registry of the twin, by its ARM id or its address, and every part of an index", async () => {
    const source = await create("importfrom");
    await create("importto");
    const base = `http://${source.loginServer}`;
    const child = await pushImage(base, "base", "child", "of the index");
    const index = JSON.stringify({
      schemaVersion: 2,
      mediaType: ociIndex,
      manifests: [{ mediaType: ociManifest, digest: child.digest, size: child.text.length }],
    });
    const answer = await putManifest(base, "base", "multi", index, ociIndex);
    const digest = answer.headers.get("docker-content-digest");
    const from = { resourceId: source.id, sourceImage: "base:multi" };
    expect(await imported("importto", { source: from, targetTags: ["mirror/base:multi"] })).toBe(200);
    const byAddress = { registryUri: source.loginServer, sourceImage: `base@${child.digest}` };
    const target = { source: byAddress, untaggedTargetRepositories: ["by-digest"] };
    expect(await imported("importto", target)).toBe(200);

    const { loginServer } = await world.client.registries.get(group, "importto");
    const pulled = async (path: string, accept: string) => {
      const response = await fetch(`http://${loginServer}/v2/${path}`, { headers: { accept } });
      return [response.status, response.headers.get("docker-content-digest")];
    };
    expect(await pulled("mirror/base/manifests/multi", ociIndex)).toEqual([200, digest]);
    expect((await pulled(`mirror/base/blobs/${child.layer}`, "*/*"))[0]).toBe(200);
    expect(await pulled(`by-digest/manifests/${child.digest}`, ociManifest)).toEqual([200, child.digest]);
    const lines = world.acr.ledger("importto").flatMap((line) => (line.kind === "image-imported" ? [line] : []));
    expect(lines.map((line) => line.digest)).toEqual([digest, child.digest]);
  });

  test("from any registry, with its credentials and its token service, by the SDK", async () => {
    const foreign = await startForeignRegistry();
    try {
      await create("mirrors");
      const from = (sourceImage: string, password = "secret") => ({
        source: { registryUri: foreign.host, sourceImage, credentials: { username: "robot", password } },
        mode: "Force",
      });
      await world.client.registries.beginImportImageAndWait(group, "mirrors", from("lib/node:20"));
      const { loginServer } = await world.client.registries.get(group, "mirrors");
      const accept = { headers: { accept: ociManifest } };
      const pulled = await fetch(`http://${loginServer}/v2/lib/node/manifests/20`, accept);
      expect(pulled.headers.get("docker-content-digest")).toBe(foreign.digest);
      expect(await imported("mirrors", from("lib/node:none"))).toBe(404);
      expect(await imported("mirrors", from("lib/node:20", "wrong"))).toBe(400);
      expect(await imported("mirrors", from("lib/damaged:1"))).toBe(400);
      expect((await fetch(`http://${loginServer}/v2/lib/damaged/manifests/1`, accept)).status).toBe(404);
    } finally {
      await foreign.close();
    }
  });

  test.each([
    [{ targetTags: ["../../etc"] }],
    [{ targetTags: [`${"a".repeat(1000)}:1`] }],
    [{ targetTags: [`a:${"1".repeat(129)}`] }],
    [{ untaggedTargetRepositories: ["../../etc"] }],
    [{ source: { registryUri: "127.0.0.1:1", sourceImage: "a/../b:1" } }],
  ])("refuses at once a name that no repository can have: %o", async (names) => {
    const source = { registryUri: "127.0.0.1:1", sourceImage: "a:1" };
    const { status, body } = await importing(registryName, { source, ...names });
    expect([status, body.error?.code]).toEqual([400, "InvalidRequestContent"]);
  });

  test("asks for each part once, and takes none that is another than was asked for, or too long", async () => {
    const foreign = await startForeignRegistry();
    try {
      await create("careful");
      const credentials = { username: "robot", password: "secret" };
      const from = (sourceImage: string) => ({ source: { registryUri: foreign.host, sourceImage, credentials } });
      expect(await imported("careful", from("lib/twice:1"))).toBe(200);
      expect(foreign.asked).toEqual(["/v2/lib/twice/manifests/1", `/v2/lib/twice/manifests/${foreign.digest}`]);
      expect(await imported("careful", from("lib/loop:1"))).toBe(400);
      expect(await imported("careful", from("lib/long:1"))).toBe(400);
      expect(foreign.asked).not.toContain("all of it");
      const { loginServer } = await world.client.registries.get(group, "careful");
      const catalog = await fetch(`http://${loginServer}/v2/_catalog`);
      expect(await catalog.json()).toEqual({ repositories: ["lib/twice"] });
    } finally {
      await foreign.close();
    }
  });

  test("does not move a tag unless forced to, and tells what it cannot find", async () => {
    const source = await create("keepfrom");
    const { loginServer } = await create("keepto");
    await pushImage(`http://${source.loginServer}`, "base", "1", "new");
    const old = await pushImage(`http://${loginServer}`, "base", "1", "old");
    const from = { resourceId: source.id, sourceImage: "base:1" };
    const refused = await importing("keepto", { source: from, mode: "NoForce" });
    expect([refused.status, refused.body.error.code]).toEqual([409, "Conflict"]);
    const tag = async () => {
      const accept = { headers: { accept: ociManifest } };
      const response = await fetch(`http://${loginServer}/v2/base/manifests/1`, accept);
      return response.headers.get("docker-content-digest");
    };
    expect(await tag()).toBe(old.digest);
    expect(await imported("keepto", { source: from, mode: "Force" })).toBe(200);
    expect(await tag()).not.toBe(old.digest);
    expect(await imported("keepto", { source: { ...from, sourceImage: "base:none" } })).toBe(404);
    expect((await importing("keepto", { source: { ...from, resourceId: idOf("nowhere") } })).status).toBe(404);
  });
});

test("what ociRegistries makes again under the same name stands at the same address, and is empty", async () => {
  const create = ociRegistries({ dir: join(dir, "again") });
  const first = await create("again", "Basic");
  await pushImage(`http://${first.loginServer}`, "app", "v1");
  await first.remove!();
  const second = await create("again", "Basic");
  expect([second.loginServer, second.store!.listRepositories()]).toEqual([first.loginServer, []]);
  await second.close!();
});
