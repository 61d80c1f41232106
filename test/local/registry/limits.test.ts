import { expect, test } from "vitest";
import { Clock } from "../../../local/clock.ts";
import { Limits } from "../../../local/registry/limits.ts";
import { errorCode, pushImage, sha256, temporaryRegistry } from "./support.ts";

test("each kind of request has a rate of its own, and Retry-After counts down to when it is filled anew", async () => {
  let now = 1_000_000;
  const perMinute = { read: 4, write: 3, delete: 1, referrers: 1, oauth: 2 };
  const { url, loginServer } = await temporaryRegistry({ limits: { tier: "Basic", perMinute, now: () => now } });
  const { digest } = await pushImage(url, "a", "v1");
  const remove = () => fetch(`${url}/v2/a/manifests/v2`, { method: "DELETE" });
  const pull = () => fetch(`${url}/v2/a/manifests/v1`);
  const answers = async (ask: () => Promise<Response>) => {
    const response = await ask();
    return [response.status, response.headers.get("retry-after")];
  };
  const upload = await fetch(`${url}/v2/a/blobs/uploads/`, { method: "POST" });
  expect([upload.status, upload.headers.get("retry-after"), await errorCode(upload)]).toEqual([
    429,
    "60",
    "TOOMANYREQUESTS",
  ]);
  // Everybody is one caller here, and one caller has half of the reads.
  expect([await answers(pull), await answers(pull), await answers(pull)]).toEqual([
    [200, null],
    [200, null],
    [429, "60"],
  ]);
  now += 20_500;
  expect([await answers(pull), await answers(remove), await answers(remove)]).toEqual([
    [429, "40"],
    [404, null],
    [429, "60"],
  ]);
  const referrers = () => fetch(`${url}/v2/a/referrers/${digest}`);
  expect([await answers(referrers), await answers(referrers)]).toEqual([
    [200, null],
    [429, "60"],
  ]);
  const token = () => fetch(`${url}/oauth2/token?service=${loginServer}`);
  expect((await token()).headers.get("x-ms-ratelimit-remaining-calls-per-second")).toBe("0.016667");
  expect([await answers(token), await answers(token)]).toEqual([
    [200, null],
    [429, "60"],
  ]);
  now += 39_500;
  expect([await answers(pull), await answers(remove)]).toEqual([
    [200, null],
    [429, "21"],
  ]);
});

test("a jump of the twin's clock is a minute like any other", async () => {
  const clock = new Clock();
  const { url } = await temporaryRegistry({ clock, limits: { tier: "Basic", perMinute: { read: 2 } } });
  const status = async () => (await fetch(`${url}/v2/`)).status;
  expect([await status(), await status()]).toEqual([200, 429]);
  clock.jump(61_000);
  expect(await status()).toBe(200);
});

test("the tiers have ACR's rates", () => {
  const rate = (tier: "Basic" | "Standard" | "Premium", operations: "write" | "delete" | "referrers" | "oauth") =>
    Math.round(Number(new Limits({ tier, now: () => 0 }).take(operations, "")) * 60) + 1;
  expect([rate("Basic", "write"), rate("Standard", "delete"), rate("Standard", "referrers")]).toEqual([
    2000, 1000, 500,
  ]);
  expect([rate("Premium", "write"), rate("Premium", "delete"), rate("Premium", "referrers")]).toEqual([
    4000, 4000, 2000,
  ]);
  expect([rate("Basic", "oauth"), rate("Premium", "oauth")]).toEqual([10_000, 20_000]);
});

test("without a tier nothing is counted", async () => {
  const { url } = await temporaryRegistry();
  const response = await fetch(`${url}/oauth2/token?service=${new URL(url).host}`);
  expect(response.headers.get("x-ms-ratelimit-remaining-calls-per-second")).toBeNull();
});

test("usage is what manifests name, each thing once, and sinks when the last that names it goes", async () => {
  const { url, store } = await temporaryRegistry();
  expect(await store.usage()).toBe(0);
  const first = await pushImage(url, "a", "v1");
  const whole = first.text.length + "layer".length + "{}".length;
  expect(await store.usage()).toBe(whole);
  await pushImage(url, "b", "v1");
  await store.putBlob("a", Buffer.from("nobody names this"));
  expect(await store.usage()).toBe(whole);
  const second = await pushImage(url, "a", "v2", "another");
  expect(await store.usage()).toBe(whole + second.text.length + "another".length);
  await store.deleteManifest("a", second.digest);
  await store.deleteManifest("a", first.digest);
  expect(await store.usage()).toBe(whole);
  expect(await store.resolve("a", sha256(first.text))).toBeUndefined();
});
