import { availableParallelism } from "node:os";
import { describe, expect, test } from "vitest";
import { hostSettingsFrom } from "../../../local/host/host-json.ts";
import { QueueBackoff } from "../../../local/host/queue-backoff.ts";
import { parseTimeSpan } from "../../../local/host/time-span.ts";

describe("host.json", () => {
  test("has the real host's defaults", () => {
    expect(hostSettingsFrom({ version: "2.0" }, {})).toEqual({
      routePrefix: "api",
      functionTimeout: 1_800_000,
      logLevels: {},
      queues: {
        batchSize: 16,
        newBatchThreshold: 8 * availableParallelism(),
        maxPollingInterval: 60_000,
        maxDequeueCount: 5,
        visibilityTimeout: 0,
        messageEncoding: "base64",
      },
    });
    const development = hostSettingsFrom(
      { version: "2.0" },
      { AZURE_FUNCTIONS_ENVIRONMENT: "Development", WEBSITE_SKU: "Dynamic" },
    );
    expect(development.queues).toMatchObject({ maxPollingInterval: 2_000, newBatchThreshold: 8 });
  });

  test("reads what is set", () => {
    const settings = hostSettingsFrom(
      {
        version: "2.0",
        functionTimeout: "-1",
        logging: { logLevel: { default: "Warning", "Function.x": "Debug" } },
        extensions: {
          http: { routePrefix: "" },
          queues: { batchSize: 1, newBatchThreshold: 0, visibilityTimeout: "00:00:15", messageEncoding: "None" },
        },
      },
      {},
    );
    expect(settings).toMatchObject({
      routePrefix: "",
      functionTimeout: undefined,
      logLevels: { default: "warning", "Function.x": "debug" },
      queues: { batchSize: 1, newBatchThreshold: 0, visibilityTimeout: 15_000, messageEncoding: "none" },
    });
  });

  test.each([
    [{}, /version/],
    [{ version: "2.0", functionTimeout: "10 minutes" }, /functionTimeout/],
    [{ version: "2.0", extensions: { queues: { batchSize: 33 } } }, /batchSize must be an integer of 1 to 32/],
    [{ version: "2.0", extensions: { queues: { maxPollingInterval: "00:00:00.05" } } }, /maxPollingInterval/],
    [{ version: "2.0", extensions: { queues: { messageEncoding: "hex" } } }, /messageEncoding/],
    [{ version: "2.0", logging: { logLevel: { default: "Loud" } } }, /logLevel/],
  ])("refuses %j", (json, message) => {
    expect(() => hostSettingsFrom(json, {})).toThrow(message);
  });
});

test("back-off starts at 100 ms, doubles its growth, ends at the longest wait and begins anew after work", () => {
  const waits = (random: number) => {
    const backoff = new QueueBackoff(2_000, () => random);
    const first = Array.from({ length: 7 }, () => Math.round(backoff.next()));
    backoff.reset();
    return [...first, backoff.next()];
  };
  expect(waits(0.5)).toEqual([100, 200, 300, 500, 900, 1700, 2000, 100]);
  expect(waits(0)).toEqual([100, 180, 260, 420, 740, 1380, 2000, 100]);
});

test.each([
  ["00:00:15", 15_000],
  ["1.02:03:04.5", 93_784_500],
  ["00:00:00.2000000", 200],
  ["23:59", 86_340_000],
  ["24:00:00", undefined],
  ["15", undefined],
  ["00:60:00", undefined],
])("time span %s is %s ms", (text, expected) => {
  expect(parseTimeSpan(text)).toBe(expected);
});
