import { expect, test } from "vitest";
import { useScenario } from "../support/scenario.ts";
import { sourceFiles } from "../support/scenario-source.ts";

const scenario = useScenario();

test("a bad slipway.yaml builds nothing, and the commit and the decision name line, key and fix; mending it builds", async () => {
  const story = await scenario.story("yaml");
  const good = sourceFiles({ web: {} }, { story: "yaml" });
  const bad = good["slipway.yaml"]!.replace("    context: images/web", "    contxt: images/web");
  const commit = await story.pushFiles({ ...good, "slipway.yaml": bad });
  const decision = await story.decision(commit);
  await scenario.rest();
  const line = bad.split("\n").findIndex((l) => l.includes("contxt")) + 1;
  expect(decision).toMatchObject({
    plannedCount: 0,
    skipped: [{ reason: "invalid-config" }],
    problems: [
      expect.objectContaining({
        line,
        key: expect.stringContaining("contxt"),
        message: expect.stringContaining("contxt"),
        fix: "did you mean `context`?",
      }),
    ],
  });
  const { state, description } = story.statuses(commit)["slipway/config"]!;
  expect(state).toBe("failure");
  expect(description).toContain(`line ${line}`);
  expect(description).toContain("did you mean `context`?");
  expect(await story.runs()).toEqual([]);

  const mended = await story.pushFiles(good);
  expect(await story.ended("web", mended)).toMatchObject({ status: "Succeeded" });
  await scenario.rest();
  expect(story.statuses(mended)["slipway/config"]).toMatchObject({ state: "success" });
});
