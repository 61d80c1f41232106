import { afterAll, beforeAll, expect, test } from "vitest";
import { RateLimits } from "../../../../local/acr/arm/response-headers.ts";
import { type RunningAzurite, startAzurite } from "../../../../local/azurite.ts";
import { type AcrWorld, startAcrWorld } from "../../../support/acr-world.ts";
import { rawArm } from "./raw-arm.ts";

let azurite: RunningAzurite;
let world: AcrWorld;

beforeAll(async () => {
  azurite = await startAzurite();
  // So slow that nothing comes back while a test runs.
  const writes = { full: 2, perSecond: 0.001 };
  world = await startAcrWorld(azurite.connectionString, { throttling: { writes } });
});
afterAll(async () => {
  await world?.close();
  await azurite?.stop();
});

test("with its bucket empty, ARM refuses writes with Retry-After and does not do them, and still answers reads", async () => {
  const post = () =>
    rawArm(world, "POST", `${world.acr.resourceId}/listBuildSourceUploadUrl?api-version=2019-06-01-preview`);
  const answers = [await post(), await post(), await post()];
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
  const left = answers.map(({ headers }) => headers["x-ms-ratelimit-remaining-subscription-writes"]);
  expect(left).toEqual(["1", "0", "0"]);
  const refused = answers[2]!;
  expect(refused.body.error).toMatchObject({ code: "TooManyRequests", details: null });
  expect(Number(refused.headers["retry-after"])).toBeGreaterThan(900);
  expect(refused.headers["x-ms-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
  expect(world.acr.ledger().filter(({ kind }) => kind === "source-upload-offered")).toHaveLength(2);
  const read = await rawArm(world, "GET", `${world.acr.resourceId}?api-version=2025-11-01`);
  expect([read.status, read.headers["x-ms-ratelimit-remaining-subscription-reads"]]).toEqual([200, "1199"]);
});

test("unless told to, it only counts", () => {
  const limits = new RateLimits();
  const taken = Array.from({ length: 2_000 }, () => limits.take("DELETE"));
  expect(taken.some(({ refusal }) => refusal)).toBe(false);
  expect(Number(taken.at(-1)!.headers["x-ms-ratelimit-remaining-subscription-deletes"])).toBeLessThan(50);
});
