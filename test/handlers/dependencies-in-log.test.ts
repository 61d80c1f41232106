import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dependencyYaml } from "../../local/acr/run/dependency-list.ts";
import { dependenciesIn } from "../../src/handlers/dependencies-in-log.ts";

const d = (n: number) => `sha256:${String(n).repeat(64)}`;
const node = "docker.io/library/node:20";
const sdk = "mcr.microsoft.com/dotnet/sdk:8.0";

/** As ACR writes it: Go's layout, quotes only where YAML would read something else. */
const list = `- image:
    registry: acme.azurecr.io
    repository: web
    tag: main
    digest: ${d(9)}
  runtime-dependency:
    registry: registry.hub.docker.com
    repository: library/node
    tag: "20"
    digest: ${d(1)}
  buildtime-dependency:
  - registry: mcr.microsoft.com
    repository: dotnet/sdk
    tag: "8.0"
    digest: ${d(2)}
  git: {}
`;
const logOf = (text: string, before = "Step 1/2 : FROM node:20") =>
  `${before}\r\n2026/11/23 12:00:09 The following dependencies were found:\r\n\r\n${text.replaceAll("\n", "\r\n")}\r\nRun ID: cf1 was successful after 9s\r\n`;

describe("the bases in ACR's log", () => {
  it("are those of them that were asked for, under the names that Slipway uses", () => {
    expect(dependenciesIn(logOf(list), [node, sdk, "docker.io/library/never:1"])).toEqual({
      [node]: d(1),
      [sdk]: d(2),
    });
    expect(dependenciesIn(logOf(list), [sdk])).toEqual({ [sdk]: d(2) });
  });

  it("are the last list's: what a build prints cannot stand in for it", () => {
    const forged = logOf(list.replaceAll(d(1), d(7))).split("Run ID")[0]!;
    expect(dependenciesIn(logOf(list, forged), [node])).toEqual({ [node]: d(1) });
  });

  it("are none without a digest, and of tags that look like numbers the text as it stands", () => {
    const plain = list.replace('"20"', "1.10").replace(`digest: ${d(2)}`, "digest: ''");
    expect(dependenciesIn(logOf(plain), ["docker.io/library/node:1.10", sdk])).toEqual({
      "docker.io/library/node:1.10": d(1),
    });
  });

  it("are read from what the twin writes, too", () => {
    const image = (registry: string, repository: string, tag: string, digest: string) =>
      ({ registry, repository, tag, digest, reference: `${registry}/${repository}:${tag}` }) as Parameters<
        typeof dependencyYaml
      >[0][number]["runtime"];
    const runtime = image("registry.hub.docker.com", "library/node", "20", d(1));
    const text = dependencyYaml([{ runtime, buildtime: [image("mcr.microsoft.com", "dotnet/sdk", "8.0", d(2))] }]);
    expect(dependenciesIn(logOf(text), [node, sdk])).toEqual({ [node]: d(1), [sdk]: d(2) });
  });

  it("are none in anything else, however it looks", () => {
    const pieces = fc.constantFrom(...list.split(/(?<=[\n:])/), "&a", "*a", "- ", "? ", "{", "]", "\t", "|\n", "!!js ");
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(pieces).map((all) => all.join("")),
        ),
        (text) => {
          const found = dependenciesIn(logOf(text), [node, sdk]);
          for (const [reference, digest] of Object.entries(found)) {
            expect([node, sdk]).toContain(reference);
            expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
          }
        },
      ),
    );
    expect(dependenciesIn("no list", [node])).toEqual({});
    expect(dependenciesIn(logOf(list + "# more\n".repeat(10_000)), [node])).toEqual({});
    expect(dependenciesIn(logOf("[".repeat(60_000)), [node])).toEqual({});
    expect(dependenciesIn(logOf("- runtime-dependency: 7\n"), [node])).toEqual({});
    expect(dependenciesIn(logOf(`a: &a [x]\nb: [${"*a,".repeat(50)}]\n`), [node])).toEqual({});
  });
});
