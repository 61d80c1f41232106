import { describe, expect, test } from "vitest";
import type { BindingInfo } from "../../../local/host/core-types.ts";
import { functionDefinitions } from "../../../local/host/metadata.ts";
import { connectionString } from "../../../local/host/storage-connection.ts";

const fn = (name: string, bindings: Record<string, BindingInfo>) => ({ name, bindings });
const http: BindingInfo = { type: "httpTrigger", direction: "in", methods: ["GET"], authLevel: "anonymous" };
const queue: BindingInfo = { type: "queueTrigger", direction: "in", queueName: "%Q%-jobs", connection: "" };

describe("function definitions", () => {
  test("are sorted by name without regard to case; a missing route is the name", () => {
    const definitions = functionDefinitions([fn("b", { t: http }), fn("C", { t: http }), fn("a_x", { t: http })], {});
    expect(definitions.map((definition) => definition.trigger)).toMatchObject([
      { route: "a_x" },
      { route: "b" },
      { route: "C" },
    ]);
  });

  test("resolve %SETTING% in queue names and keep binding keys", () => {
    const out: BindingInfo = { type: "queue", direction: "out", queueName: "Done", connection: "X", name: "hash" };
    const [definition] = functionDefinitions([fn("q", { t: queue, $return: out })], { Q: "Build" });
    expect(definition?.trigger).toMatchObject({ kind: "queue", queueName: "build-jobs", connection: undefined });
    expect(definition?.queueOutputs).toEqual([{ bindingName: "$return", queueName: "done", connection: "X" }]);
  });

  test.each([
    [{ t: { ...queue, queueName: "%MISSING%" } }, /'%MISSING%' does not resolve/],
    [{ t: { ...queue, queueName: "no--double" } }, /not a valid queue name/],
    [{ t: { type: "blobTrigger", direction: "in" } }, /no trigger of type blobTrigger/],
    [{ t: http, out: { type: "table", direction: "out" } }, /no output binding of type table/],
    [{ t: http, in: { type: "table", direction: "in" } }, /no input bindings/],
    [{ t: http, "not valid": { type: "queue", direction: "out" } }, /binding name "not valid"/],
    [{ a: http, b: queue }, /exactly one trigger, has 2/],
  ] as [Record<string, BindingInfo>, RegExp][])("refuse %j", (bindings, message) => {
    expect(() => functionDefinitions([fn("f", bindings)], {})).toThrow(message);
  });

  test("refuse the names the real host refuses", () => {
    for (const name of ["Host", "1st", "with space", "x".repeat(129)]) {
      expect(() => functionDefinitions([fn(name, { t: http })], {})).toThrow(/not a valid function name/);
    }
  });

  test("know disabled functions", () => {
    const [off, on] = functionDefinitions([fn("off", { t: http }), fn("on", { t: http })], {
      "AzureWebJobs.off.Disabled": "True",
    });
    expect([off?.disabled, on?.disabled]).toEqual([true, false]);
  });
});

describe("connections", () => {
  test("take the setting, the one with AzureWebJobs before it, or AzureWebJobsStorage for none", () => {
    const env = { AzureWebJobsStorage: "host", AzureWebJobsOther: "other", Exact: "exact", AzureWebJobsExact: "no" };
    expect([undefined, "", "Storage", "Other", "Exact"].map((name) => connectionString(name, env))).toEqual([
      "host",
      "host",
      "host",
      "other",
      "exact",
    ]);
  });

  test("refuse identity-based ones and missing ones by name", () => {
    expect(() => connectionString("Other", { Other__queueServiceUri: "http://x" })).toThrow(
      /Other: .*Other__queueServiceUri \(identity-based\) is not supported/,
    );
    expect(() => connectionString("Nope", {})).toThrow(/connection Nope: there is no app setting/);
  });
});
