import { expect, test } from "vitest";
import { useScenario } from "../support/scenario.ts";
import type { StoryImages } from "../support/scenario-source.ts";

const scenario = useScenario();
const images = (web: string): StoryImages => ({ base: {}, web: { from: ["base"], content: web } });

test("a registry deleted and made again under its name is another one: all is built again, nothing of the old is mixed in", async () => {
  const story = await scenario.story("again");
  const { twin } = scenario;
  await story.pushed(images("web 1\n"));
  const old = await story.runs();
  expect(old.map(({ id, status }) => `${id} ${status}`)).toEqual(["local-2 Succeeded", "local-1 Succeeded"]);

  await twin.acr.recreateRegistry();
  expect([scenario.tags("platform/again/web"), twin.acr.runs()]).toEqual([[], []]);
  // A host believes for ten minutes what ARM said of a registry.
  await twin.host().stop();
  await twin.startHost();
  const commit = await story.push(images("web 2\n"));
  await story.ended("web", commit);
  await scenario.rest();

  // ACR counts from cf1 again, we do not; base did not change and is built all the same.
  const runs = await story.runs({ commit });
  expect(runs.map(({ id, image, status }) => `${id} ${image} ${status}`).sort()).toEqual([
    "local-1000001 base Succeeded",
    "local-1000002 web Succeeded",
  ]);
  expect(twin.acr.runs().map(({ runId }) => runId)).toEqual(["cf1", "cf2"]);
  for (const { id } of old) expect(scenario.acrRunsOf(id)).toEqual([]);
  const { reasons, attempts } = await story.run("local-1000002");
  expect(reasons.map(({ kind }) => kind)).not.toContain("commit");
  expect(attempts).toMatchObject([{ acrRunId: "cf2" }]);
  expect(await scenario.files("platform/again/web")).toEqual({ base: "base 1\n", web: "web 2\n" });
  expect(scenario.tags("platform/again/web")).toHaveLength(2);
});
