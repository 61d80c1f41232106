import { expect, test } from "vitest";
import { useScenario } from "../support/scenario.ts";

const scenario = useScenario();

test("a push builds what changed and what stands on it, and leaves the rest", async () => {
  const story = await scenario.story("push");
  const images = { base: {}, web: { from: ["base"] }, other: {} };
  const first = await story.pushed(images);
  expect((await story.runs()).map((r) => `${r.image} ${r.status}`).sort()).toEqual([
    "base Succeeded",
    "other Succeeded",
    "web Succeeded",
  ]);

  const second = await story.pushed({ ...images, base: { content: "base 2\n" } });
  const decision = await story.decision(second);
  expect(decision.planned.map((p) => p.image)).toEqual(["base", "web"]);
  expect(decision.skipped).toEqual([expect.objectContaining({ reason: "nothing-changed", images: ["other"] })]);
  expect(await story.runs({ commit: second })).toHaveLength(2);

  expect(await scenario.files(story.imageRepository("web"))).toEqual({ base: "base 2\n", web: "web 1\n" });
  expect(await scenario.files(story.imageRepository("other"))).toEqual({ other: "other 1\n" });
  expect(story.statuses(first)).toMatchObject({
    "slipway/config": { state: "success" },
    "slipway/base": { state: "success" },
    "slipway/web": { state: "success" },
    "slipway/other": { state: "success" },
  });
  expect(story.statuses(second)).toMatchObject({
    "slipway/base": { state: "success" },
    "slipway/web": { state: "success" },
  });
  expect(story.statuses(second)).not.toHaveProperty(["slipway/other"]);
});
