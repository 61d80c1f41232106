import { describe, expect, it } from "vitest";
import type { PublishPolicy, PublishRule } from "../../../src/core/config/platform.ts";
import { mayPublish } from "../../../src/core/config/publish.ts";

const registry = (alias: string) => ({ alias, resourceId: `/subscriptions/s/${alias}`, maxRuns: 4 });
const platform = (...publish: PublishRule[]): PublishPolicy => ({
  registries: { acmeprod: registry("acmeprod"), acmedev: registry("acmedev") },
  publish,
});
const source = { provider: "github", id: 123, fullName: "Acme/Web-shop" } as const;

describe("mayPublish", () => {
  it.each<[string, PublishRule[], boolean]>([
    ["denies when there is no rule", [], false],
    ["allows by id", [{ from: 123, to: "web/**" }], true],
    ["denies an id that only contains ours", [{ from: 1234, to: "**" }], false],
    ["denies an id that ours contains", [{ from: 12, to: "**" }], false],
    ["denies our id written as a pattern", [{ from: "*123*", to: "**" }], false],
    ["allows by name, whatever the case", [{ from: "acme/WEB-*", to: "web/**" }], true],
    ["denies a name that only starts the same", [{ from: "acme/web", to: "**" }], false],
    ["denies an owner that only ends the same", [{ from: "cme/web-shop", to: "**" }], false],
    ["denies another repository", [{ from: 123, to: "api/**" }], false],
    [
      "denies when source and repository are allowed by different rules",
      [
        { from: 123, to: "api/**" },
        { from: 9, to: "web/**" },
      ],
      false,
    ],
    ["allows at the registry a rule names", [{ from: 123, to: "web/**", registry: "acmeprod" }], true],
    ["denies at another registry", [{ from: 123, to: "web/**", registry: "acmedev" }], false],
    [
      "allows when any rule does",
      [
        { from: 9, to: "**" },
        { from: 123, to: "web/shop" },
      ],
      true,
    ],
    ["denies a rule that takes away", [{ from: 123, to: "!web/**" }], false],
  ])("%s", (_, rules, expected) => {
    expect(mayPublish(platform(...rules), source, "acmeprod", "web/shop")).toBe(expected);
  });

  it("denies a registry that does not exist, `constructor` included", () => {
    const all = platform({ from: 123, to: "**" });
    expect(["acmetest", "constructor", "__proto__"].map((alias) => mayPublish(all, source, alias, "web"))).toEqual([
      false,
      false,
      false,
    ]);
  });
});
