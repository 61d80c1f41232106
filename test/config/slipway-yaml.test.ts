import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseSlipwayYaml } from "../../src/config/slipway-yaml.ts";
import type { ImageDefinition } from "../../src/core/config/definition.ts";

function images(text: string): readonly ImageDefinition[] {
  const parsed = parseSlipwayYaml(text);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.value.images;
}

/** One image called web with these lines added to it, and this `defaults`. */
function web(lines = "", defaults = "registry: acmeprod"): ImageDefinition {
  const body = lines.split("\n").map((line) => `    ${line}`);
  const [image] = images(
    `version: 1\ndefaults: { ${defaults} }\nimages:\n  web:\n    repository: web\n${body.join("\n")}\n`,
  );
  return image as ImageDefinition;
}

const minimal: ImageDefinition = {
  name: "web",
  registry: "acmeprod",
  repository: "web",
  context: "",
  dockerfile: "Dockerfile",
  buildArgs: {},
  tags: { stable: ["{{ref_name}}"], unique: ["{{ref_name}}-{{short_sha}}-{{run}}"] },
  test: [],
  cache: false,
  platforms: ["linux/amd64"],
  timeoutSeconds: 3600,
  on: {
    push: { branches: ["main"], tags: [], paths: [] },
    pullRequest: "off",
    baseUpdate: "all",
    schedule: [],
  },
};

describe("parseSlipwayYaml", () => {
  it("reads the example of docs/configuration.md", () => {
    const page = readFileSync(new URL("../../docs/configuration.md", import.meta.url), "utf8");
    const example = /```yaml\n(version: 1\ndefaults:[\s\S]*?)```/.exec(page)?.[1];
    expect(images(example as string)).toEqual([
      {
        name: "node-base",
        registry: "acmeprod",
        repository: "platform/node-base",
        context: "images/node-base",
        dockerfile: "Dockerfile",
        target: "runtime",
        buildArgs: { NODE_ENV: "production" },
        tags: { stable: ["{{branch}}"], unique: ["{{branch}}-{{short_sha}}-{{run}}"] },
        test: ["node --version"],
        cache: true,
        platforms: ["linux/amd64"],
        timeoutSeconds: 1800,
        owner: "team-web",
        on: {
          push: { branches: ["main", "release/*"], tags: ["v*"], paths: ["shared/**"] },
          pullRequest: "build-only",
          baseUpdate: "all",
          schedule: [{ cron: "0 3 * * 1" }],
        },
      },
    ]);
  });

  it("fills in every default", () => {
    expect(web()).toEqual(minimal);
  });

  it("reads names that look like numbers", () => {
    const text =
      "version: 1\ndefaults: { registry: ab }\nimages: { 1: { repository: one }, 0x1f: { repository: hex } }";
    expect(images(text).map((image) => image.name)).toEqual(["1", "0x1f"]);
  });

  it.each([
    [".", ""],
    ["./", ""],
    ["./images//web/", "images/web"],
    ["a/./b", "a/b"],
    ["..a/b..", "..a/b.."],
    ["@scope/c++", "@scope/c++"],
  ])("reads the path %s as %s", (written, context) => {
    expect(web(`context: "${written}"`).context).toBe(context);
    if (context !== "") expect(web(`dockerfile: "${written}"`).dockerfile).toBe(context);
  });

  it.each([
    ["300s", 300],
    ["5m", 300],
    ["90m", 5400],
    ["8h", 28800],
  ])("reads a timeout of %s as %d seconds", (written, seconds) => {
    expect(web(`timeout: ${written}`).timeoutSeconds).toBe(seconds);
  });

  it.each([
    ["test: node --version", ["node --version"]],
    ["test: [node --version, npm --version]", ["node --version", "npm --version"]],
    ['test: [[node, --eval, ""]]', [["node", "--eval", ""]]],
    ["test: [a && b, [c]]", ["a && b", ["c"]]],
    ["test: []", []],
  ])("reads %s", (line, test) => {
    expect(web(line).test).toEqual(test);
  });

  it("writes templates in one way", () => {
    const image = web(
      'build-args: { A: "{{ branch }}" }\ntags: { stable: ["{{ ref_name }}-x"], unique: ["{{run }}"] }',
    );
    expect([image.buildArgs, image.tags]).toEqual([
      { A: "{{branch}}" },
      { stable: ["{{ref_name}}-x"], unique: ["{{run}}"] },
    ]);
  });

  it("finds no build argument that nobody wrote", () => {
    const { buildArgs } = web("build-args: { toString: a }");
    expect([buildArgs.toString, buildArgs.constructor, buildArgs.hasOwnProperty]).toEqual(["a", undefined, undefined]);
  });

  it("reads anchors and aliases", () => {
    const text =
      "version: 1\nimages:\n  a: { repository: a, registry: &r acmeprod }\n  b: { repository: b, registry: *r }\n";
    expect(images(text).map((image) => image.registry)).toEqual(["acmeprod", "acmeprod"]);
  });

  it.each(["\uFEFF", "---\n", "# a comment\n"])("reads a file that starts with %j", (start) => {
    expect(images(`${start}version: 1\r\nimages: { web: { repository: web, registry: acmeprod } }\r\n`)).toEqual([
      minimal,
    ]);
  });

  it("reads `on` as a word, as YAML 1.2 does", () => {
    expect(web("on: { base_update: off }").on.baseUpdate).toBe("off");
  });
});

describe("on.push", () => {
  it.each([
    ["nothing", "", "", { branches: ["main"], tags: [], paths: [] }],
    ["only other triggers", "on: { base_update: runtime }", "", { branches: ["main"], tags: [], paths: [] }],
    ["an empty push", "on: { push: {} }", "", { branches: ["main"], tags: [], paths: [] }],
    ["only branches", "on: { push: { branches: [dev] } }", "", { branches: ["dev"], tags: [], paths: [] }],
    ["only Git tags", 'on: { push: { tags: ["v*"] } }', "", { branches: [], tags: ["v*"], paths: [] }],
    ["only paths", "on: { push: { paths: [a] } }", "", { branches: ["main"], tags: [], paths: ["a"] }],
    ["only takes paths away", 'on: { push: { paths: ["!a"] } }', "", { branches: ["main"], tags: [], paths: ["!a"] }],
    ["off", "on: { push: off }", "", undefined],
    [
      "nothing, defaults have branches",
      "",
      "on: { push: { branches: [dev] } }",
      { branches: ["dev"], tags: [], paths: [] },
    ],
    ["nothing, defaults are off", "", "on: { push: off }", undefined],
    [
      "Git tags, defaults have branches",
      "on: { push: { tags: [v1] } }",
      "on: { push: { branches: [dev] } }",
      { branches: [], tags: ["v1"], paths: [] },
    ],
    [
      "paths, defaults have branches and paths",
      "on: { push: { paths: [a] } }",
      "on: { push: { branches: [dev], paths: [b] } }",
      { branches: ["dev"], tags: [], paths: ["a"] },
    ],
    [
      "branches, defaults have paths",
      "on: { push: { branches: [dev] } }",
      "on: { push: { paths: [b] } }",
      { branches: ["dev"], tags: [], paths: ["b"] },
    ],
    [
      "paths, defaults are off",
      "on: { push: { paths: [a] } }",
      "on: { push: off }",
      { branches: ["main"], tags: [], paths: ["a"] },
    ],
  ])("when the image says %s", (_, line, defaults, push) => {
    expect(web(line, ["registry: acmeprod", defaults].filter(Boolean).join(", ")).on.push).toEqual(push);
  });
});

describe("defaults", () => {
  const defaults =
    'registry: shared, platforms: [linux/arm64], timeout: 10m, owner: team, cache: true, build-args: { A: "1", B: "2" }, tags: { stable: [a], unique: ["{{run}}"] }, on: { pull_request: build-only, base_update: off, schedule: [{ cron: "0 0 * * *" }] }';

  it("hold where the image says nothing", () => {
    expect(web("", defaults)).toEqual({
      ...minimal,
      registry: "shared",
      platforms: ["linux/arm64"],
      timeoutSeconds: 600,
      owner: "team",
      cache: true,
      buildArgs: { A: "1", B: "2" },
      tags: { stable: ["a"], unique: ["{{run}}"] },
      on: { ...minimal.on, pullRequest: "build-only", baseUpdate: "off", schedule: [{ cron: "0 0 * * *" }] },
    });
  });

  it("give way to what the image says; build arguments are united, tags and triggers taken key by key", () => {
    const own =
      'registry: own\nplatforms: [linux/386]\ntimeout: 20m\nowner: me\ncache: false\nbuild-args: { B: "3", C: "4" }\ntags: { stable: [] }\non: { pull_request: off, schedule: [] }';
    expect(web(own, defaults)).toEqual({
      ...minimal,
      registry: "own",
      platforms: ["linux/386"],
      timeoutSeconds: 1200,
      owner: "me",
      cache: false,
      buildArgs: { A: "1", B: "3", C: "4" },
      tags: { stable: [], unique: ["{{run}}"] },
      on: { ...minimal.on, pullRequest: "off", baseUpdate: "off", schedule: [] },
    });
  });
});
