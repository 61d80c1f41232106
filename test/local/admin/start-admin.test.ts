/** Registries made through ARM, as the admin endpoint and its ledger see them. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Admin, startAdmin } from "../../../local/admin/start-admin.ts";
import { type RunningAzurite, startAzurite } from "../../../local/azurite.ts";
import { Clock } from "../../../local/clock.ts";
import { type LocalGitHub, startGitHub } from "../../../local/github/start-github.ts";
import { type LocalRegistry, startRegistry } from "../../../local/registry/registry.ts";
import { type AcrWorld, startAcrWorld } from "../../support/acr-world.ts";
import { rawArm } from "../acr/arm/raw-arm.ts";

const version = "api-version=2025-11-01";
let dir: string;
let azurite: RunningAzurite;
let world: AcrWorld;
let registry: LocalRegistry;
let github: LocalGitHub;
let admin: Admin;
let second: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "slipway-admin-"));
  azurite = await startAzurite();
  [world, registry, github] = await Promise.all([
    startAcrWorld(azurite.connectionString),
    startRegistry({ dir: join(dir, "registry") }),
    startGitHub({ dir: join(dir, "github"), app: { id: 1 } }),
  ]);
  admin = await startAdmin({ acr: world.acr, registry, github, clock: new Clock() }, "token");
  const group = `/subscriptions/${world.acr.subscriptionId}/resourcegroups/Images`;
  const made = `${group}/providers/Microsoft.ContainerRegistry/registries/second`;
  await rawArm(world, "PUT", `${group}?api-version=2021-04-01`, { location: "westeurope" });
  await rawArm(world, "PUT", `${made}?${version}`, { location: "westeurope", sku: { name: "Basic" } });
  second = world.acr.registries().find(({ name }) => name === "second")!.loginServer;
});
afterAll(async () => {
  await Promise.all([admin?.close(), world?.close(), registry?.close(), github?.close()]);
  await azurite?.stop();
  await rm(dir, { recursive: true, force: true });
});

const ask = (path: string, body?: object) =>
  fetch(`${admin.endpoints.admin}${path}`, {
    method: body ? "POST" : "GET",
    headers: { authorization: "Bearer token", "content-type": "application/json" },
    body: body ? JSON.stringify(body) : null,
  });
const ledger = async () =>
  (await (await ask("/ledger")).text())
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as object);

test("an image is pushed to the registry its reference names, listed there, and in no other", async () => {
  const reference = `${second}/team/base:1`;
  expect((await ask("/images", { reference, text: "two" })).status).toBe(201);
  const file = (image: string) => ask(`/images/file?image=${encodeURIComponent(image)}&path=etc/image-version`);
  expect(await (await file(reference)).text()).toBe("two\n");
  expect((await file("team/base:1")).status).toBe(404);
  expect((await file("127.0.0.1:1/team/base:1")).status).toBe(404);
  expect(registry.store.listTags("team/base")).toBeUndefined();
  expect(await ledger()).toContainEqual(
    expect.objectContaining({ source: "registry/second", repository: "team/base", action: "push" }),
  );
});

test("the registry recreated is the first, and is told with its new date", async () => {
  const { registryName: name, resourceId } = world.acr;
  const before = world.acr.registries().find((each) => each.name === name)!;
  const told = (await (await ask("/registry/recreate", {})).json()) as { creationDate: string };
  expect(told).toMatchObject({ name, resourceId, loginServer: before.loginServer });
  expect(Date.parse(told.creationDate)).toBeGreaterThan(Date.parse(before.creationDate));
});

test("the ledger tells of resource groups, and of a registry that is gone", async () => {
  const group = `/subscriptions/${world.acr.subscriptionId}/resourcegroups/images?api-version=2021-04-01`;
  await rawArm(world, "PATCH", group, { tags: { a: "b" } });
  await rawArm(world, "DELETE", group);
  const lines = await ledger();
  expect(lines.filter((line) => (line as { source: string }).source === "arm")).toMatchObject([
    { kind: "resource-group-saved", name: "Images", sequence: 1 },
    { kind: "registry-deleted", name: world.acr.registryName },
    { kind: "resource-group-saved", name: "Images" },
    { kind: "registry-deleted", name: "second", resourceGroup: "Images" },
    { kind: "resource-group-deleted", name: "Images", sequence: 5 },
  ]);
});
