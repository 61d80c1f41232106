import { describe, expect, it } from "vitest";
import type { ImageDefinition } from "../../../src/core/config/definition.ts";
import { definitionKey, describeDefinitionChange } from "../../../src/core/config/definition-hash.ts";
import { definition } from "./definitions.ts";

const base = definition();

describe("definitionKey", () => {
  it.each<[string, Partial<ImageDefinition>]>([
    ["name", { name: "other" }],
    ["registry", { registry: "other" }],
    ["owner", { owner: "team" }],
    ["on", { on: { pullRequest: "build-only", baseUpdate: "off", schedule: [{ cron: "0 0 * * *" }] } }],
  ])("stays the same when only %s changes", (_, change) => {
    expect(definitionKey(definition(change))).toBe(definitionKey(base));
  });

  it("does not depend on the order of build arguments, tags or platforms", () => {
    const one = definition({ buildArgs: { A: "1", B: "2" }, tags: { stable: ["a", "b"], unique: ["{{run}}"] } });
    const two = definition({ buildArgs: { B: "2", A: "1" }, tags: { stable: ["b", "a"], unique: ["{{run}}"] } });
    expect(definitionKey(one)).toBe(definitionKey(two));
  });

  it("leaves out what is absent, empty or off, so that new keys do not rebuild everything", () => {
    expect(JSON.parse(definitionKey(base)).map(([key]: [string]) => key)).toEqual([
      "context",
      "dockerfile",
      "platforms",
      "repository",
      "tags.stable",
      "tags.unique",
      "timeout",
    ]);
  });

  it.each<[string, Partial<ImageDefinition>, object[]]>([
    ["repository", { repository: "shop" }, [{ key: "repository", from: "web", to: "shop" }]],
    ["context", { context: "" }, [{ key: "context", from: "images/web", to: "" }]],
    ["dockerfile", { dockerfile: "a/D" }, [{ key: "dockerfile", from: "Dockerfile", to: "a/D" }]],
    ["compat", { compat: true }, [{ key: "compat", from: "", to: "true" }]],
    ["target", { target: "runtime" }, [{ key: "target", from: "", to: "runtime" }]],
    ["a build argument", { buildArgs: { A: "1" } }, [{ key: "build-args.A", from: "", to: "1" }]],
    ["an empty build argument", { buildArgs: { A: "" } }, [{ key: "build-args.A", from: "", to: '""' }]],
    [
      "an argument called __proto__",
      { buildArgs: JSON.parse('{"__proto__":"x"}') },
      [{ key: "build-args.__proto__", from: "", to: "x" }],
    ],
    ["tags", { tags: { ...base.tags, stable: [] } }, [{ key: "tags.stable", from: '["{{ref_name}}"]', to: "" }]],
    ["test", { test: ["a", ["b", "c"]] }, [{ key: "test", from: "", to: '["a",["b","c"]]' }]],
    ["cache", { cache: true }, [{ key: "cache", from: "", to: "true" }]],
    [
      "platforms",
      { platforms: ["linux/arm64"] },
      [{ key: "platforms", from: '["linux/amd64"]', to: '["linux/arm64"]' }],
    ],
    ["timeout", { timeoutSeconds: 600 }, [{ key: "timeout", from: "3600", to: "600" }]],
  ])("changes with %s, and the change can be told", (_, change, expected) => {
    expect(describeDefinitionChange(definitionKey(base), definitionKey(definition(change)))).toEqual(expected);
  });

  it("depends on the order of tests", () => {
    expect(definitionKey(definition({ test: ["a", "b"] }))).not.toBe(definitionKey(definition({ test: ["b", "a"] })));
  });

  it("tells nothing between equal definitions, and all changes in the order of their keys", () => {
    expect(describeDefinitionChange(definitionKey(base), definitionKey(definition()))).toEqual([]);
    const other = definition({ repository: "shop", cache: true, context: "shop" });
    expect(describeDefinitionChange(definitionKey(base), definitionKey(other)).map((change) => change.key)).toEqual([
      "cache",
      "context",
      "repository",
    ]);
  });
});
