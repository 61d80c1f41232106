import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { checkInfra } from "../../scripts/check-bicep/check.ts";
import { readSource, type Source } from "../../scripts/check-bicep/source.ts";
import { plantedFaults } from "./planted-faults.ts";

const REGISTRY = "infra/modules/registry.bicep";
const real = await readSource(fileURLToPath(new URL("../..", import.meta.url)));

/** The real source with one thing changed; the change must take hold, or the test would prove nothing. */
function planted(path: string, before: string, after: string): Source {
  const text = real.get(path) ?? "";
  expect(text).toContain(before);
  return new Map(real).set(path, text.replace(before, after));
}

/** As printed, without the line. */
async function problemsIn(source: Source): Promise<string[]> {
  return (await checkInfra(source)).map(({ path, message }) => `${path} ${message}`);
}

describe("the offline Bicep check", () => {
  it("finds nothing wrong with infra/", async () => {
    expect(await problemsIn(real)).toEqual([]);
  });

  it("looks at every module, the parameter file and the schemas", () => {
    const modules = [...real.keys()].filter((path) => path.startsWith("infra/modules/"));
    expect(modules.length).toBeGreaterThanOrEqual(8);
    for (const path of ["infra/main.bicep", "infra/main.bicepparam", "azure.yaml", "local.settings.sample.json"])
      expect(real.has(path)).toBe(true);
    expect([...real.keys()].filter((path) => path.startsWith("infra/schemas/")).length).toBeGreaterThan(15);
  });

  it("says where", async () => {
    const problems = await checkInfra(planted(REGISTRY, "adminUserEnabled: false", "adminUserEnabled: true"));
    const line =
      real
        .get(REGISTRY)!
        .split("\n")
        .findIndex((text) => text.includes("adminUserEnabled")) + 1;
    expect(problems).toEqual([{ path: REGISTRY, line, message: "properties.adminUserEnabled must say false" }]);
  });
});

for (const [family, list] of Object.entries(plantedFaults)) {
  describe(family, () => {
    it.each(list)("finds %s", async (_fault, path, before, after, message) => {
      const problems = await problemsIn(planted(path, before, after));
      expect(problems).toContainEqual(expect.stringContaining(message));
    });
  });
}

describe("what the code says", () => {
  const withFile = (path: string, text: string) => new Map(real).set(path, text);

  it("wants a queue and its poison queue for every queue trigger", async () => {
    const trigger = 'app.storageQueue("x", { queueName: "night-shift", connection: "SlipwayStorage", handler });';
    const problems = await problemsIn(withFile("src/functions/x.ts", trigger));
    expect(problems).toEqual(["infra there is no queue night-shift", "infra there is no queue night-shift-poison"]);
  });

  it("says when it cannot read a queue's name", async () => {
    const problems = await problemsIn(withFile("src/functions/x.ts", "{ queueName: nameOf(queue) }"));
    expect(problems).toEqual([expect.stringContaining("src/functions/x.ts queueName: nameOf(queue)")]);
  });

  it("wants a setting that a schedule names", async () => {
    const problems = await problemsIn(withFile("src/functions/x.ts", '{ schedule: "%SLIPWAY_TEA_TIME%" }'));
    expect(problems).toContain("infra the app setting SLIPWAY_TEA_TIME is not set (nor documented as optional)");
  });

  it("wants a setting that src/settings.ts reads, unless docs/deploy.md calls it optional", async () => {
    const reads = withFile("src/settings.ts", `${real.get("src/settings.ts") ?? ""}\ntext("SLIPWAY_TEA");`);
    expect(await problemsIn(reads)).toContain(
      "infra the app setting SLIPWAY_TEA is not set (nor documented as optional)",
    );
    const guide = real.get("docs/deploy.md") ?? "";
    const documented = new Map(reads).set(
      "docs/deploy.md",
      `${guide}\n## Optional settings\n- \`SLIPWAY_TEA\`: off.\n`,
    );
    const problems = await problemsIn(guide.includes("# Optional settings") ? optional(reads) : documented);
    expect(problems).toEqual(["local.settings.sample.json SLIPWAY_TEA is missing"]);
  });

  function optional(source: Source): Source {
    const guide = source.get("docs/deploy.md") ?? "";
    return new Map(source).set("docs/deploy.md", guide.replace(/# Optional settings\n/, "$&\n- `SLIPWAY_TEA`: off.\n"));
  }
});
