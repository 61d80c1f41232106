import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { parsePlatformYaml } from "../../src/config/platform-yaml.ts";
import { parseSlipwayYaml } from "../../src/config/slipway-yaml.ts";

const read = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), "utf8");
const guide = await read("docs/deploy.md");
const [platform = "", slipway = ""] = [...guide.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, yaml = ""]) => yaml);

describe("the guide to a first build on Azure", () => {
  it("shows a platform file and a slipway.yaml that are valid", () => {
    expect(parsePlatformYaml(platform)).toMatchObject({ ok: true });
    expect(parseSlipwayYaml(slipway)).toMatchObject({ ok: true });
  });

  it("maps the image of its example to the registry of its example", () => {
    const policy = parsePlatformYaml(platform);
    const definition = parseSlipwayYaml(slipway);
    if (!policy.ok || !definition.ok) throw new Error("see the test above");
    const [image] = definition.value.images;
    expect(Object.keys(policy.value.registries)).toContain(image?.registry);
    expect(image?.repository.startsWith(policy.value.publish[0]!.to.replace("**", ""))).toBe(true);
  });

  it("sets only variables that the parameter file reads, and reads only outputs there are", async () => {
    const parameters = await read("infra/main.bicepparam");
    const main = await read("infra/main.bicep");
    const set = [...guide.matchAll(/azd env set ([A-Z_]+)/g)].map(([, name]) => name);
    const got = [...guide.matchAll(/azd env get-value ([A-Z_]+)/g)].map(([, name]) => name);
    expect(set.length).toBeGreaterThan(3);
    expect(got.length).toBeGreaterThan(3);
    for (const name of set) expect(parameters).toContain(`'${name}'`);
    for (const name of got) expect(main).toContain(`output ${name} `);
  });

  it("names the secrets that the app's settings refer to", async () => {
    const functions = await read("infra/modules/functions.bicep");
    const secrets = [...functions.matchAll(/secretsUri\}\/([a-z-]+)\)/g)].map(([, name]) => name);
    expect(secrets).toHaveLength(3);
    for (const name of secrets) expect(guide).toContain(name);
  });

  it("explains every role that is assigned", async () => {
    const roles: string[] = [];
    for (const module of ["roles", "registry-roles"]) {
      const ids = (await read(`infra/modules/${module}.bicep`)).matchAll(/^ {2}'?([\w ]+?)'?: '[0-9a-f-]{36}'/gm);
      for (const [, name = ""] of ids) roles.push(name);
    }
    expect(roles).toHaveLength(8);
    for (const name of roles) expect(guide).toContain(name);
  });
});
