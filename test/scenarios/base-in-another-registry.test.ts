import { readFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { clientFor, tokensOf } from "../support/acr-world.ts";
import { useScenario } from "../support/scenario.ts";
import { quickBaseUpdates } from "../support/scenario-base.ts";
import { filesOfImage } from "../support/scenario-image.ts";

const second = "secondregistry";
const scenario = useScenario({
  platform: (registry) =>
    quickBaseUpdates(registry).replace(
      "publish:",
      `  second: { resource-id: ${registry.resourceId.replace(/[^/]+$/, second)} }\npublish:`,
    ),
});

beforeAll(async () => {
  const { acr, identity, endpoints } = scenario.twin;
  const arm = clientFor(acr, { cert: readFileSync(endpoints.armCa, "utf8") }, tokensOf(identity));
  const made = { location: "westeurope", sku: { name: "Basic" } };
  await arm.registries.beginCreateAndWait(acr.resourceGroup, second, made);
});

test("a base that Slipway builds in one registry rebuilds its dependent in another, once, and says from what to what", async () => {
  const { acr, registry } = scenario.twin;
  const reference = `${registry.loginServer}/platform/ground/base:main`;
  const ground = await scenario.story("ground");
  const house = await scenario.story("house");
  await ground.pushed({ base: {} });
  const web = { dockerfile: `FROM ${reference}\nCOPY web /web\n`, yaml: ["registry: second"] };
  const commit = await house.pushed({ web });
  const [before, first] = [await house.ended("web"), await ground.ended("base")];
  expect(before).toMatchObject({ status: "Succeeded", bases: { [reference]: first.digest } });

  await ground.pushed({ base: { content: "base 2\n" } });
  const after = await house.reached("web", (run) => run.id !== before.id && run.status === "Succeeded");
  await scenario.rest();

  const base = await ground.ended("base");
  expect(after.commit).toBe(commit);
  expect(after.reasons).toEqual([{ kind: "base", reference, from: first.digest, to: base.digest }]);
  expect(after.cause).toEqual([expect.objectContaining({ kind: "registry-event", reference })]);
  expect(await house.runs()).toHaveLength(2);
  expect(acr.runs(second)).toHaveLength(2);
  const { loginServer } = acr.registries().find(({ name }) => name === second)!;
  expect(await filesOfImage(loginServer, "platform/house/web", "main")).toEqual({ base: "base 2\n", web: "web 1\n" });
});
