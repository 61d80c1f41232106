import { describe, expect, it } from "vitest";
import { parsePlatformYaml } from "../../src/config/platform-yaml.ts";
import { defaultBaseUpdates, defaultWaves } from "../../src/core/config/platform.ts";

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
        waves: defaultWaves,
        freeze: [],
        baseUpdates: defaultBaseUpdates,
      },
    });
  });

  it("reads when waves hold back, when nothing is built and which bases are watched", () => {
    const parsed = parsePlatformYaml(`version: 1
registries: {}
waves: { large-from: 0 }
freeze:
  - { weekly: "Fri 16:00 - Mon 06:00", why: weekend }
  - { from: 2026-12-20T00:00:00Z, until: 2027-01-02T06:00:00Z, why: year's end }
base-updates:
  settle: 0s
  check-every: 1h
  registries: { docker.io: {}, "127.0.0.1:5000": { credential: SLIPWAY_REGISTRY_X, token-hosts: [auth.example.com] } }
`);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
    expect(parsed.value.waves).toEqual({ ...defaultWaves, largeFrom: 0 });
    expect(parsed.value.freeze).toEqual([
      { kind: "weekly", from: (4 * 24 + 16) * 60, until: 6 * 60, why: "weekend" },
      { kind: "once", from: Date.UTC(2026, 11, 20), until: Date.UTC(2027, 0, 2, 6), why: "year's end" },
    ]);
    expect(parsed.value.baseUpdates).toEqual({
      settleSeconds: 0,
      checkSeconds: 3600,
      registries: [
        { host: "docker.io", tokenHosts: [] },
        { host: "127.0.0.1:5000", tokenHosts: ["auth.example.com"], credentialSetting: "SLIPWAY_REGISTRY_X" },
      ],
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
        "{ version: 1, registries: {}, retention: 1 }",
        "1:31 retention: `retention` is not a key here -> remove it; the keys here are version, registries, publish, waves, freeze, base-updates",
      ],
      [
        "{ version: 1, registries: {}, freeze: [{ weekly: Fri 16:00, why: x }] }",
        '1:50 freeze[0].weekly: "Fri 16:00" is no weekly time -> write it as in `Fri 16:00 - Mon 06:00`, in UTC',
      ],
      [
        "{ version: 1, registries: {}, freeze: [{ from: 2026-12-20T00:00:00Z, why: x }] }",
        "1:40 freeze[0]: a freeze needs a begin and an end -> give `from` and `until`, or `weekly`",
      ],
      [
        "{ version: 1, registries: {}, freeze: [{ from: 2026-12-20T00:00:00Z, until: 2026-12-19T00:00:00Z, why: x }] }",
        "1:40 freeze[0]: 2026-12-19T00:00:00Z is not after 2026-12-20T00:00:00Z -> let the freeze end after it begins",
      ],
      [
        "{ version: 1, registries: {}, base-updates: { settle: 2h } }",
        '1:55 base-updates.settle: "2h" is out of range -> choose from 0s to 1h',
      ],
      [
        "{ version: 1, registries: {}, base-updates: { registries: { https://docker.io: {} } } }",
        '1:61 base-updates.registries.https://docker.io: "https://docker.io" is not a registry host -> write the host only, in lower case, as in docker.io or registry.example.com:5000',
      ],
      [
        "{ version: 1, registries: {}, base-updates: { registries: { docker.io: { credential: hunter2 } } } }",
        "1:86 base-updates.registries.docker.io.credential: this is not the name of a setting -> name a setting that begins with SLIPWAY_REGISTRY_; it holds user:password, this file does not",
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
