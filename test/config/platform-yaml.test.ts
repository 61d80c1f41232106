import { describe, expect, it } from "vitest";
import { parsePlatformYaml } from "../../src/config/platform-yaml.ts";

const id = (name: string) =>
  `/subscriptions/0a1b2c3d-0000-0000-0000-00000000000f/resourceGroups/rg-images_(1)/providers/Microsoft.ContainerRegistry/registries/${name}`;

function problems(text: string): readonly string[] {
  const parsed = parsePlatformYaml(text);
  if (parsed.ok) return [];
  return parsed.problems.map(({ line, column, key, message, fix }) => `${line}:${column} ${key}: ${message} -> ${fix}`);
}

describe("parsePlatformYaml", () => {
  it("reads registries and rules, and fills in the run limit", () => {
    const text = `version: 1
registries:
  acmeprod: { resource-id: ${id("acmeprod")}, max-runs: 10, agent-pool: pool1 }
  acmedev: { resource-id: ${id("AcmeDev").toUpperCase()} }
publish:
  - { from: acme/web-*, to: "web/**" }
  - { from: 12345, to: web/shop, registry: acmedev }
`;
    expect(parsePlatformYaml(text)).toEqual({
      ok: true,
      value: {
        registries: {
          acmeprod: { alias: "acmeprod", resourceId: id("acmeprod"), maxRuns: 10, agentPool: "pool1" },
          acmedev: { alias: "acmedev", resourceId: id("AcmeDev").toUpperCase(), maxRuns: 4 },
        },
        publish: [
          { from: "acme/web-*", to: "web/**" },
          { from: 12345, to: "web/shop", registry: "acmedev" },
        ],
      },
    });
  });

  it("allows nobody when there is no rule, and finds no registry that nobody wrote", () => {
    const parsed = parsePlatformYaml(`version: 1\nregistries: { acmeprod: { resource-id: ${id("acmeprod")} } }\n`);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
    expect(parsed.value.publish).toEqual([]);
    expect(parsed.value.registries.constructor).toBeUndefined();
  });

  const aliasFix = "use 2 to 31 lower case letters, digits and `-`, as in acmeprod";
  const registry = `resource-id: ${id("acmeprod")}`;
  it.each(
    [
      ["{ registries: {} }", "1:1 version: `version` is missing -> add `version: 1`"],
      ["{ version: 1 }", "1:1 registries: `registries` is missing -> add `registries: { acmeprod: {} }`"],
      [
        "{ version: 1, registries: {}, waves: 1 }",
        "1:31 waves: `waves` is not a key here -> remove it; the keys here are version, registries, publish",
      ],
      [
        "{ version: 1, registries: {}, freeze: 1 }",
        "1:31 freeze: `freeze` is not a key here -> remove it; the keys here are version, registries, publish",
      ],
      [
        `{ version: 1, registries: { A: { ${registry} } } }`,
        `1:29 registries.A: "A" is not a registry alias -> ${aliasFix}`,
      ],
      [
        `{ version: 1, registries: { ab: { ${registry}, max-runs: 0 } } }`,
        "1:198 registries.ab.max-runs: 0 is too small -> write 1 or more",
      ],
      [
        `{ version: 1, registries: { ab: { ${registry}, max-runs: 101 } } }`,
        "1:198 registries.ab.max-runs: 101 is too large -> write 100 or less",
      ],
      [
        `{ version: 1, registries: { ab: { ${registry}, max-runs: 1.5 } } }`,
        "1:198 registries.ab.max-runs: must be a whole number, found the number 1.5 -> write it as in 4",
      ],
      [
        `{ version: 1, registries: { ab: { ${registry}, agent-pool: a_b } } }`,
        '1:200 registries.ab.agent-pool: "a_b" is not an agent pool\'s name -> use 3 to 20 letters, digits and `-`',
      ],
      [
        `{ version: 1, registries: { ab: { ${registry}, agentPool: abc } } }`,
        "1:188 registries.ab.agentPool: `agentPool` is not a key here -> did you mean `agent-pool`?",
      ],
      [
        "{ version: 1, registries: {}, publish: [{ from: acme, to: a }] }",
        '1:49 publish[0].from: "acme" is not owner/name -> write a pattern such as acme/web-*, or the numeric id of the source repository',
      ],
      [
        '{ version: 1, registries: {}, publish: [{ from: "123", to: a }] }',
        '1:49 publish[0].from: "123" is text, not an id -> remove the quotes: 123',
      ],
      [
        "{ version: 1, registries: {}, publish: [{ from: -3, to: a }] }",
        "1:49 publish[0].from: -3 is too small -> write 1 or more",
      ],
      [
        "{ version: 1, registries: {}, publish: [{ from: 99999999999999999999, to: a }] }",
        "1:49 publish[0].from: 99999999999999999999 is too large -> write 9007199254740991 or less",
      ],
      [
        "{ version: 1, registries: {}, publish: [{ from: true, to: a }] }",
        "1:49 publish[0].from: must be text or a whole number, found the truth value true -> write it as in acme/web-*",
      ],
      [
        "{ version: 1, registries: {}, publish: [{ from: 1 }] }",
        "1:41 publish[0].to: `to` is missing -> add `to: web/**`",
      ],
      [
        '{ version: 1, registries: {}, publish: [{ from: 1, to: "!a" }] }',
        '1:56 publish[0].to: the pattern "!a" takes away, and there is nothing to take from -> list what is allowed; everything else is denied',
      ],
      [
        `{ version: 1, registries: { acmeprod: { ${registry} } }, publish: [{ from: 1, to: a, registry: acmeprd }] }`,
        '1:236 publish[0].registry: there is no registry "acmeprd" -> did you mean acmeprod?',
      ],
      [
        "{ version: 1, registries: {}, publish: [{ from: 1, to: a, registry: constructor }] }",
        '1:69 publish[0].registry: there is no registry "constructor" -> add it under `registries`, or remove `registry` to mean any',
      ],
      [
        `{ version: 1, registries: { a1: { ${registry} }, a2: { ${registry.replace("resourceGroups", "RESOURCEGROUPS")} } } }`,
        '1:209 registries.a2.resource-id: "a1" is the same registry -> keep one of the two aliases',
      ],
    ].map(([text, problem]) => ({ text: text as string, problem: problem as string })),
  )("$problem", ({ text, problem }) => {
    expect(problems(text)).toEqual([problem]);
  });

  it.each([
    "acmeprod",
    id("a"),
    id("acme-prod"),
    `${id("acmeprod")}/`,
    id("acmeprod").replace("0a1b2c3d", "me"),
    `x${id("acmeprod")}`,
    id("acmeprod").replace("ContainerRegistry", "Storage"),
  ])("refuses %s as a resource id", (resourceId) => {
    expect(problems(`{ version: 1, registries: { ab: { resource-id: ${resourceId} } } }`)).toEqual([
      expect.stringMatching(
        /registries\.ab\.resource-id: .* is not the ARM id of a container registry -> copy it from `az acr show/,
      ),
    ]);
  });
});
