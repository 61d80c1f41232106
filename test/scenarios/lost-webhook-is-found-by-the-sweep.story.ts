import { expect, test } from "vitest";
import { useScenario } from "../support/scenario.ts";
import { until } from "../support/scenario-until.ts";

const scenario = useScenario();

test("a push nobody told us of is found and built, with the sweep as its cause", async () => {
  const story = await scenario.story("lost");
  await story.pushed({ web: {} });
  scenario.twin.github.faults.lose = 1;
  const lost = await story.push({ web: { content: "web 2\n" } });
  const run = await story.ended("web", lost);
  expect(story.delivery(lost)).toBeUndefined();
  expect(run).toMatchObject({ status: "Succeeded", cause: [{ kind: "sweep" }] });
  await scenario.rest();
  expect(await scenario.files("platform/lost/web")).toEqual({ web: "web 2\n" });
});

test("a branch whose deletion nobody told us of is no longer built", async () => {
  const story = await scenario.story("lost-deletion");
  const push = "{ branches: [topic] }";
  await story.pushed({ web: {} }, { push });
  await story.pushed({ web: {} }, { push, branch: "topic" });
  scenario.twin.github.faults.lose = 1;
  const isBuilt = async () => {
    const { images } = await scenario.read<{ images: { source: { fullName: string } }[] }>("images");
    return images.some((image) => image.source.fullName === story.repository.fullName);
  };
  expect(await isBuilt()).toBe(true);
  await story.pushRef(":refs/heads/topic");
  await until("the track is gone", async () => !(await isBuilt()));
});
